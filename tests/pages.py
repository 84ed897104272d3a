"""The pages' sessions, run: what a `console` block shows is what its commands say.

    python tests/pages.py            compare, and show what differs
    python tests/pages.py --write    bring the pages to what the commands say

A session is the blocks of a page, in order, in one folder. Comments that no reader sees set it up:

    <!-- pages: application NAME -->        a fresh copy of this repository's application
    <!-- pages: project NAME -->            a fresh, empty folder
    <!-- pages: back NAME -->               to a folder of before
    <!-- pages: write FILE -->              the next block is a file; `append FILE` adds to one
    <!-- pages: edit FILE OLD => NEW -->    a change that the text describes
    <!-- pages: run COMMAND -->             a command that is not shown
    <!-- pages: shows GLOB -->              the next block is what the one such file holds
    <!-- pages: answers A | B -->           the next block runs on a terminal, and is answered
    <!-- pages: server postgresql -->       the next block needs a server; the URL that it exports stands for a real one

A line `…` stands for lines left out. Dates, durations and sizes may differ; ids do not: see `warm_python`.
"""

import argparse
import contextlib
import difflib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pexpect

import servers
from projects import clean_environment, rewrite
from warm_python import warm_python

ROOT = Path(__file__).resolve().parents[1]
PAGES = (Path("README.md"), Path("scripts/migrate/README.md"))
APPLICATION = (
    "oppman.py",
    "models.py",
    "main.py",
    "application",
    "pyproject.toml",
    "alembic.ini",
    "alembic",
    "scripts",
)
# the folder of the sessions, as the pages name it
SHOWN_FOLDER = "/srv/shop"
OMITTED = "…"
FENCE = re.compile(r"^\s*```(\w*)\s*$")
DIRECTIVE = re.compile(r"^\s*<!-- pages: (\w+)\s*(.*?)\s*-->$")
MARK = "\x02"
PROMPT = r"(?:\]|\w|\)|\?): $"
VOLATILE = (
    (re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d(:\d\d(\.\d+)?)?"), "DATE"),
    (re.compile(r"\d{8}T\d{6}Z(-[0-9a-f]+)(-\d+)?"), r"TIME\1"),
    (re.compile(r"\(\d+ ms\)|\b\d+ ms\b|\d+\.\d+ s\b"), "DURATION"),
    (re.compile(r"\bby \S+@[\w.-]+"), "by WHOM"),
    (re.compile(r'("duration_ms": )[\d.]+|("size_bytes": )\d+'), "MEASURED"),
    (re.compile(r" +\d+(\.\d)? (B|kB|MB)\b|\d+(\.\d)? (B|kB|MB)\b"), "SIZE"),
    (re.compile(r"\bjust now\b|\b\d+ (minute|hour|day)s? ago\b"), "AGE"),
    (re.compile(r"\bprocess \d+ \(.*?\)"), "PROCESS"),
    (re.compile(r"oppman_(test|scratch)_[0-9a-f]+"), "SCRATCH"),
)


@dataclass
class Block:
    """A fenced block: its language, its lines, and where they stand in the page."""

    language: str
    start: int
    lines: list[str]
    directives: list[tuple[str, str]] = field(default_factory=list)

    def directive(self, *names: str) -> tuple[str, str] | None:
        """The one that says what this block is, when there is one."""
        return next((each for each in self.directives if each[0] in names), None)


@dataclass
class Command:
    """A command of a block, with what the page shows behind it."""

    lines: list[str]
    shown: list[str]

    @property
    def text(self) -> str:
        return "\n".join([self.lines[0].removeprefix("$ "), *self.lines[1:]])


def read_blocks(lines: list[str]) -> list[Block]:
    """The fenced blocks of a page, each with the directives above it."""
    blocks: list[Block] = []
    directives: list[tuple[str, str]] = []
    number = 0
    while number < len(lines):
        if found := DIRECTIVE.match(lines[number]):
            directives.append((found[1], found[2]))
        elif fence := FENCE.match(lines[number]):
            end = next(index for index in range(number + 1, len(lines)) if lines[index].strip() == "```")
            blocks.append(Block(fence[1], number + 1, lines[number + 1 : end], directives))
            directives, number = [], end
        number += 1
    return blocks


def read_commands(lines: list[str]) -> list[Command]:
    """A console block's commands; one whose line ends in a backslash goes on in the next."""
    commands: list[Command] = []
    for line in lines:
        if line.startswith("$ "):
            commands.append(Command([line], []))
        elif not commands[-1].shown and commands[-1].lines[-1].endswith("\\"):
            commands[-1].lines.append(line)
        else:
            commands[-1].shown.append(line)
    return commands


def steady(line: str) -> str:
    """A line without what differs from run to run."""
    for pattern, standing in VOLATILE:
        line = pattern.sub(standing, line)
    return line.rstrip()


def agree(shown: list[str], real: list[str]) -> bool:
    """Does the page show what there is? `…` stands for any lines."""
    pattern = "".join(r"(?:.*\n)*?" if line == OMITTED else re.escape(steady(line)) + "\n" for line in shown)
    return re.fullmatch(pattern, "".join(steady(line) + "\n" for line in real)) is not None


def merged(shown: list[str], real: list[str]) -> list[str]:
    """What the page should show: as it is where it agrees, else what is real, in the page's words where they agree."""
    if agree(shown, real):
        return shown
    assert not any(line.startswith("Traceback") for line in real), "\n".join(real)
    known = {steady(line): line for line in shown}
    return [known.get(steady(line), line.rstrip()) for line in real]


class Session:
    """A folder in which a page's blocks are run, one after the other."""

    def __init__(self, base: Path, programs: Path) -> None:
        self._base, self._programs = base, programs
        self._name = ""
        self._server: tuple[str, str] | None = None

    @property
    def folder(self) -> Path:
        """Where the commands run; the pages call it SHOWN_FOLDER."""
        return self._base / self._name / SHOWN_FOLDER.strip("/")

    def prepare(self, name: str, value: str) -> None:
        """Follow a directive that stands for itself."""
        if name == "back":
            self._name = value
        elif name in ("application", "project"):
            self._name = value
            self.folder.mkdir(parents=True)
            if name == "application":
                copy_application(self.folder)
        elif name == "edit":
            file, _, change = value.partition(" ")
            old, _, new = change.replace(r"\n", "\n").partition(" =>")
            self._edit(self.folder / file, old, new.removeprefix(" "))
        elif name == "run":
            said = self._piped(f"{value}\ntest $? = 0 || echo FAILED")
            assert "FAILED" not in said, f"{value}: {said}"

    def write(self, file: str, lines: list[str], *, append: bool) -> None:
        """Make the file that a block shows, or add the block to it behind two empty lines."""
        path = self.folder / file
        path.parent.mkdir(parents=True, exist_ok=True)
        before = path.read_text(encoding="utf-8").rstrip("\n") + "\n\n\n" if append else ""
        path.write_text(before + "\n".join(lines) + "\n", encoding="utf-8")

    def shows(self, pattern: str) -> list[str]:
        """The lines of the one file that fits."""
        (file,) = self.folder.glob(pattern)
        return file.read_text(encoding="utf-8").rstrip("\n").split("\n")

    def run(self, commands: list[Command], answers: list[str] | None) -> list[list[str]]:
        """What each command of a block says, on both streams, in the order of saying."""
        script = "".join(f"{each.text}\n(code=$?; printf '\\002'; exit $code)\n" for each in commands)
        if self._server:
            script = script.replace(*self._server)
        said = self._on_terminal(script, answers) if answers is not None else self._piped(script)
        parts = self._as_shown(said).split(MARK)
        return [part.rstrip("\n").split("\n") if part.strip("\n") else [] for part in parts[:-1]]

    @contextlib.contextmanager
    def server(self, kind: str, lines: list[str]) -> Iterator[bool]:
        """An empty database on a server in place of the one that the block exports; False where there is no server."""
        variable = servers.POSTGRESQL_VARIABLE if kind == "postgresql" else servers.MYSQL_VARIABLE
        if variable not in os.environ:
            yield False
            return
        make = servers.postgresql_database if kind == "postgresql" else servers.mysql_database
        shown = next(found[1] for line in lines if (found := re.search(r"DATABASE_URL='?([^' ]+)", line)))
        with make(os.environ[variable]) as real:
            self._server = (shown, real)
            yield True
            self._server = None

    def _environment(self) -> dict[str, str]:
        path = os.pathsep.join([str(self._programs), os.environ["PATH"]])
        return {**clean_environment(), "PATH": path, "PYTHONUNBUFFERED": "1", "TERM": "dumb", "NO_COLOR": "1"}

    def _piped(self, script: str) -> str:
        command = ["bash", "-c", script]
        streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
        done = subprocess.run(command, cwd=self.folder, env=self._environment(), text=True, check=False, **streams)
        return done.stdout

    def _on_terminal(self, script: str, answers: list[str]) -> str:
        """Every question waits for its answer, as a person sees it."""
        bash = pexpect.spawn(
            "bash", ["-c", script], cwd=str(self.folder), env=self._environment(), encoding="utf-8", timeout=60
        )
        said = ""
        for answer in answers:
            bash.expect(PROMPT)
            said += bash.before + bash.after
            bash.sendline(answer)
        bash.expect(pexpect.EOF)
        return (said + bash.before).replace("\r\n", "\n")

    def _edit(self, path: Path, old: str, new: str) -> None:
        source = path.read_text(encoding="utf-8")
        assert source.count(old) == 1, f"{path.name} holds {old!r} {source.count(old)} times"
        rewrite(path, source.replace(old, new))

    def _as_shown(self, text: str) -> str:
        """With the folder, the URL and the database's name that the page gives them."""
        text = text.replace(str(self._base / self._name), "")
        if self._server:
            shown, real = self._server
            text = text.replace(hidden(real), hidden(shown)).replace(database_of(real), database_of(shown))
        return text


def hidden(url: str) -> str:
    """A URL as the commands show it."""
    return re.sub(r"(://[^:/@]*):.*@", r"\1:***@", url)


def database_of(url: str) -> str:
    """The last part of a server's URL."""
    return url.rpartition("/")[2].partition("?")[0]


def copy_application(folder: Path) -> None:
    """This repository's application, without what was made in it."""
    unwanted = shutil.ignore_patterns("__pycache__", "*.db", "*.bak*")
    for name in APPLICATION:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=unwanted)
        else:
            shutil.copy2(source, folder / name)


