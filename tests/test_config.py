"""Settings: where each one comes from, which source wins, and what unreadable files say."""

import os
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import make_url

from oppmigrate.config import (
    PLACEHOLDER_URL,
    Policy,
    Settings,
    absolute_url,
    find_project,
    hide_password,
    load_settings,
    read_environment,
)
from oppmigrate.errors import ConfigurationError, NoProject

# from the strongest source to the weakest
URL_SOURCES = ("--database-url", "environment", ".env", "pyproject.toml", "alembic.ini", "default")


def url_of(source):
    return f"postgresql://host/{source.strip('.-').replace('.', '_')}"


def write_url_source(project, monkeypatch, source):
    """Name a database in one of the sources."""
    url = url_of(source)
    if source == "environment":
        monkeypatch.setenv("DATABASE_URL", url)
    elif source == ".env":
        project.write(".env", f"DATABASE_URL={url}\n")
    elif source == "pyproject.toml":
        project.write("pyproject.toml", f'[tool.oppman]\ndatabase_url = "{url}"\n')
    elif source == "alembic.ini":
        project.write("alembic.ini", f"[alembic]\nscript_location = alembic\nsqlalchemy.url = {url}\n")


# ---- which source wins


@pytest.mark.parametrize("strongest", range(len(URL_SOURCES)))
def test_database_url_comes_from_strongest_source(project, monkeypatch, strongest):
    for source in URL_SOURCES[strongest:]:
        write_url_source(project, monkeypatch, source)
    winner = URL_SOURCES[strongest]
    settings = load_settings(project.path, database_url=url_of(winner) if winner == "--database-url" else None)
    if winner == "default":
        assert settings.database_url == f"sqlite:///{project.path / 'test.db'}"
        assert settings.database_url_source == "default"
    else:
        assert settings.database_url == url_of(winner)
        assert settings.database_url_source == ("environment" if winner == ".env" else winner)


def test_empty_sources_of_database_url_are_passed_over(project, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "")
    project.write("pyproject.toml", '[tool.oppman]\ndatabase_url = ""\n')
    project.write("alembic.ini", "[alembic]\nsqlalchemy.url =\n")
    assert load_settings(project.path, database_url="").database_url_source == "default"


def test_alembic_s_placeholder_is_no_database_url(project):
    project.write("alembic.ini", f"[alembic]\nsqlalchemy.url = {PLACEHOLDER_URL}\n")
    assert load_settings(project.path).database_url_source == "default"


def test_models_come_from_strongest_source(project, monkeypatch):
    project.write("pyproject.toml", '[tool.oppman]\nmodels = ["from_toml"]\n')
    assert load_settings(project.path).models == ("from_toml",)
    project.write(".env", "OPPMAN_MODELS=from_dotenv, more\n")
    assert load_settings(project.path).models == ("from_dotenv", "more")
    monkeypatch.setenv("OPPMAN_MODELS", "from_environment")
    assert load_settings(project.path).models == ("from_environment",)
    assert load_settings(project.path, models=["from_flag"]).models == ("from_flag",)


def test_config_file_comes_from_strongest_source(project, monkeypatch):
    names = ("alembic.ini", "toml.ini", "dotenv.ini", "environment.ini", "flag.ini")
    for name in names:
        project.write(name, "[alembic]\n")
    assert load_settings(project.path).config_file == project.path / "alembic.ini"
    project.write("pyproject.toml", '[tool.oppman]\nconfig = "toml.ini"\n')
    assert load_settings(project.path).config_file == project.path / "toml.ini"
    project.write(".env", "OPPMAN_CONFIG=dotenv.ini\n")
    assert load_settings(project.path).config_file == project.path / "dotenv.ini"
    monkeypatch.setenv("OPPMAN_CONFIG", "environment.ini")
    assert load_settings(project.path).config_file == project.path / "environment.ini"
    given_file = project.path / "flag.ini"
    assert load_settings(project.path, config_file=given_file).config_file == given_file


