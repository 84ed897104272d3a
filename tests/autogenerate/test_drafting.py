"""A new revision file: where it lies, what it says, and that nothing is left of one that would not run."""

import os
import shutil
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa

from oppmigrate import MigrationManager
from oppmigrate.errors import (
    ConfigurationError,
    DuplicateRevision,
    FileNotWritten,
    MigrateError,
    RevisionError,
    RevisionFileBroken,
    WrongUsage,
)
from oppmigrate.scaffold.rendering import read_template

ENV = """
    import sqlalchemy as sa
    from alembic import context
    from oppmigrate.environment import name_constraints, run_migrations
    {imports}

    metadata = sa.MetaData()
    {tables}

    run_migrations(context, name_constraints(metadata))
"""
USERS = 'sa.Table("users", metadata, sa.Column("id", sa.Integer, primary_key=True), {columns})'


def set_up(project, columns="", *, imports="", ini="", template=None):
    """A project whose models stand in its env.py."""
    project.write("alembic.ini", f"[alembic]\nscript_location = %(here)s/alembic\n{ini}")
    project.write("alembic/env.py", ENV.format(imports=imports, tables=USERS.format(columns=columns)))
    project.write("alembic/script.py.mako", template or read_template("script.py.mako"))
    return MigrationManager(project.path)


@pytest.fixture
def module(project, monkeypatch):
    """Write a module of the project that no other test's project has."""
    monkeypatch.syspath_prepend(project.path)

    def write(name, text):
        project.write(f"{name}.py", text)
        monkeypatch.delitem(sys.modules, name, raising=False)

    yield write
    for name, loaded in list(sys.modules.items()):
        if str(getattr(loaded, "__file__", "")).startswith(str(project.path)):
            del sys.modules[name]


def files_of(project):
    """The revision files, and whatever else was left in the environment's folder."""
    folder = project.path / "alembic"
    return {
        str(path.relative_to(folder))
        for path in folder.rglob("*")
        if "__pycache__" not in path.parts and path.is_file()
    } - {"env.py", "script.py.mako"}


def assert_nothing_left(project):
    assert files_of(project) == set()
    assert [path.name for path in (project.path / "alembic").iterdir() if path.name.startswith(".new-")] == []


# ---- the file


def test_file_is_written_beside_the_others(project):
    result = set_up(project).create("Add users", revision="a1")
    assert result.revision == "a1"
    assert result.path == project.path / "alembic/versions/a1_add_users.py"
    assert result.path.read_text(encoding="utf-8") == result.source
    assert files_of(project) == {"versions/a1_add_users.py"}


def test_file_is_laid_out(project):
    source = set_up(project, 'sa.Column("email", sa.String(255), unique=True)').create("Add users").source
    assert source.endswith(
        """

def upgrade() -> None:
    op.create_table(
        "users",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("email", sa.String(length=255), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_users")),
        sa.UniqueConstraint("email", name=op.f("uq_users_email")),
    )


def downgrade() -> None:
    op.drop_table("users")
"""
    )


def test_dry_run_returns_the_text_and_writes_nothing(project):
    result = set_up(project).create("Add users", dry_run=True, revision="a1")
    assert 'op.create_table(\n        "users"' in result.source
    assert result.path == project.path / "alembic/versions/a1_add_users.py"
    assert_nothing_left(project)


@pytest.mark.parametrize(
    "message",
    [
        "Größe “x” 漢字",
        'say "yes"',
        'three """ of them',
        '"""',
        'ends with "',
        "C:\\new\\folder \\",
        "100% {of} $it ${x} <%",
        "# ### end Alembic commands ###",
        "it's",
    ],
)
def test_message_is_read_back_as_it_was_given(project, message):
    manager = set_up(project)
    manager.create(message, empty=True)
    (info,) = manager.history().revisions
    assert info.message == message


@pytest.mark.parametrize("message", ["two\nlines", "two\x0clines", "two\u2028lines", " two  lines\n"])
def test_message_goes_on_one_line(project, message):
    manager = set_up(project)
    manager.create(message, empty=True)
    (info,) = manager.history().revisions
    assert info.message == "two lines"


def test_message_that_is_no_text_is_refused(project):
    with pytest.raises(WrongUsage, match="not UTF-8"):
        set_up(project).create("caf\udce9", empty=True)
    assert_nothing_left(project)


def test_second_file_with_the_same_id_is_refused(project):
    manager = set_up(project)
    first = manager.create("Add users", revision="a1")
    for message in ("Add users", "Something else"):
        with pytest.raises(DuplicateRevision, match="a1"):
            manager.create(message, empty=True, revision="a1")
    assert files_of(project) == {"versions/a1_add_users.py"}
    assert first.path.read_text(encoding="utf-8") == first.source