def play(page: Path) -> tuple[list[str], list[str]]:
    """The lines of a page, as they are and as they should be."""
    lines = page.read_text(encoding="utf-8").split("\n")
    played = list(lines)
    with tempfile.TemporaryDirectory(prefix="pages-") as base, warm_python(Path(base)) as programs:
        session = Session(Path(base).resolve(), programs)
        for block in reversed([(block, play_block(session, block)) for block in read_blocks(lines)]):
            start, shown = block[0].start, block[0].lines
            played[start : start + len(shown)] = block[1]
    return lines, played


def play_block(session: Session, block: Block) -> list[str]:
    """The lines that the block should have; what agrees stays as it is."""
    for name, value in block.directives:
        session.prepare(name, value)
    if file := block.directive("write", "append"):
        session.write(file[1], block.lines, append=file[0] == "append")
    if file := block.directive("shows"):
        return merged(block.lines, session.shows(file[1]))
    if block.language != "console":
        return block.lines
    answers = block.directive("answers")
    given = [each.strip() for each in answers[1].split("|")] if answers else None
    if server := block.directive("server"):
        with session.server(server[1], block.lines) as is_there:
            return play_console(session, block.lines, given) if is_there else block.lines
    return play_console(session, block.lines, given)


def play_console(session: Session, lines: list[str], answers: list[str] | None) -> list[str]:
    """The commands, each with what it says."""
    commands = read_commands(lines)
    real = session.run(commands, answers)
    assert len(real) == len(commands), f"the session ended early: {lines[0]}"
    pairs = zip(commands, real, strict=True)
    return [line for each, said in pairs for line in (*each.lines, *merged(each.shown, said))]


def main() -> int:
    """Compare or write every page; 1 where one is stale."""
    parser = argparse.ArgumentParser(description="Run the sessions that the pages show.")
    parser.add_argument("--write", action="store_true", help="bring the pages to what the commands say")
    parser.add_argument("pages", nargs="*", type=Path, default=PAGES)
    arguments = parser.parse_args()
    played = {page: play(ROOT / page) for page in arguments.pages}
    stale = {page: pair for page, pair in played.items() if pair[0] != pair[1]}
    for page, (shown, real) in stale.items():
        print("\n".join(difflib.unified_diff(shown, real, str(page), "what the commands say", lineterm="")))
        if arguments.write:
            (ROOT / page).write_text("\n".join(real), encoding="utf-8")
    return 1 if stale and not arguments.write else 0


if __name__ == "__main__":
    sys.exit(main())