def test_section_comes_from_strongest_source(project, monkeypatch):
    assert load_settings(project.path).section == "alembic"
    project.write("pyproject.toml", '[tool.oppman]\nsection = "from_toml"\n')
    assert load_settings(project.path).section == "from_toml"
    project.write(".env", "OPPMAN_SECTION=from_dotenv\n")
    assert load_settings(project.path).section == "from_dotenv"
    monkeypatch.setenv("OPPMAN_SECTION", "from_environment")
    assert load_settings(project.path).section == "from_environment"
    assert load_settings(project.path, section="from_flag").section == "from_flag"


def test_backup_directory_comes_from_strongest_source(project, monkeypatch):
    assert load_settings(project.path).backup_directory == project.path / "backups"
    project.write("pyproject.toml", '[tool.oppman]\nbackup_directory = "from_toml"\n')
    assert load_settings(project.path).backup_directory == project.path / "from_toml"
    project.write(".env", "OPPMAN_BACKUP_DIRECTORY=from_dotenv\n")
    assert load_settings(project.path).backup_directory == project.path / "from_dotenv"
    monkeypatch.setenv("OPPMAN_BACKUP_DIRECTORY", "/from/environment")
    assert str(load_settings(project.path).backup_directory) == "/from/environment"


def test_script_location_of_ini_wins_over_that_of_toml(project):
    project.write("pyproject.toml", '[tool.alembic]\nscript_location = "%(here)s/from_toml"\n')
    settings = load_settings(project.path)
    assert settings.script_location == project.path / "from_toml"
    assert settings.toml_file == project.path / "pyproject.toml"
    project.write("alembic.ini", "[alembic]\nscript_location = %(here)s/from_ini\n")
    settings = load_settings(project.path)
    assert settings.script_location == project.path / "from_ini"
    assert settings.toml_file is None


def test_commands_and_x_arguments(project):
    project.write("pyproject.toml", '[tool.oppman]\ncommands = ["scripts.a", "scripts.b"]\n')
    settings = load_settings(project.path, x_arguments=["tenant=a"])
    assert settings.commands == ("scripts.a", "scripts.b")
    assert settings.x_arguments == ("tenant=a",)


def test_dotenv_is_read_and_not_exported(project):
    project.write(".env", "DATABASE_URL=postgresql://host/dotenv\nOPPMAN_ONLY_HERE=1\n")
    assert read_environment(project.path)["OPPMAN_ONLY_HERE"] == "1"
    assert "OPPMAN_ONLY_HERE" not in os.environ
    assert "DATABASE_URL" not in os.environ


def test_settings_do_not_import_sqlalchemy_or_alembic(project):
    code = "import sys, oppmigrate.config; print({'sqlalchemy', 'alembic', 'dotenv'} & set(sys.modules))"
    assert project.call([sys.executable, "-c", code]).stdout.strip() == "set()"


# ---- the files, in every state


def test_percent_signs_of_ini_are_unescaped(project):
    project.write("alembic.ini", "[alembic]\nsqlalchemy.url = postgresql://u:a%%40b@host/db\n")
    assert load_settings(project.path).database_url == "postgresql://u:a%40b@host/db"


def test_lone_percent_sign_in_ini_is_refused_with_what_to_write(project):
    project.write("alembic.ini", "[alembic]\nsqlalchemy.url = postgresql://u:a%40b@host/db\n")
    with pytest.raises(ConfigurationError, match=r"alembic\.ini cannot be read") as caught:
        load_settings(project.path)
    assert "sqlalchemy.url" in caught.value.why
    assert "`%%`" in caught.value.do
    assert "40b" not in str(caught.value)  # nor any other part of the password


