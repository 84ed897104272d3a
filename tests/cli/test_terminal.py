"""Two streams: the answer on stdout, the story on stderr; questions on a terminal only."""

import io
import json
import sys
from pathlib import Path

import pytest

from oppmigrate.cli.terminal import Terminal
from oppmigrate.errors import Refused, UnknownRevision, WrongUsage
from oppmigrate.results import StampResult


class Screen(io.StringIO):
    """A stream that is a terminal."""

    def isatty(self):
        return True


@pytest.fixture
def screen(monkeypatch):
    """A person sits at all three streams; returns what they see of stderr, and lets them type."""
    monkeypatch.setenv("TERM", "xterm")

    def type_(text=""):
        for name in ("stdout", "stderr"):
            monkeypatch.setattr(sys, name, Screen())
        monkeypatch.setattr(sys, "stdin", Screen(text))
        return sys.stderr

    return type_


# ---- what goes where


def test_answer_and_story(capsys):
    terminal = Terminal()
    terminal.data("the answer")
    terminal.story("the story")
    terminal.result(StampResult((), ("a1",)))
    assert capsys.readouterr() == ("the answer\n", "the story\n")


def test_quiet_leaves_answer_and_notes(capsys):
    terminal = Terminal(quiet=True)
    terminal.data("the answer")
    terminal.story("the story")
    terminal.warn("take care")
    assert capsys.readouterr() == ("the answer\n", "note: take care\n")


def test_json_is_one_document_on_stdout(capsys):
    terminal = Terminal(as_json=True)
    terminal.data("the answer")
    terminal.story("the story")
    terminal.result(StampResult((), ("a1",)))
    out, err = capsys.readouterr()
    assert json.loads(out) == {"before": [], "after": ["a1"], "accepted": []}
    assert err == "the story\n"


ERROR = UnknownRevision("no revision 3f", why="there are others", do="look", revision="3f", path=Path("/x"), seen={"a"})


def test_error_has_three_parts(capsys):
    Terminal().fail(ERROR)
    assert capsys.readouterr() == ("", "error: no revision 3f\nwhy:   there are others\ndo:    look\n")


def test_error_as_json_is_on_both_streams(capsys):
    Terminal(as_json=True).fail(ERROR)
    out, err = capsys.readouterr()
    assert json.loads(out)["error"] == {
        "kind": "unknown-revision",
        "what": "no revision 3f",
        "why": "there are others",
        "do": "look",
        "revision": "3f",
        "path": "/x",
        "seen": ["a"],
    }
    assert err.startswith("error: no revision 3f")


def test_fact_of_any_kind_can_be_written(capsys):
    Terminal(as_json=True).fail(UnknownRevision("no", thing=object(), blob=b"x"))
    assert set(json.loads(capsys.readouterr().out)["error"]) >= {"thing", "blob"}


def test_closed_streams_are_no_error_and_never_mix(monkeypatch, capsys):
    monkeypatch.setattr(sys, "stderr", None)
    terminal = Terminal()
    terminal.data("the answer")
    terminal.story("the story")
    terminal.fail(ERROR)
    with terminal.working("at it"):
        pass
    assert capsys.readouterr().out == "the answer\n"


# ---- colour


def test_colour_on_a_terminal_only(screen):
    screen()
    assert Terminal().paint("x", "red") == "\x1b[31mx\x1b[0m"


@pytest.mark.parametrize(("name", "value"), [("NO_COLOR", "1"), ("TERM", "dumb")])
def test_no_colour_where_it_is_not_wanted(screen, monkeypatch, name, value):
    screen()
    monkeypatch.setenv(name, value)
    assert Terminal().paint("x", "red") == "x"


def test_empty_no_color_means_nothing(screen, monkeypatch):
    screen()
    monkeypatch.setenv("NO_COLOR", "")
    assert Terminal().paint("x", "red") != "x"


