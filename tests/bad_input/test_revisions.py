"""Names of revisions that mean nothing or too much, and revision files that are not in order."""

from pathlib import Path

import pytest

from bad_projects import FIRST, SECRET, Shop
from projects import Project

TAKE_A_NAME = ("migrate upgrade", "migrate downgrade", "migrate stamp", "migrate show", "migrate history -r")
CREATE_T = 'op.create_table("t", sa.Column("a", sa.Integer()))'


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory, initialised: Path) -> Shop:
    """Two applied revisions whose ids begin alike; nothing is to change it."""
    folder = tmp_path_factory.mktemp("two")
    shop = Shop(Project(folder), initialised, f"sqlite:///{(folder / 'test.db').as_posix()}")
    shop.revision("aaaa2222")
    return shop.upgraded()


@pytest.mark.parametrize("command", TAKE_A_NAME)
@pytest.mark.parametrize(
    ("name", "kind", "says"),
    [
        ("zzzz", "unknown-revision", "there is no revision `zzzz`"),
        ("aaaa", "ambiguous-revision", "it could be `aaaa1111` (Users), `aaaa2222`"),
        ("", "unknown-revision", "the name of the revision is empty"),
        ("  ", "unknown-revision", "the name of the revision is empty"),
    ],
)
def test_revision_that_is_unknown_ambiguous_or_empty(two: Shop, command: str, name: str, kind: str, says: str) -> None:
    if command.endswith("-r"):
        if not name.strip():
            kind, says = "wrong-usage", "is no range of revisions"
        else:
            name += ":"
    two.refuse([*command.split(), name], kind, says, exit_code=2 if kind == "wrong-usage" else 1)


@pytest.mark.parametrize(
    ("command", "kind", "says"),
    [
        ("migrate upgrade +5", "unknown-revision", "leads out of the history"),
        ("migrate upgrade base-1", "unknown-revision", "leads out of the history"),
        ("migrate upgrade -1", "unknown-revision", "migrate downgrade -1"),
        ("migrate downgrade -9", "unknown-revision", "leads out of the history"),
        ("migrate downgrade +1", "unknown-revision", "migrate upgrade +1"),
        ("migrate stamp -1", "unknown-revision", "a stamp takes no steps"),
        ("migrate show nope@head", "unknown-revision", "nope"),
        ("migrate history -r head:base", "revision-error", "the older one goes first"),
        ("migrate history -r :nope", "unknown-revision", "there is no revision `nope`"),
        ("migrate history -r nope:aaaa1111", "unknown-revision", "there is no revision `nope`"),
    ],
)
def test_steps_and_ranges_that_lead_nowhere(two: Shop, command: str, kind: str, says: str) -> None:
    two.refuse(command, kind, says)


def test_range_that_holds_nothing_is_not_called_an_empty_history(two: Shop) -> None:
    assert two.ok("migrate", "history", "-r", "-1:-2") == "no revisions in this range\n"


# ---- several heads


def test_two_heads(small_shop: Shop) -> None:
    small_shop.upgraded()
    small_shop.revision("bbbb")
    small_shop.revision("cccc")
    small_shop.refuse("migrate upgrade head", "multiple-heads", "`bbbb` (make bbbb), `cccc`", "migrate upgrade heads")
    small_shop.refuse("migrate stamp head", "multiple-heads", "migrate stamp heads")
    small_shop.refuse("migrate show", "multiple-heads", "migrate show bbbb")
    for command in ("migrate create x", "migrate create x --empty"):
        small_shop.refuse(command, "multiple-heads", "migrate merge", "--head bbbb")
    small_shop.ok("migrate", "upgrade")
    assert small_shop.recorded() == ["bbbb", "cccc"]
    small_shop.refuse("migrate downgrade -1", "ambiguous-revision", "`bbbb@-1` or `cccc@-1`")
    small_shop.ok("migrate", "merge")
    small_shop.ok("migrate", "upgrade", "head")
    assert len(small_shop.recorded()) == 1
    small_shop.refuse("migrate merge", "wrong-usage", "there is one head", exit_code=2)
    assert "no changes" in small_shop.ok("migrate", "create", "x")


# ---- files

READ_FILES = ("migrate current", "migrate history", "migrate upgrade", "migrate check", "migrate create x")