@pytest.mark.parametrize("text", ["sqlalchemy.url = {url}\n", "[alembic]\nx\n{url}\n", "[alembic]\n = {url}\n"])
def test_ini_that_cannot_be_read_does_not_show_a_password(project, text):
    project.write("alembic.ini", text.format(url="postgresql://user:secret@host/db"))
    with pytest.raises(ConfigurationError) as caught:
        load_settings(project.path)
    assert "secret" not in str(caught.value)


def test_ini_value_that_env_py_fills_in_is_left_to_env_py(project):
    """A usual recipe: `%(DB_USER)s` in alembic.ini, `config.set_section_option(…, "DB_USER", …)` in env.py."""
    project.write("alembic.ini", "[alembic]\nscript_location = db\nsqlalchemy.url = postgresql://%(DB_USER)s@host/db\n")
    settings = load_settings(project.path)
    assert settings.script_location == project.path / "db"
    assert settings.database_url == "postgresql://%(DB_USER)s@host/db"


@pytest.mark.parametrize("name", ["a:b", "a b", "ü", "a;b", "a#b"])
def test_here_is_the_folder_of_ini_whatever_it_is_called(tmp_path, name):
    folder = tmp_path / name
    folder.mkdir()
    (folder / "alembic.ini").write_text("[alembic]\nscript_location = %(here)s/alembic\n", encoding="utf-8")
    assert load_settings(folder).script_location == folder / "alembic"


def test_folder_with_a_percent_sign_in_its_name_is_refused_with_the_reason(tmp_path):
    """Alembic itself cannot expand %(here)s there."""
    folder = tmp_path / "50%"
    folder.mkdir()
    (folder / "alembic.ini").write_text("[alembic]\nscript_location = %(here)s/alembic\n", encoding="utf-8")
    with pytest.raises(ConfigurationError) as caught:
        load_settings(folder)
    assert "its folder" in caught.value.why


@pytest.mark.parametrize("name", ["alembic.ini", "pyproject.toml", ".env"])
@pytest.mark.parametrize("ends", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"], ids=["", "BOM"])
def test_files_with_byte_order_mark_and_any_line_ends_are_read(project, name, ends, mark):
    texts = {
        "alembic.ini": "[alembic]\nscript_location = alembic\nsqlalchemy.url = postgresql://host/db\n",
        "pyproject.toml": '[tool.oppman]\ndatabase_url = "postgresql://host/db"\n',
        ".env": "DATABASE_URL=postgresql://host/db\n",
    }
    (project.path / name).write_bytes(mark + texts[name].replace("\n", ends).encode())
    assert load_settings(project.path).database_url == "postgresql://host/db"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("alembic.ini", b"script_location = alembic\n"),
        ("alembic.ini", b"[alembic]\nscript_location\n = [\n"),
        ("alembic.ini", b"[alembic]\na = 1\na = 2\n"),
        ("alembic.ini", b"[alembic]\na = \xff\n"),
        ("pyproject.toml", b"[tool.oppman\n"),
        ("pyproject.toml", b'[tool.oppman]\nmodels = ["\xff"]\n'),
        (".env", b"A=\xff\n"),
    ],
)
def test_file_that_cannot_be_read_is_named(project, name, content):
    (project.path / name).write_bytes(content)
    with pytest.raises(ConfigurationError) as caught:
        load_settings(project.path)
    assert caught.value.what.startswith(str(project.path / name))
    assert caught.value.do


@pytest.mark.parametrize("name", ["alembic.ini", "pyproject.toml", ".env"])
def test_folder_in_place_of_a_file_counts_as_no_file(project, name):
    (project.path / name).mkdir()
    assert load_settings(project.path).database_url_source == "default"


@pytest.mark.parametrize(
    "line",
    ["models = 1", "models = [1]", "commands = {}", "database_url = 1", "config = []", "section = 1", "config = true"],
)
def test_value_of_wrong_type_in_toml_is_named(project, line):
    project.write("pyproject.toml", f"[tool.oppman]\n{line}\n")
    with pytest.raises(ConfigurationError, match=r"pyproject\.toml: \[tool\.oppman\]") as caught:
        load_settings(project.path)
    assert caught.value.do


