"""The command line, called in this process."""

import sys
from dataclasses import dataclass

import pytest

from oppmigrate.cli import main


@dataclass(frozen=True)
class Answer:
    """What a command said, and its exit code."""

    code: int
    out: str
    err: str


@pytest.fixture
def oppman(project, capsys, monkeypatch, fresh_imports):
    """Call `oppman` in the project's folder; what it adds to sys.path and imports from there is taken back."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.chdir(project.path)

    def call(*arguments):
        capsys.readouterr()
        code = main(list(arguments))
        return Answer(code, *capsys.readouterr())

    yield call
    for name, module in list(sys.modules.items()):
        if str(getattr(module, "__file__", "")).startswith(str(project.path)):
            del sys.modules[name]
