"""The fast lane answers for a plain project, and leaves everything that it is not certain of to the full command."""

import os
import sqlite3
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from journal_entries import write_down
from oppmigrate.fastlane import answering, learning
from projects import clean_environment, rewrite
from quick_projects import QUICK

# ---- what is answered


@pytest.mark.parametrize("arguments", QUICK, ids=" ".join)
def test_plain_project_is_answered(quick, arguments):
    assert quick.same(arguments) == 1


@pytest.mark.parametrize("recorded", [(), ("a1",), ("a2",)])
def test_database_that_is_behind(quick, recorded):
    quick.record(*recorded)
    assert quick.quickly("upgrade") is None
    assert quick.quickly("check", "--pending") is None
    assert quick.same(("current",), ("current", "-q"), ("heads",), ("history",)) == 4


def test_several_heads(quick):
    quick.versions.write("b1", "a1", labels="shop")
    quick.record("a3", "b1")
    assert quick.same(*QUICK) == len(QUICK) - 1
    assert quick.quickly("history") is None, "in which order is Alembic's to say"


def test_journal_of_what_was_applied(quick):
    write_down(quick.url, *sorted(quick.versions.folder.glob("*.py")))
    assert quick.same(*QUICK) == len(QUICK)


def test_terminal_sees_the_styles(quick, monkeypatch):
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert quick.same(("history",), ("heads",), ("current",)) == 3
    assert "\x1b[" in quick.quickly("history")[0]


def test_database_by_environment_and_by_flag(quick, monkeypatch, tmp_path):
    """The same project with another database; what is known of one is never said of the other."""
    (quick.path / "test.db").rename(tmp_path / "other.db")
    quick.record("a1")
    for _time in range(2):
        assert "a1" in quick.quickly("current")[0]
        monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path / 'other.db'}")
        assert "a3 (head)" in quick.quickly("current")[0]
        assert quick.same(("current",), ("upgrade",)) == 2
        assert "a1" in quick.quickly("current", "--database-url", quick.url)[0]
        assert quick.same(("current", "--database-url", "sqlite:///./test.db")) == 1
        monkeypatch.delenv("DATABASE_URL")


def test_pipe_in_the_place_of_a_file_is_left_alone(quick):
    """Some keepers of secrets put one where `.env` would be; it is no file, so no command reads it."""
    os.mkfifo(quick.path / ".env")
    assert quick.same(("current",), ("upgrade",)) == 2


def test_project_is_found_from_inside(quick, monkeypatch):
    (quick.path / "deep" / "inside").mkdir(parents=True)
    monkeypatch.chdir(quick.path / "deep" / "inside")
    assert answering.answer(["migrate", "current"], None) == 0
    (quick.path / "deep" / "pyproject.toml").write_text("[tool.other]\n")
    assert answering.answer(["migrate", "current"], None) == 0
    (quick.path / "deep" / "pyproject.toml").write_text("[tool.oppman]\nmodels = []\n")
    assert answering.answer(["migrate", "current"], None) is None, "another project begins there"
    monkeypatch.chdir(quick.path.parent)
    assert answering.answer(["migrate", "current"], None) is None
    assert answering.answer(["--project", "project", "migrate", "current"], None) == 0
    monkeypatch.setenv("OPPMAN_PROJECT", "project")
    assert answering.answer(["migrate", "current"], None) == 0


# ---- what is left to the full command


def ini(**options):
    def change(quick):
        with (quick.path / "alembic.ini").open("a") as file:
            file.writelines(f"{name} = {value}\n" for name, value in options.items())

    return change


def env(text):
    return lambda quick: rewrite(quick.path / "alembic" / "env.py", text)


def write(name, text):
    def change(quick):
        path = quick.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text) if isinstance(text, bytes) else path.write_text(text)

    return change


def link_a_revision(quick):
    path = quick.versions.folder / "a3_.py"
    path.rename(quick.path / "a3.py")
    path.symlink_to(quick.path / "a3.py")


def write_half_done(quick):
    write_down(quick.url, *quick.versions.folder.glob("a3*"), outcome="failed")
    with closing(sqlite3.connect(quick.path / "test.db")) as connection, connection:
        connection.execute("UPDATE oppman_journal SET progress = '{}'")