@pytest.mark.parametrize("text", ["tool = 1\n", "[tool]\noppman = 1\nalembic = 2\n", ""])
def test_toml_without_our_tables_holds_no_settings(project, text):
    project.write("pyproject.toml", text)
    assert load_settings(project.path).toml_file is None


def test_config_file_that_does_not_exist_is_named(project):
    with pytest.raises(ConfigurationError, match=r"other\.ini does not exist"):
        load_settings(project.path, config_file=project.path / "other.ini")


def test_project_that_does_not_exist_is_named(project):
    with pytest.raises(ConfigurationError, match="does not exist"):
        load_settings(project.path / "nowhere")


def test_section_that_ini_lacks_holds_no_settings(project):
    project.write("alembic.ini", "[alembic]\nsqlalchemy.url = postgresql://host/db\n")
    assert load_settings(project.path, section="other").database_url_source == "default"


# ---- where env.py lies


def test_location_of_a_package_is_left_to_alembic(project):
    project.write("alembic.ini", "[alembic]\nscript_location = mypackage:migrations\n")
    settings = load_settings(project.path)
    assert settings.script_location is None
    assert settings.is_initialised


def test_flask_migrate_s_location_is_that_of_its_ini(project):
    project.write("migrations/alembic.ini", "[alembic]\n")
    project.write("migrations/env.py", "")
    assert load_settings(project.path).script_location == project.path / "migrations"


@pytest.mark.parametrize("folder", ["alembic", "migrations"])
def test_usual_location_is_found_without_configuration(project, folder):
    project.write(f"{folder}/env.py", "")
    settings = load_settings(project.path)
    assert settings.env_file == project.path / folder / "env.py"
    assert settings.is_initialised


def test_project_without_env_py_is_not_initialised(project):
    assert not load_settings(project.path).is_initialised
    project.write("alembic.ini", "[alembic]\nscript_location = alembic\n")
    assert not load_settings(project.path).is_initialised


def test_path_is_shown_relative_to_project(project, tmp_path):
    settings = Settings(project=project.path)
    assert settings.shown(project.path / "alembic" / "env.py") == str(Path("alembic/env.py"))
    assert settings.shown(tmp_path / "other.py") == str(tmp_path / "other.py")


# ---- SQLite paths


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("sqlite:///x.db", "sqlite:////project/x.db"),
        ("sqlite:///./x.db", "sqlite:////project/x.db"),
        ("sqlite:///data/../x.db", "sqlite:////project/x.db"),
        ("sqlite+aiosqlite:///x.db", "sqlite+aiosqlite:////project/x.db"),
        ("sqlite:///x.db?timeout=5", "sqlite:////project/x.db?timeout=5"),
        ("sqlite+aiosqlite:///x.db?mode=ro&uri=true", "sqlite+aiosqlite:////project/x.db?mode=ro&uri=true"),
        ("sqlite:///file:x.db?mode=ro&uri=true", "sqlite:///file:/project/x.db?mode=ro&uri=true"),
        ("sqlite:///file:/abs/x.db?uri=true", "sqlite:///file:/abs/x.db?uri=true"),
        ("sqlite:///file:///abs/x.db?uri=true", "sqlite:///file:///abs/x.db?uri=true"),
        ("sqlite:///file::memory:?uri=true", "sqlite:///file::memory:?uri=true"),
        ("sqlite:///file:x?mode=memory&cache=shared&uri=true", "sqlite:///file:x?mode=memory&cache=shared&uri=true"),
        ("sqlite:////abs/x.db", "sqlite:////abs/x.db"),
        ("sqlite:///C:/x.db", "sqlite:///C:/x.db"),
        ("sqlite:///C:\\data\\x.db", "sqlite:///C:\\data\\x.db"),
        ("sqlite:///:memory:", "sqlite:///:memory:"),
        ("sqlite://", "sqlite://"),
        ("sqlite:///", "sqlite:///"),
        ("postgresql://host/x.db", "postgresql://host/x.db"),
        ("mysql+pymysql://u:p@host/db", "mysql+pymysql://u:p@host/db"),
        ("nonsense", "nonsense"),
    ],
)
def test_relative_sqlite_path_is_made_absolute(tmp_path, url, expected):
    project = tmp_path.resolve()
    assert absolute_url(url, project) == expected.replace("/project", str(project))