@pytest.mark.parametrize("command", READ_FILES)
def test_syntax_error(two: Shop, command: str) -> None:
    file = two.revision("bbbb", "aaaa2222", "op.execute(")
    two.refuse(command, "revision-file-broken", "bbbb.py:15", "the line reads `op.execute(`")
    file.unlink()


@pytest.mark.parametrize("command", READ_FILES)
def test_missing_parent(two: Shop, command: str) -> None:
    file = two.revision("bbbb", "aaaa222")
    two.refuse(command, "missing-parent", "names `aaaa222` as its `down_revision`", "near to it: `aaaa2222`")
    file.unlink()


@pytest.mark.parametrize("command", READ_FILES)
def test_duplicate_id(two: Shop, command: str) -> None:
    file = two.revision(FIRST, None, name="copy")
    two.refuse(command, "duplicate-revision", "`aaaa1111`", "copy.py")
    file.unlink()


@pytest.mark.parametrize("command", READ_FILES)
def test_cycle(two: Shop, command: str) -> None:
    ring = [two.revision("bbbb", "cccc"), two.revision("cccc", "bbbb")]
    two.refuse(command, "revision-cycle", "`bbbb` -> `cccc` -> `bbbb`")
    for file in ring:
        file.unlink()


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("import no_such_package", "No module named 'no_such_package'"),
        ("raise RuntimeError('no good')", "RuntimeError: no good"),
        ("import sys; sys.exit(5)", "SystemExit: 5"),
    ],
)
def test_revision_that_raises_when_it_is_imported(small_shop: Shop, line: str, says: str) -> None:
    small_shop.upgraded().revision("bbbb", head=line)
    for command in ("migrate upgrade", "migrate check", "migrate create x", "migrate create x --empty"):
        small_shop.refuse(command, "environment-failed", "alembic/versions/bbbb.py:9", says, line)
    assert "(1 pending)" in small_shop.ok("migrate", "current")
    assert says in small_shop.ok("migrate", "upgrade", "--plan")


def test_revision_that_raises_half_way(shop: Shop) -> None:
    shop.upgraded().revision("bbbb", upgrade=f"{CREATE_T}\n    raise RuntimeError('no good')")
    keeps = "mysql" not in shop.url
    error = shop.refuse(
        "migrate upgrade",
        "migration-failed",
        "revision bbbb (make bbbb)",
        "bbbb.py:16: raise RuntimeError('no good')",
        f"the database stands at {FIRST}, {'as before' if keeps else 'and half way in the upgrade of bbbb'}",
        keeps=keeps,
    )
    assert error["heads"] == [FIRST] == shop.recorded()
    assert shop.tables() == ({"users"} if keeps else {"users", "t"})


def test_statement_that_the_database_refuses(shop: Shop) -> None:
    shop.upgraded().revision("bbbb", upgrade='op.execute("INSERT INTO nowhere VALUES (1)")')
    error = shop.refuse(
        "migrate upgrade", "migration-failed", "nowhere", "alembic/versions/bbbb.py:15", "in: INSERT INTO nowhere"
    )
    assert "Mend alembic/versions/bbbb.py" in error["do"]
    # what the models are compared with is a scratch database: the failing revision is named, too
    for command in ("migrate create x", "migrate check"):
        if command == "migrate check":
            assert "pending" in shop.run(*command.split(), "--pending").stdout
        shop.refuse(command, "migration-failed", "revision bbbb", "scratch database", "alembic/versions/bbbb.py")


def test_revision_without_downgrade_is_refused_before_the_first_step(shop: Shop) -> None:
    shop.revision("bbbb", downgrade=None)
    shop.revision("cccc", "bbbb", CREATE_T, downgrade='op.drop_table("t")')
    shop.upgraded()
    shop.refuse("migrate downgrade base", "revision-file-broken", "bbbb", "has no downgrade()", "def downgrade()")
    assert shop.tables() == {"users", "t"}
    shop.ok("migrate", "downgrade", "-1")


# ---- the database at a revision that no file defines


