"""Arguments: global options wherever they stand, and what wrong usage says."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oppmigrate.cli.arguments import CommandParser, parse_globals
from oppmigrate.cli.registry import CommandGroup
from oppmigrate.errors import WrongUsage

MIGRATE = CommandGroup("migrate")


def parse(name, *arguments):
    return CommandParser(MIGRATE.command(name)).parse(list(arguments))


# ---- global options

GLOBALS = {
    "--project": "dir",
    "--database-url": "sqlite:///x.db",
    "-c": "other.ini",
    "--config": "other.ini",
    "-n": "section",
    "--name": "section",
    "-x": "a=b",
    "--wait-for-database": "7.5",
    "--json": None,
    "--no-input": None,
    "-v": None,
    "--verbose": None,
    "-q": None,
    "--quiet": None,
    "--version": None,
}
some_globals = st.lists(st.sampled_from(sorted(GLOBALS)), max_size=4, unique=True)
some_rest = st.lists(
    st.sampled_from(["migrate", "upgrade", "--sql", "-1", "+2", "base", "--yes", "a message"]), max_size=5
)


@given(some_globals, some_rest, st.randoms())
def test_global_options_are_found_wherever_they_stand(flags, rest, random):
    places = sorted(random.randint(0, len(rest)) for _ in flags)
    argv = []
    for position in range(len(rest) + 1):
        for flag, place in zip(flags, places, strict=True):
            if place == position:
                argv += [flag] if GLOBALS[flag] is None else [flag, GLOBALS[flag]]
        argv += rest[position : position + 1]
    options, left = parse_globals(argv)
    assert left == rest
    for flag in flags:
        name = {"-c": "config", "-n": "name", "-x": "x", "-v": "verbose", "-q": "quiet"}.get(flag, flag.strip("-"))
        expected = 7.5 if flag == "--wait-for-database" else GLOBALS[flag] or True
        assert getattr(options, name.replace("-", "_")) == ([expected] if flag == "-x" else expected)


def test_global_options_with_an_equals_sign():
    options, left = parse_globals(["--project=dir", "migrate", "--database-url=sqlite:///a=b.db", "current"])
    assert (options.project, options.database_url, left) == ("dir", "sqlite:///a=b.db", ["migrate", "current"])


def test_x_arguments_are_gathered():
    assert parse_globals(["-x", "a=1", "current", "-xb=2"])[0].x == ["a=1", "b=2"]


def test_global_options_are_not_guessed_from_a_beginning():
    options, left = parse_globals(["--proj", "dir"])
    assert (options.project, left) == (None, ["--proj", "dir"])


@pytest.mark.parametrize("argument", ["--project", "--database-url", "-c", "-n", "-x"])
def test_missing_value_of_a_global_option_is_wrong_usage(argument):
    with pytest.raises(WrongUsage, match="expected one argument") as caught:
        parse_globals(["migrate", argument])
    assert caught.value.do == "oppman --help"


# ---- values that begin with a dash


@pytest.mark.parametrize("revision", ["-1", "-12", "base", "a1", "label@base", "label@-1"])
def test_downgrade_takes_a_number_of_steps(revision):
    _, left = parse_globals(["downgrade", revision, "--sql"])
    parsed = parse(*left)
    assert (parsed.revision, parsed.sql) == (revision, True)


@pytest.mark.parametrize("given", [["-r", "-3:"], ["-r-3:"], ["--range", "-3:"], ["--range=-3:"]])
def test_history_takes_a_range_from_the_end(given):
    _, left = parse_globals(["history", "-v", *given, "--graph"])
    parsed = parse(*left)
    assert (parsed.range, parsed.graph) == ("-3:", True)


def test_history_without_a_range_is_wrong_usage():
    _, left = parse_globals(["history", "-r", "--graph"])
    with pytest.raises(WrongUsage, match="expected one argument"):
        parse(*left)


@pytest.mark.parametrize("revision", ["+2", "heads", "a1+1", "label@head"])
def test_upgrade_takes_every_kind_of_target(revision):
    assert parse("upgrade", revision).revision == revision


def test_message_may_begin_with_a_dash_behind_two():
    _, left = parse_globals(["create", "--", "-v is broken"])
    assert parse(*left).message == "-v is broken"


# ---- wrong usage


@pytest.mark.parametrize(
    ("arguments", "what", "do"),
    [
        (["upgrade", "--pln"], "`oppman migrate upgrade` has no option --pln", "did you mean --plan?"),
        (["upgrade", "--databse-url=x"], "has no option --databse-url", "did you mean --database-url?"),
        (["upgrade", "--zzz"], "has no option --zzz", "oppman migrate upgrade --help"),
        (["create", "m", "--dryrun"], "has no option --dryrun", "did you mean --dry-run?"),
        (["upgrade", "a", "b"], "takes no argument `b` here", "oppman migrate upgrade --help"),
        (["downgrade"], "arguments are required: REVISION", "oppman migrate downgrade --help"),
        (["upgrade", "--lock-timeout", "soon"], "--lock-timeout", "oppman migrate upgrade --help"),
        (["upgrade", "--backup", "--no-backup"], "not allowed with", "oppman migrate upgrade --help"),
        (["history", "--grap"], "has no option --grap", "did you mean --graph?"),
    ],
)
def test_wrong_usage_names_the_nearest(arguments, what, do):
    with pytest.raises(WrongUsage) as caught:
        parse(*arguments)
    assert what in caught.value.what
    assert caught.value.do == do
    assert caught.value.exit_code == 2


@pytest.mark.parametrize("option", ["--databse-url", "--url", "-d"])
@pytest.mark.parametrize("joined", [" ", "="])
def test_wrong_usage_does_not_show_a_password(option, joined):
    with pytest.raises(WrongUsage) as caught:
        parse("current", *f"{option}{joined}postgresql://user:secret@host/db".split(" "))
    assert "secret" not in str(caught.value)


def test_url_in_the_wrong_place_does_not_show_its_password():
    with pytest.raises(WrongUsage) as caught:
        parse("current", "postgresql://user:secret@host/db")
    assert "user:***@host" in caught.value.what