def test_sqlite_path_does_not_depend_on_working_directory(project, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert load_settings(project.path).database_url == f"sqlite:///{project.path / 'test.db'}"


# ---- passwords


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://user:secret@host/db", "postgresql://user:***@host/db"),
        ("postgresql://user:se%40cret@host:5432/db", "postgresql://user:***@host:5432/db"),
        ("postgresql://user:s:e@c/r%25et@host/db", "postgresql://user:***@host/db"),
        ("postgresql://user:line\nsecret@host/db", "postgresql://user:***@host/db"),
        ("postgresql://user@server:secret@host/db", "postgresql://user@server:***@host/db"),
        ("postgresql://:secret@host/db", "postgresql://:***@host/db"),
        ("postgresql://user:@host/db", "postgresql://user:***@host/db"),
        ("postgresql://user@host/db", "postgresql://user@host/db"),
        ("postgresql://host:5432/db", "postgresql://host:5432/db"),
        ("postgresql://host/db?user=u&password=secret", "postgresql://host/db?user=u&password=***"),
        ("postgresql://host/db?PASSWORD=secret&x=1", "postgresql://host/db?PASSWORD=***&x=1"),
        ("mysql://host/db?passwd=secret", "mysql://host/db?passwd=***"),
        ("mysql://host/db?ssl_key_password=secret", "mysql://host/db?ssl_key_password=***"),
        ("mssql+pyodbc:///?odbc_connect=UID%3Du%3BPWD%3Dsecret", "mssql+pyodbc:///?odbc_connect=***"),
        ("postgresql:user:secret@host/db", "postgresql:***@host/db"),
        ("postgresql:/user:secret@host/db", "postgresql:***@host/db"),
        ("user:secret@host/db", "user:***@host/db"),
        ("sqlite:////tmp/a:b/x@y.db", "sqlite:////tmp/a:b/x@y.db"),
        ("sqlite:///C:/x.db", "sqlite:///C:/x.db"),
        ("", ""),
    ],
)
def test_password_is_hidden(url, shown):
    assert hide_password(url) == shown


passwords = st.text(min_size=1, max_size=12).map(
    "§{}§".format
)  # marked, so that it cannot be part of the rest by chance


@given(password=passwords, user=st.text(alphabet="abc.@-", max_size=6), host=st.sampled_from(["h", "h:1", "[::1]", ""]))
def test_no_password_is_ever_shown(password, user, host):
    assert "§" not in hide_password(f"postgresql+asyncpg://{user}:{password}@{host}/db?x=1")


@given(password=passwords)
def test_no_password_that_sqlalchemy_writes_is_ever_shown(password):
    url = make_url("mysql+pymysql://u@h/db").set(password=password).render_as_string(hide_password=False)
    assert make_url(url).password == password
    assert hide_password(url) == "mysql+pymysql://u:***@h/db"


# ---- the project's folder


@pytest.mark.parametrize(
    "marker", ["alembic.ini", "oppman.py", "migrations/alembic.ini", "migrations/env.py", "alembic/env.py"]
)
def test_project_is_found_from_nested_folder(project, marker):
    project.write(marker, "")
    nested = project.path / "a" / "b"
    nested.mkdir(parents=True)
    assert find_project(nested) == project.path
    assert find_project(project.path) == project.path


