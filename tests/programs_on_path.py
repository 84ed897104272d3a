"""A PATH of the tests' own: only the programs that are named, or ones that the test writes."""

import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest


def set_path(
    monkeypatch: pytest.MonkeyPatch, folder: Path, scripts: Mapping[str, str], *, keep: tuple[str, ...] = ()
) -> None:
    """Make `folder` the whole PATH: the scripts, by name, and links to the programs to keep."""
    folder.mkdir(exist_ok=True)
    for name in keep:
        found = shutil.which(name)
        assert found, name
        (folder / name).symlink_to(found)
    for name, body in scripts.items():
        (folder / name).write_text(f"#!/bin/sh\n{body}\n")
        (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))
