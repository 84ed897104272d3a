"""`# oppman: allow RULE -- REASON`, found at the statement of a revision file that is running."""

import importlib.util
from collections.abc import Callable
from pathlib import Path

import pytest

from oppmigrate.safety import is_allowed

ALLOW = "# oppman: allow lossy-conversion -- old rows are test rows"


@pytest.fixture
def run(tmp_path: Path) -> Callable[[str], list[bool]]:
    """Run the lines of an upgrade(); each call of `ask` in it tells whether it is allowed to lose something."""

    def run_lines(body: str) -> list[bool]:
        file = tmp_path / "revision.py"
        lines = "\n".join(f"    {line}" for line in body.splitlines())
        file.write_text(f"def upgrade(ask, batch=None):\n{lines}\n", encoding="utf-8")
        spec = importlib.util.spec_from_file_location("revision", file)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        answers: list[bool] = []

        def ask(*_: object) -> None:
            answers.append(is_allowed("lossy-conversion", file))

        class Batch:
            def __enter__(self) -> None: ...

            def __exit__(self, *_: object) -> None:
                ask()

        module.upgrade(ask, Batch)
        return answers

    return run_lines


@pytest.mark.parametrize(
    "body",
    [
        f"ask()  {ALLOW}",
        f"{ALLOW}\nask()",
        f"{ALLOW}\nask(\n    1,\n    2,\n)",
        f"ask(\n    1,  {ALLOW}\n    2,\n)",
        f"ask(\n    1,\n    2,\n)  {ALLOW}",
        "ask()  #oppman: allow drop-column, lossy-conversion  --  reason",
        f"if True:\n    {ALLOW}\n    ask()",
        f"(lambda: ask())()  {ALLOW}",
        f"with batch():\n    pass  {ALLOW}",
        f"{ALLOW}\nwith batch():\n    pass",
    ],
)
def test_allowed(run: Callable[[str], list[bool]], body: str) -> None:
    assert run(body) == [True]


@pytest.mark.parametrize(
    "body",
    [
        "ask()",
        "ask()  # oppman: allow lossy-conversion",
        "ask()  # oppman: allow lossy-conversion --",
        "ask()  # oppman: allow lossy -- reason",
        "ask()  # oppman: allow drop-column -- reason",
        f"{ALLOW}\n\nask()",
        f"{ALLOW}\nx = 1\nask()",
        f"ask()\n{ALLOW}",
        f"x = '''\n{ALLOW}'''\nask()",
        f"ask('{ALLOW}')",
        f"{ALLOW}\nif True:\n    ask()",
        f"for n in (1,):\n    ask()\n    x = 1  {ALLOW}",
        f"with batch():\n    pass\nx = 1  {ALLOW}",
    ],
)
def test_not_allowed(run: Callable[[str], list[bool]], body: str) -> None:
    assert run(body) == [False]


def test_each_statement_has_an_allowance_of_its_own(run: Callable[[str], list[bool]]) -> None:
    assert run(f"ask()\nask()  {ALLOW}\nx = 1\nask()") == [False, True, False]


def test_allowance_on_a_statement_s_own_line_is_not_for_the_next(run: Callable[[str], list[bool]]) -> None:
    assert run(f"ask()  {ALLOW}\nask()") == [True, False]


def test_file_that_is_not_running_allows_nothing(tmp_path: Path) -> None:
    file = tmp_path / "revision.py"
    file.write_text(f"{ALLOW}\n")
    assert not is_allowed("lossy-conversion", file)