@pytest.mark.parametrize("table", ["[tool.oppman]", "[tool.alembic]"])
def test_project_is_found_by_its_pyproject(project, table):
    project.write("pyproject.toml", table)
    nested = project.path / "a"
    nested.mkdir()
    assert find_project(nested) == project.path


@pytest.mark.parametrize("text", ["[tool.ruff]\n", "not toml ["])
def test_other_pyproject_is_passed_over(project, text):
    project.write("alembic.ini", "")
    project.write("inner/pyproject.toml", text)
    assert find_project(project.path / "inner") == project.path


def test_nearest_project_is_found(project):
    project.write("alembic.ini", "")
    project.write("inner/oppman.py", "")
    assert find_project(project.path / "inner") == project.path / "inner"


def test_folder_with_models_counts_as_project(project):
    project.write("models.py", "")
    assert find_project(project.path) == project.path


def test_no_project_says_where_it_looked_and_what_to_do(tmp_path):
    with pytest.raises(NoProject) as caught:
        find_project(tmp_path)
    assert str(tmp_path) in caught.value.what
    assert "oppman migrate init" in caught.value.do


# ---- the policy of applying


def test_policy_comes_from_strongest_source(project, monkeypatch):
    assert load_settings(project.path).policy == Policy()
    project.write("pyproject.toml", '[tool.oppman]\nbackup = "never"\nbackup_keep = 3\nlock_timeout = 7\n')
    policy = load_settings(project.path).policy
    assert (policy.backup, policy.backup_keep, policy.lock_timeout_s) == ("never", 3, 7.0)
    monkeypatch.setenv("OPPMAN_BACKUP", "always")
    monkeypatch.setenv("OPPMAN_LOCK_TIMEOUT", "1.5")
    policy = load_settings(project.path).policy
    assert (policy.backup, policy.backup_keep, policy.lock_timeout_s) == ("always", 3, 1.5)


@pytest.mark.parametrize(
    ("toml", "variable", "expected"),
    [
        ("false", None, False),
        ("true", None, True),
        ('"off"', None, False),
        ("true", "0", False),
        ("false", "1", True),
        ("false", "", False),
        ("true", "No", False),
    ],
)
def test_switch_of_the_policy(project, monkeypatch, toml, variable, expected):
    project.write("pyproject.toml", f"[tool.oppman]\nsqlite_schema_edit = {toml}\n")
    if variable is not None:
        monkeypatch.setenv("OPPMAN_SQLITE_SCHEMA_EDIT", variable)
    assert load_settings(project.path).policy.sqlite_schema_edit is expected


def test_switch_that_is_neither_on_nor_off_is_refused(project, monkeypatch):
    monkeypatch.setenv("OPPMAN_SQLITE_SCHEMA_EDIT", "sometimes")
    with pytest.raises(ConfigurationError, match="OPPMAN_SQLITE_SCHEMA_EDIT is 'sometimes'"):
        load_settings(project.path)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("transaction", "sometimes"),
        ("backup", "yes"),
        ("backup_keep", "1.5"),
        ("backup_keep_days", "-1"),
        ("journal_table", "public.journal"),
        ("journal_table", "x; DROP TABLE users"),
        ("lock_timeout", "nan"),
        ("lock_timeout", "inf"),
        ("statement_timeout", "soon"),
    ],
)
def test_policy_that_does_not_fit_is_refused_with_its_name(project, monkeypatch, name, value):
    monkeypatch.setenv(f"OPPMAN_{name.upper()}", value)
    with pytest.raises(ConfigurationError, match=f"OPPMAN_{name.upper()}") as caught:
        load_settings(project.path)
    assert caught.value.do
    monkeypatch.delenv(f"OPPMAN_{name.upper()}")
    project.write("pyproject.toml", f"[tool.oppman]\n{name} = true\n")
    with pytest.raises(ConfigurationError, match=name):
        load_settings(project.path)