def test_file_that_is_there_already_is_not_overwritten(project):
    manager = set_up(project, ini="file_template = same\n")
    first = manager.create("Add users")
    with pytest.raises(FileNotWritten, match="there already"):
        manager.create("Something else", empty=True)
    assert first.path.read_text(encoding="utf-8") == first.source


# ---- where it lies


def test_file_template_with_folders(project):
    manager = set_up(project, ini="file_template = %%(slug)s/%%(rev)s\nrecursive_version_locations = true\n")
    assert manager.create("Add users", revision="a1").path == project.path / "alembic/versions/add_users/a1.py"
    assert [info.revision for info in manager.history().revisions] == ["a1"]


SEVERAL = "version_locations = %(here)s/alembic/versions %(here)s/more\npath_separator = space\n"


def test_several_folders_the_first_takes_a_new_base(project):
    assert set_up(project, ini=SEVERAL).create("a", revision="a1").path.parent == project.path / "alembic/versions"


def test_several_folders_the_parent_s_takes_its_child(project):
    manager = set_up(project, ini=SEVERAL)
    manager.create("a", revision="a1", empty=True, version_path=str(project.path / "more"))
    assert manager.create("b", revision="b1", empty=True).path == project.path / "more/b1_b.py"


def test_folder_is_named_relative_to_the_project(project):
    manager = set_up(project, ini=SEVERAL)
    assert manager.create("a", revision="a1", version_path="more").path == project.path / "more/a1_a.py"


def test_folder_where_alembic_would_not_look_is_refused(project):
    with pytest.raises(WrongUsage, match="--version-path") as caught:
        set_up(project).create("a", version_path="elsewhere")
    assert str(project.path / "alembic/versions") in caught.value.do
    assert_nothing_left(project)


@pytest.mark.parametrize(
    "options",
    [{"head": "nosuch"}, {"depends_on": "nosuch"}, {"head": "a1"}, {"revision": "a@b"}],
)
def test_what_alembic_refuses_is_said_and_leaves_nothing(project, options):
    manager = set_up(project)
    manager.create("a", revision="a1", empty=True)
    manager.create("b", revision="b1", empty=True)
    before = files_of(project)
    with pytest.raises(RevisionError):
        manager.create("c", empty=True, **options)
    assert files_of(project) == before


# ---- a file that would not run


MONEY = """
    import sqlalchemy as sa


    class Money(sa.types.TypeDecorator):
        impl = sa.Integer
        cache_ok = True


    class Types:
        class Inner(Money):
            cache_ok = True
"""


def test_type_of_the_user_brings_its_import(project, module):
    module("money", MONEY)
    result = set_up(project, 'sa.Column("price", money.Money())', imports="import money").create("a")
    assert "\nimport money\n" in result.source
    assert 'sa.Column("price", money.Money(), nullable=True)' in result.source


def test_type_that_its_module_does_not_show_is_refused(project, module):
    module("money", MONEY)
    with pytest.raises(RevisionFileBroken, match=r"`money\.Inner`, which there is not"):
        set_up(project, 'sa.Column("price", money.Types.Inner())', imports="import money").create("a")
    assert_nothing_left(project)


TEMPLATE = read_template("script.py.mako")


@pytest.mark.parametrize(
    ("template", "what"),
    [
        (TEMPLATE.replace("import sqlalchemy as sa\n", ""), "uses `sa` and does not import it"),
        (TEMPLATE.replace("from alembic import op\n", ""), "uses `op` and does not import it"),
        (TEMPLATE + "\n    def inner():\n        return nowhere\n", "uses `nowhere` and does not import it"),
        (TEMPLATE + "\n    sa.NoSuchType\n", "uses `sa.NoSuchType`, which there is not"),
        (TEMPLATE + "\n(", "would not load: SyntaxError"),
        (TEMPLATE + "\n1 / 0\n", "would not load: ZeroDivisionError"),
        (TEMPLATE + "\nraise SystemExit\n", "would not load: SystemExit"),
        (TEMPLATE.replace("revision: str =", "nothing: str ="), "revision"),
    ],
)
def test_file_that_would_not_run_is_not_left_behind(project, template, what):
    with pytest.raises(RevisionError) as caught:
        set_up(project, template=template).create("a")
    assert what in caught.value.what
    assert_nothing_left(project)