HANDED_OVER = {
    "revisions lie elsewhere": ini(version_locations="%(here)s/more"),
    "revisions lie deeper": ini(recursive_version_locations="true"),
    "revisions are bytecode": ini(sourceless="true"),
    "paths with no separator": ini(prepend_sys_path="."),
    "a separator that there is not": ini(path_separator="comma"),
    "a length that is no number": ini(truncate_slug_length="x"),
    "a percent sign": ini(file_template="%d"),
    "letters that a locale may read otherwise": ini(title="caf\xe9"),
    "env.py of somebody else's": env("from alembic import context\n"),
    "env.py names a version table": env("import oppmigrate.environment\nversion_table = 'v'\n"),
    "env.py names folders": env("import oppmigrate.environment\nversion_locations = []\n"),
    "Alembic is configured in pyproject.toml": lambda quick: (
        (quick.path / "alembic.ini").unlink(),
        write("pyproject.toml", '[tool.alembic]\nscript_location = "%(here)s/alembic"\n')(quick),
    ),
    "a setting that is none": write("pyproject.toml", '[tool.oppman]\nlock_timeout = "x"\n'),
    "a line that cannot be read": write(".env", "DATABASE_URL='\n"),
    "a file hides Alembic": write("alembic.py", ""),
    "another kind of file": write("test.db", b"no database at all, but long enough to be one"),
    "an empty file": write("test.db", b""),
    "no database": lambda quick: (quick.path / "test.db").unlink(),
    "no revisions": lambda quick: [path.unlink() for path in quick.versions.folder.iterdir()],
    "a broken revision": write("alembic/versions/b.py", "("),
    "a revision that computes its id": write("alembic/versions/b.py", "revision = 'b' + '1'\ndown_revision = 'a3'\n"),
    "a revision twice": write("alembic/versions/b.py", "revision = 'a3'\ndown_revision = 'a2'\n"),
    "a revision that is a link": link_a_revision,
    "a revision half done": write_half_done,
    "a revision with no file": lambda quick: quick.record("gone"),
}


@pytest.mark.parametrize("change", HANDED_OVER.values(), ids=HANDED_OVER)
def test_uncertain_project_is_handed_over(quick, change):
    assert quick.quickly("current") is not None
    change(quick)
    for arguments in QUICK[:1] + QUICK[2:3]:
        assert quick.quickly(*arguments) is None
        assert quick.quickly(*arguments) is None


def test_switch_turns_it_off(quick, monkeypatch):
    monkeypatch.setenv("OPPMAN_FAST", "0")
    assert quick.quickly("current") is None
    monkeypatch.setenv("OPPMAN_FAST", "1")
    assert quick.quickly("current") is not None


def test_locked_database_is_handed_over(quick):
    with closing(sqlite3.connect(quick.path / "test.db", isolation_level=None)) as connection:
        connection.execute("BEGIN EXCLUSIVE")
        assert quick.quickly("upgrade") is None


def test_full_command_answers_where_the_streams_are_closed(quick, monkeypatch):
    monkeypatch.setattr("sys.stdout", None)
    assert answering.answer(["migrate", "current"], str(quick.path)) is None


# ---- what is known from before


@pytest.fixture
def known(quick, monkeypatch):
    """The project, of which everything is known; the readers say when they are asked again."""
    monkeypatch.setattr("oppmigrate.fastlane.learning.now_ns", lambda: time.time_ns() + 10**10)
    assert quick.quickly("current") is not None
    read = []
    for name in ("learn_settings", "learn_files"):
        reader = getattr(learning, name)
        monkeypatch.setattr(learning, name, lambda *args, n=name, r=reader: (read.append(n), r(*args))[1])
    quick.quickly("history")
    assert read == []
    return quick, read


CHANGES = {
    "alembic.ini": (ini(title="x"), ["learn_settings"]),
    "pyproject.toml": (write("pyproject.toml", "[tool.oppman]\n"), ["learn_settings"]),
    ".env": (write(".env", "X=1\n"), ["learn_settings"]),
    "env.py": (env("import oppmigrate.environment\n"), ["learn_settings"]),
    "a new revision": (lambda quick: quick.versions.write("a4", "a3"), ["learn_files"]),
    "a revision gone": (lambda quick: next(quick.versions.folder.glob("a3*")).unlink(), ["learn_files"]),
}


