"""What a command says: data on stdout, the story on stderr, questions on a terminal only."""

import contextlib
import io
import json
import sys
import threading
from collections.abc import Iterator
from typing import Any, TextIO

from oppmigrate.errors import MigrateError, Refused, WrongUsage
from oppmigrate.lines import is_plain, styled
from oppmigrate.results import as_json

# seconds of work after which a person is shown that it goes on
PATIENCE_S = 0.8


class Terminal:
    """The two streams, and how the person, or the program, at the other end wants them."""

    def __init__(self, *, as_json: bool = False, quiet: bool = False, interactive: bool = True) -> None:
        self.as_json = as_json
        self.quiet = quiet
        # None where they are closed: print() would then write the story to stdout
        self.out, self._err = (stream or io.StringIO() for stream in (sys.stdout, sys.stderr))
        self._spinner: _Spinner | None = None
        self.can_ask = interactive and not as_json and sys.stdin is not None and sys.stdin.isatty()

    def data(self, text: str) -> None:
        """A line of the answer itself; nothing with --json, which has its own."""
        if not self.as_json:
            _write(self.out, text)

    def source(self, text: str, encoding: str) -> None:
        """A file's own text on stdout, byte for byte; nothing with --json."""
        if self.as_json:
            return
        self.out.flush()
        binary = getattr(self.out, "buffer", None)
        if binary is None:  # where stdout is closed, or a test's
            self.out.write(text)
        else:
            binary.write(text.encode(encoding, "surrogateescape"))
            binary.flush()

    def result(self, value: Any) -> None:
        """The whole answer as JSON, where that is asked for."""
        if self.as_json:
            _write(self.out, json.dumps(as_json(value), indent=2))

    def story(self, text: str) -> None:
        """What is going on, for a person who watches."""
        if not self.quiet:
            self._stop_spinner()
            _write(self._err, text)

    def warn(self, text: str) -> None:
        """Something the person should know though the command went well."""
        self._stop_spinner()
        _write(self._err, f"{self.paint('note:', 'yellow', self._err)} {text}")

    def fail(self, error: MigrateError) -> None:
        """The error in its three parts; with --json on stdout too."""
        if self.as_json:
            parts = {"kind": error.kind, "what": error.what, "why": error.why, "do": error.do, **error.facts}
            _write(self.out, json.dumps({"error": as_json(parts)}, indent=2, default=str))
        text = str(error).replace("error:", self.paint("error:", "red", self._err), 1)
        _write(self._err, text)
        self._err.flush()

    def interrupted(self, word: str, where: str) -> None:
        """Ctrl-C, or SIGTERM: the last word; `where` says what is left of the work, where anything was begun."""
        text = f"{word}: {where}" if where else word
        if self.as_json:
            _write(self.out, json.dumps({"error": {"kind": "interrupted", "what": text, "why": None, "do": None}}))
        newline = "\n" if self._err is not None and self._err.isatty() else ""  # the terminal shows ^C
        _write(self._err, f"{newline}{text}")
        self._err.flush()

    def paint(self, text: str, style: str, stream: TextIO | None = None) -> str:
        """Text in a style, on a terminal that shows styles; meaning never lies in the colour alone."""
        return text if is_plain(stream or self.out) else styled(text, style)

    def confirm(self, question: str, *, flag: str = "--yes") -> None:
        """Ask for a yes.

        Raises:
            Refused: the answer was no, or there is nobody to ask and `flag` was not given.
        """
        if not self.can_ask:
            raise Refused(f"this needs a yes: {question}", why="there is no terminal to ask on", do=f"add {flag}")
        if not self.agrees(question):
            raise Refused("nothing was changed", why="the answer was no")

    def agrees(self, question: str) -> bool:
        """Ask a yes-or-no question of the person at the terminal; Enter means no."""
        return self._ask(f"{question} [y/N]: ").strip().lower() in ("y", "yes")

    def choose(self, highest: int) -> int:
        """Ask for a number from 0 to `highest` until one is given; Enter means 0."""
        while True:
            answer = self._ask("[0]: ").strip() or "0"
            if answer.isdecimal() and int(answer) <= highest:
                return int(answer)
            self.story(f"a number from 0 to {highest}, please")

    def ask(self, question: str, *, missing: str) -> str:
        """Ask for a text.

        Raises:
            WrongUsage: there is nobody to ask, or nothing was typed; `missing` says what is.
        """
        answer = self.answer(question) if self.can_ask else ""
        if not answer:
            raise WrongUsage(missing)
        return answer

    def answer(self, question: str) -> str:
        """What the person at the terminal types; Enter gives an empty text."""
        return self._ask(f"{question}: ").strip()

    def _ask(self, prompt: str) -> str:
        self._stop_spinner()
        print(prompt, end="", file=self._err, flush=True)
        line = sys.stdin.readline()
        if not line:
            print(file=self._err)
            raise Refused("nothing was changed", why="the input ended before the answer")
        return line.rstrip("\n")

    @contextlib.contextmanager
    def working(self, text: str) -> Iterator[None]:
        """Show that work goes on, on a terminal, once it has lasted a moment."""
        if self.quiet or not self._err.isatty():
            yield
            return
        self._spinner = _Spinner(text)
        self._spinner.timer.start()
        try:
            yield
        finally:
            self._stop_spinner()

    def _stop_spinner(self) -> None:
        """It must not draw over what is said, or over a question."""
        if self._spinner is not None:
            self._spinner.stop()
            self._spinner = None


def _write(stream: TextIO, text: str) -> None:
    """A line in one write: print() makes two, and the lines of runs that share an unbuffered stream would mix."""
    stream.write(f"{text}\n")


class _Spinner:
    """rich's spinner, imported only when somebody has waited long enough to see it."""

    def __init__(self, text: str) -> None:
        self.timer = threading.Timer(PATIENCE_S, self._start)
        self.timer.daemon = True
        self._text = text
        self._lock = threading.Lock()
        self._stopped = False
        self._status: Any = None

    def _start(self) -> None:
        from rich.console import Console

        with self._lock:
            if not self._stopped:
                self._status = Console(stderr=True).status(self._text)
                self._status.start()

    def stop(self) -> None:
        self.timer.cancel()
        with self._lock:
            self._stopped = True
            if self._status is not None:
                self._status.stop()
