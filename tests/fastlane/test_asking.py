"""Which command lines are understood: those with one meaning, and none that argparse would have a word on."""

import pytest

from oppmigrate.fastlane.asking import understand


@pytest.mark.parametrize(
    ("line", "command"),
    [
        ("migrate upgrade", "upgrade"),
        ("migrate upgrade heads", "upgrade"),
        ("migrate upgrade --yes", "upgrade"),
        ("migrate -y upgrade heads", None),
        ("migrate upgrade -y heads", "upgrade"),
        ("migrate upgrade head", None),
        ("migrate upgrade --backup", None),
        ("migrate upgrade --plan", None),
        ("migrate upgrade --lock-timeout 5", None),
        ("--no-input migrate upgrade", "upgrade"),
        ("migrate current", "current"),
        ("-q migrate current", "current"),
        ("migrate current -v", None),
        ("migrate current now", None),
        ("migrate heads", "heads"),
        ("migrate history", "history"),
        ("migrate history --graph", None),
        ("migrate history -r :", None),
        ("migrate check --pending", "check"),
        ("migrate check", None),
        ("--pending migrate check", None),
        ("migrate check --pending --pending", None),
        ("migrate", None),
        ("migrate --help", None),
        ("migrate upgrade --help", None),
        ("migrate upgrade -- heads", None),
        ("", None),
        ("current", None),
        ("backup", None),
        ("migrate current --project", None),
        ("migrate current --project --json", None),
        ("migrate current --project=", None),
        ("migrate current -c alembic.ini", None),
        ("migrate current -x a=b", None),
        ("migrate current -n other", None),
        ("migrate current --wait-for-database 10", "current"),
        ("migrate current --wait-for-database=10", "current"),
        ("migrate current --wait-for-database 1e3", None),
        ("migrate current --wait-for-database 99999", None),
        ("migrate current --wait-for-database -1", None),
        ("migrate current --wait-for-database", None),
    ],
)
def test_line_and_the_command_that_is_understood(line, command):
    question = understand(line.split())
    assert (question and question.command) == command


def test_options_are_kept():
    question = understand("--json --project /a migrate current --database-url=sqlite:///b.db -q".split())  # noqa: SIM905
    assert question is not None
    assert (question.is_json, question.is_quiet, question.project) == (True, True, "/a")
    assert question.database_url == "sqlite:///b.db"