@pytest.mark.parametrize(("change", "expected"), CHANGES.values(), ids=CHANGES)
def test_change_is_read(known, change, expected):
    quick, read = known
    change(quick)
    quick.quickly("history")
    assert read == expected


@pytest.mark.parametrize(
    ("name", "value"),
    [("OPPMAN_JOURNAL_TABLE", "other"), ("OPPMAN_MODELS", "x"), ("DATABASE_URL", "sqlite:///./test.db")],
)
def test_environment_is_read(known, monkeypatch, name, value):
    quick, read = known
    monkeypatch.setenv(name, value)
    quick.quickly("history")
    assert read == ["learn_settings"]


def test_same_size_edit_in_the_same_moment_is_seen(quick):
    """The file's stamp may be what it was; it is too young to be relied on."""
    path = next(quick.versions.folder.glob("a3*"))
    for message in ("one", "two", "six"):
        text = path.read_text().replace(path.read_text()[3:6], message, 1)
        stamp = path.stat()
        path.write_text(text)
        os.utime(path, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
        assert message in quick.quickly("current")[0]


def test_clock_that_was_set_back(quick, monkeypatch):
    monkeypatch.setattr("oppmigrate.fastlane.knowledge.now_ns", lambda: 0)
    monkeypatch.setattr("oppmigrate.fastlane.learning.now_ns", lambda: 0)
    monkeypatch.setattr("oppmigrate.revisions.indexed.now_ns", lambda: 0)
    test_same_size_edit_in_the_same_moment_is_seen(quick)
    assert quick.same(*QUICK) == len(QUICK)


def test_edited_file_is_told_of_by_the_full_command(quick):
    paths = sorted(quick.versions.folder.glob("*.py"))
    write_down(quick.url, *paths)
    assert quick.quickly("upgrade") is not None
    rewrite(paths[0], paths[0].read_text().replace("    pass", "    op.execute('SELECT 1')", 1))
    assert quick.quickly("upgrade") is None
    assert "was edited after it was applied" in quick.by(("upgrade",))[1]
    assert quick.same(("current",), ("check", "--pending")) == 2


def test_reformatted_file_is_no_edit_once_that_was_found_out(quick):
    paths = sorted(quick.versions.folder.glob("*.py"))
    write_down(quick.url, *paths)
    rewrite(paths[0], "# Copyright\n" + paths[0].read_text())
    assert quick.quickly("upgrade") is None
    assert quick.by(("upgrade",)) == ("up to date: the database is at a3\n", "", 0)
    assert quick.quickly("upgrade") == ("up to date: the database is at a3\n", "", 0)


def test_broken_file_among_many(quick):
    quick.versions.write_line(*(f"c{number:03}" for number in range(300)))
    broken = next(quick.versions.folder.glob("c150*"))
    text = broken.read_text()
    rewrite(broken, text + "(")
    for _time in range(2):
        assert quick.quickly("history") is None
        assert f"{broken.name}:" in quick.by(("history",))[1]
    rewrite(broken, text)
    assert quick.same(("heads",), ("current",)) == 2


def test_folder_that_changes_while_it_is_read(quick, monkeypatch):
    """A revision comes, or goes, between the look at the folder and the reading: it is not missed at the next time."""
    load, first = learning.load_graph, next(quick.versions.folder.glob("a1*"))

    def meanwhile(change):
        def loading(*args, **options):
            monkeypatch.setattr(learning, "load_graph", load)
            change()
            return load(*args, **options)

        monkeypatch.setattr(learning, "load_graph", loading)
        rewrite(first, first.read_text() + "# more\n")
        quick.quickly("heads")
        assert quick.same(("heads",)) == 1

    meanwhile(lambda: quick.versions.write("a4", "a3"))
    assert "a4" in quick.quickly("heads")[0]
    meanwhile(lambda: next(quick.versions.folder.glob("a4*")).unlink())
    assert "a4" not in quick.quickly("heads")[0]
    path = next(quick.versions.folder.glob("a3*"))
    meanwhile(lambda: rewrite(path, path.read_text().replace("make a3", "made a3")))
    assert "made a3" in quick.quickly("heads")[0]


def test_many_processes_at_once(quick):
    command = [sys.executable, "-m", "oppmigrate", "migrate", "current"]

    def ask(_number):
        return subprocess.run(command, cwd=quick.path, env=clean_environment(), capture_output=True, text=True)

    with ThreadPoolExecutor(4) as pool:
        answers = {(each.stdout, each.stderr, each.returncode) for each in pool.map(ask, range(8))}
    assert answers == {("a3 (head)  make a3\n", "", 0)}


def test_nothing_is_kept_where_python_may_keep_nothing(quick, monkeypatch):
    monkeypatch.setattr("sys.dont_write_bytecode", True)
    assert quick.same(*QUICK) == len(QUICK)
    assert not (quick.path / "__pycache__").exists()


@pytest.mark.parametrize("source", [".env", "pyproject.toml", "environment"])
def test_password_is_not_kept(quick, monkeypatch, source):
    url = "postgresql+psycopg://user:s3cret@127.0.0.1:1/none"
    if source == "environment":
        monkeypatch.setenv("DATABASE_URL", url)
    elif source == ".env":
        write(".env", f"DATABASE_URL={url}\n")(quick)
    else:
        write("pyproject.toml", f'[tool.oppman]\ndatabase_url = "{url}"\n')(quick)
    for _time in range(2):
        quick.quickly("current")
    kept = [path.read_bytes() for path in quick.path.glob("__pycache__/*")]
    assert not any(b"s3cret" in each for each in kept)


def test_variables_are_not_kept(known, monkeypatch):
    """Neither a secret of the application's, nor what a setting is; only that it is the same as before."""
    quick, read = known
    monkeypatch.setenv("OPPMAN_SUPERUSER_PASSWORD", "s3cret")
    monkeypatch.setenv("OPPMAN_BACKUP_DIRECTORY", "/somewhere")
    assert quick.same(("current",)) == 1
    assert read == ["learn_settings"]
    kept = [path.read_bytes() for path in quick.path.glob("__pycache__/*")]
    assert kept and not any(word in each for each in kept for word in (b"s3cret", b"/somewhere"))


# ---- the database stays as it is


@pytest.mark.parametrize("mode", ["DELETE", "WAL", "WAL in use"])
def test_reading_leaves_no_file(quick, mode):
    other = sqlite3.connect(quick.path / "test.db")
    with closing(other):
        other.execute(f"PRAGMA journal_mode = {mode.partition(' ')[0]}")
        if "in use" in mode:
            other.execute("UPDATE alembic_version SET version_num = 'a2'")
            other.commit()
        else:
            other.close()
        before = {path.name: path.stat().st_size for path in quick.path.glob("test.db*")}
        assert len(before) == (3 if "in use" in mode else 1)
        assert ("a2" if "in use" in mode else "a3") in quick.quickly("current")[0]
        assert {path.name: path.stat().st_size for path in quick.path.glob("test.db*")} == before


def test_log_that_a_crash_left_is_handed_over(quick):
    with closing(sqlite3.connect(quick.path / "test.db")) as other:
        other.execute("PRAGMA journal_mode = WAL")
        other.execute("UPDATE alembic_version SET version_num = 'a2'")
        other.commit()
        left = {path.name: path.read_bytes() for path in quick.path.glob("test.db*")}
    for name, data in left.items():
        (quick.path / name).write_bytes(data)
    (quick.path / "test.db-shm").unlink()
    assert quick.quickly("current") is None
    assert quick.by(("current",))[0].startswith("a2 ")


def test_half_written_transaction_is_handed_over(quick):
    """A journal that SQLite has to roll back first: whoever may only read cannot."""
    script = (
        "import os, sqlite3; c = sqlite3.connect('test.db', isolation_level=None); c.execute('PRAGMA cache_size = 1');"
        "c.execute('BEGIN'); c.execute(\"UPDATE alembic_version SET version_num = 'a1'\");"
        "c.execute('CREATE TABLE t AS WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n LIMIT 9999) "
        "SELECT x, hex(randomblob(200)) FROM n'); os._exit(1)"
    )
    subprocess.run([sys.executable, "-c", script], cwd=quick.path, check=False)
    assert (quick.path / "test.db-journal").stat().st_size
    assert quick.quickly("current") is None
    assert Path(quick.path / "test.db-journal").exists()
    assert quick.by(("current",))[0] == "a3 (head)  make a3\n"