def test_database_at_a_revision_with_no_file(shop: Shop) -> None:
    shop.upgraded()
    (shop.path / f"alembic/versions/{FIRST}.py").unlink()
    shop.revision("bbbb", None)
    for command in (
        "migrate upgrade",
        "migrate upgrade --plan",
        "migrate upgrade --sql",
        "migrate downgrade base",
        "migrate stamp head",
        "migrate create x",
    ):
        shop.refuse(command, "revision-file-missing", FIRST, f"migrate downgrade {FIRST}-1 --from-journal")
    state = shop.state()
    current = shop.run("migrate", "current")
    assert f"{FIRST} (no file defines it)" in current.stdout and "--from-journal" in current.stderr
    for command in ("history", "heads"):
        looked = shop.run("migrate", command)
        assert FIRST in looked.stderr and "unknown" in looked.stdout
    for arguments in (["check"], ["check", "--pending"]):
        checked = shop.run("migrate", *arguments)
        assert checked.returncode == 1 and FIRST in checked.stdout and "migrate upgrade" not in checked.stderr
    assert shop.state() == state
    shop.ok("migrate", "stamp", "--purge", "head")
    assert shop.recorded() == ["bbbb"]
    shop.ok("migrate", "upgrade")
    assert len(shop.state()[1]["users"][1]) == 2


# ---- ids


def test_id_that_the_version_table_cannot_hold_is_refused_before_anything_runs(shop: Shop) -> None:
    shop.upgraded().revision("b" * 33, upgrade=CREATE_T)
    if "sqlite" in shop.url:  # which takes any length
        shop.ok("migrate", "upgrade")
        return
    for command in ("migrate upgrade", "migrate stamp head"):
        shop.refuse(command, "revision-error", "b" * 33, "alembic_version.version_num holds 32")
    assert shop.tables() == {"users"}


@pytest.mark.parametrize(
    ("revision", "kind", "exit_code"),
    [
        ("c" * 33, "wrong-usage", 2),
        ("../../x", "wrong-usage", 2),
        ("a b", "wrong-usage", 2),
        ("head", "wrong-usage", 2),
        ("a-b", "revision-error", 1),
        (FIRST, "duplicate-revision", 1),
    ],
)
def test_id_that_create_cannot_give(two: Shop, revision: str, kind: str, exit_code: int) -> None:
    two.refuse(["migrate", "create", "x", "--empty", "--rev-id", revision], kind, revision, exit_code=exit_code)


@pytest.mark.parametrize(
    ("option", "value"),
    [("--head", "nope"), ("--head", FIRST), ("--depends-on", "nope"), ("--version-path", "elsewhere")],
)
def test_option_of_create_that_names_nothing(two: Shop, option: str, value: str) -> None:
    state = two.state()
    done = two.run("migrate", "create", "x", "--empty", option, value, "--json")
    assert done.returncode in (1, 2) and value in done.stderr, done.stderr
    assert two.state() == state


# ---- messages


@pytest.mark.parametrize(
    "message",
    [
        'it\'s "quoted"',
        '"""',
        'ends with a "',
        "back\\slash \\N \\x \\",
        "emoji \N{PARTY POPPER} \xe9",
        "x" * 300,
        "../../etc/passwd",
        "${nope} <% nope %> {} %s %(x)s",
        "% for nope",
    ],
)
def test_odd_message_makes_a_file_that_runs(two: Shop, message: str) -> None:
    made = Path(two.ok("migrate", "create", message, "--empty").split(maxsplit=1)[1].strip())
    assert made.parent == Path("alembic/versions")
    assert message in two.ok("migrate", "upgrade", "--plan")
    (two.path / made).unlink()


def test_message_of_several_lines_is_shown_in_one(two: Shop) -> None:
    made = two.ok("migrate", "create", "one\ntwo\n\nRevision ID: three", "--empty").split(maxsplit=1)[1].strip()
    assert "one two" in two.ok("migrate", "history").splitlines()[0]
    (two.path / made).unlink()


@pytest.mark.parametrize("message", ["", "   ", "\n\t"])
def test_message_of_nothing(two: Shop, message: str) -> None:
    two.refuse(["migrate", "create", message], "wrong-usage", "needs a message", exit_code=2)


def test_password_in_an_exception_of_a_revision(small_shop: Shop) -> None:
    small_shop.upgraded().revision("bbbb", upgrade=f'raise RuntimeError("mysql://ann:{SECRET}@db/app")')
    small_shop.refuse("migrate upgrade --verbose", "migration-failed", "mysql://ann:***@db/app")
