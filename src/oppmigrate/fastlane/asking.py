"""What is asked, where it is asked in words that have one meaning."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

COMMANDS = frozenset({"upgrade", "current", "heads", "history", "check"})
# global flags that change nothing of a quick answer, and those that a quick answer keeps
QUIET = frozenset({"-q", "--quiet"})
NEVER_ASK = frozenset({"--no-input"})
JSON = frozenset({"--json"})
VALUED = ("--project", "--database-url", "--wait-for-database")
# how an upgrade would go about what there is not to do; not two of them: `--backup` excludes `--no-backup`
OF_UPGRADE = frozenset({"--yes", "-y"})
LONGEST_WAIT = 4  # digits


class Question:
    """One of the commands, with what was said beside it."""

    def __init__(self) -> None:
        self.command = ""
        self.is_json = False
        self.is_quiet = False
        self.project: str | None = None
        self.database_url: str | None = None


def understand(arguments: Sequence[str]) -> Question | None:
    """The question that the arguments ask; None for any other, any doubt, and anything that argparse would refuse."""
    question, words = Question(), []
    waiting = iter(arguments)
    for argument in waiting:
        name, equals, value = argument.partition("=")
        if name in VALUED:
            value = value if equals else next(waiting, "")
            if not _take(question, name, value):
                return None
        elif argument in QUIET:
            question.is_quiet = True
        elif argument in JSON:
            question.is_json = True
        elif argument not in NEVER_ASK:
            words.append(argument)
    if len(words) < 2 or words[0] != "migrate" or words[1] not in COMMANDS:
        return None
    question.command = words[1]
    return question if _is_plain(question.command, words[2:]) else None


def _take(question: Question, name: str, value: str) -> bool:
    if not value or value.startswith("-"):
        return False
    if name == "--project":
        question.project = value
    elif name == "--database-url":
        question.database_url = value
    else:  # how long to wait for a server that does not answer: who answers at once is not waited for
        return value.isascii() and value.isdecimal() and len(value) <= LONGEST_WAIT
    return True


def _is_plain(command: str, rest: Sequence[str]) -> bool:
    if command == "upgrade":
        left = [word for word in rest if word not in OF_UPGRADE]
        return left in ([], ["heads"])
    return list(rest) == (["--pending"] if command == "check" else [])