def test_no_colour_into_a_pipe(capsys):
    assert Terminal().paint("x", "red") == "x"


# ---- questions


@pytest.mark.parametrize("options", [{"interactive": False}, {"as_json": True}])
def test_nobody_is_asked_who_does_not_want_to_be(screen, options):
    screen("y\n")
    with pytest.raises(Refused) as caught:
        Terminal(**options).confirm("Delete everything?")
    assert "Delete everything?" in caught.value.what
    assert caught.value.do == "add --yes"


def test_nobody_is_asked_without_a_terminal(monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.StringIO("y\n"))
    assert not Terminal().can_ask
    monkeypatch.setattr(sys, "stdin", None)
    assert not Terminal().can_ask


@pytest.mark.parametrize("answer", ["y\n", "Y\n", " yes \n", "YES\n"])
def test_yes(screen, answer):
    err = screen(answer)
    Terminal().confirm("Delete everything?")
    assert err.getvalue() == "Delete everything? [y/N]: "


@pytest.mark.parametrize("answer", ["\n", "n\n", "no\n", "yess\n", "1\n", ""])
def test_everything_else_is_no(screen, answer):
    screen(answer)
    with pytest.raises(Refused, match="nothing was changed"):
        Terminal().confirm("Delete everything?")


def test_text_is_asked_for(screen):
    err = screen("  Add users \n")
    assert Terminal().ask("What changes", missing="a message is needed") == "Add users"
    assert err.getvalue() == "What changes: "


@pytest.mark.parametrize("interactive", [True, False])
def test_missing_text_is_wrong_usage(screen, interactive):
    screen("\n")
    with pytest.raises(WrongUsage, match="a message is needed"):
        Terminal(interactive=interactive).ask("What changes", missing="a message is needed")


@pytest.mark.parametrize(("typed", "chosen"), [("\n", 0), ("0\n", 0), ("2\n", 2), ("3\n1\n", 1), ("x\n-1\n²\n2\n", 2)])
def test_number_is_asked_for_until_there_is_one(screen, typed, chosen):
    err = screen(typed)
    assert Terminal().choose(2) == chosen
    assert err.getvalue().count("a number from 0 to 2, please") == typed.count("\n") - 1


# ---- work that lasts


def test_short_work_shows_nothing(screen):
    err = screen()
    with Terminal().working("comparing"):
        pass
    assert err.getvalue() == ""


def test_long_work_shows_that_it_goes_on(screen, monkeypatch):
    from oppmigrate.cli import terminal

    monkeypatch.setattr(terminal, "PATIENCE_S", 0.0)
    err = screen()
    with Terminal().working("comparing"):
        for _ in range(200):
            if "comparing" in err.getvalue():
                break
            terminal.threading.Event().wait(0.02)
    assert "comparing" in err.getvalue()


def test_spinner_does_not_draw_over_a_question(screen, monkeypatch):
    from oppmigrate.cli import terminal

    monkeypatch.setattr(terminal, "PATIENCE_S", 0.0)
    err = screen("y\n")
    asking = Terminal()
    with asking.working("comparing"):
        for _ in range(200):
            if "comparing" in err.getvalue():
                break
            terminal.threading.Event().wait(0.02)
        asking.confirm("Drop it?")
        terminal.threading.Event().wait(0.2)
    assert err.getvalue().endswith("Drop it? [y/N]: ")


@pytest.mark.parametrize("options", [{"quiet": True}, {}])
def test_work_shows_nothing_where_nobody_looks(capsys, monkeypatch, options):
    from oppmigrate.cli import terminal

    monkeypatch.setattr(terminal, "PATIENCE_S", 0.0)
    with Terminal(**options).working("comparing"):
        terminal.threading.Event().wait(0.05)
    assert capsys.readouterr() == ("", "")


def test_error_ends_the_work(screen):
    screen()
    with pytest.raises(ZeroDivisionError), Terminal().working("comparing"):
        raise ZeroDivisionError