@pytest.mark.parametrize(
    "statements",
    [
        "from datetime import date\n    date.today()",
        "import json\n    json.dumps(1)",
        "[name for name in 'ab']",
        "try:\n        pass\n    except ValueError as error:\n        print(error)",
        "(lambda x, *more, y=1, **rest: (x, more, y, rest))(1)",
        "def inner(a, *, b=1):\n        return a + b\n    inner(1)",
        "global later\n    later = 1\n    print(later)",
        "for name, *others in ['ab']:\n        print(name, others)",
        "print(revision, __name__, __file__)",
        "with open('x') as file:\n        file.read()",
        "match 1:\n        case int(found):\n            print(found)",
    ],
)
def test_names_of_the_template_s_own_are_known(project, statements):
    template = TEMPLATE + f"\n\ndef of_the_project() -> None:\n    {statements}\n"
    if "global later" in statements:
        template += "\n\nlater = 0\n"
    assert set_up(project, template=template).create("a").path.is_file()


def test_folder_that_cannot_be_written_to_is_named(project, monkeypatch):
    manager = set_up(project)

    def refuse(*_args, **_options):
        raise PermissionError(13, "Permission denied", str(project.path / "alembic/versions/x.py"))

    monkeypatch.setattr(shutil, "move", refuse)
    with pytest.raises(FileNotWritten, match=r"versions/x\.py cannot be written") as caught:
        manager.create("a")
    assert caught.value.why == "Permission denied"
    assert_nothing_left(project)


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may write everywhere")
@pytest.mark.parametrize("folder", ["alembic", "alembic/versions"])
def test_read_only_folder_is_named(project, folder):
    manager = set_up(project)
    (project.path / "alembic/versions").mkdir()
    (project.path / folder).chmod(0o500)
    try:
        with pytest.raises(FileNotWritten):
            manager.create("a")
    finally:
        (project.path / folder).chmod(0o700)


@pytest.mark.parametrize("blocked", ["alembic/versions"])
def test_file_in_the_place_of_the_folder_is_named(project, blocked):
    manager = set_up(project)
    project.write(blocked, "no folder")
    with pytest.raises(MigrateError):
        manager.create("a")


# ---- the project's own hooks


def hook(project, code, **more):
    """A post-write hook that runs this code on the file; `path` names it."""
    script = project.write("hook.py", f"import pathlib, sys\npath = pathlib.Path(sys.argv[-1])\n{code}\n")
    lines = {"type": "exec", "executable": sys.executable, "options": f"{script} REVISION_SCRIPT_FILENAME", **more}
    return "\n[post_write_hooks]\nhooks = mine\n" + "".join(f"mine.{key} = {value}\n" for key, value in lines.items())


def test_hook_has_the_last_word_on_the_layout(project):
    ini = hook(
        project, "path.write_text(path.read_text().replace('op.drop_table(\"users\")', 'op.drop_table( \"users\" )'))"
    )
    result = set_up(project, ini=ini).create("a")
    assert 'op.drop_table( "users" )' in result.source
    assert result.path.read_text(encoding="utf-8") == result.source


def test_hook_runs_in_the_project_and_prints_to_stderr(project, capfd, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    set_up(project, ini=hook(project, "print('hooked in', pathlib.Path.cwd())")).create("a")
    out, err = capfd.readouterr()
    assert f"hooked in {project.path}" in err
    assert out == ""


def test_file_that_a_hook_breaks_is_not_left_behind(project):
    with pytest.raises(RevisionFileBroken, match="SyntaxError"):
        set_up(project, ini=hook(project, "path.write_text('(')")).create("a")
    assert_nothing_left(project)


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"executable": "/no/such/program"}, ConfigurationError),
        ({"type": "nonsense"}, RevisionError),
        ({"type": "console_scripts", "entrypoint": "nosuch"}, RevisionError),
    ],
)
def test_hook_that_cannot_be_run_is_said(project, options, error):
    with pytest.raises(error) as caught:
        set_up(project, ini=hook(project, "", **options)).create("a")
    assert str(options[list(options)[-1]]) in str(caught.value)
    assert_nothing_left(project)


# ---- what is compared


def test_check_of_a_column_is_part_of_the_table(project):
    """Alembic by itself leaves out what stands inside of a column."""
    manager = set_up(project, 'sa.Column("age", sa.Integer, sa.CheckConstraint("age > 0"))')
    assert 'sa.CheckConstraint("age > 0", name=op.f("ck_users_age"))' in manager.create("a").source
    manager.upgrade()
    engine = sa.create_engine(f"sqlite:///{project.path / 'test.db'}")
    assert [each["name"] for each in sa.inspect(engine).get_check_constraints("users")] == ["ck_users_age"]
    engine.dispose()


def test_nothing_changed_writes_nothing(project):
    manager = set_up(project)
    manager.create("a", revision="a1")
    manager.upgrade()
    result = manager.create("b")
    assert (result.revision, result.path, result.source) == (None, None, None)
    assert files_of(project) == {"versions/a1_a.py"}
    assert Path(project.path / "test.db").is_file()
