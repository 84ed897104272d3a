from pathlib import Path
from textwrap import dedent

import pytest

import alembic
from oppmigrate.errors import EnvironmentFailed
from oppmigrate.scaffold.env_file import EnvFile, read_env_file, wire

TEMPLATES = Path(alembic.__file__).parent / "templates"


def read(text: str) -> EnvFile:
    return read_env_file(text, "alembic/env.py", Path("alembic/env.py"))


def stock(name: str = "generic") -> str:
    return (TEMPLATES / name / "env.py").read_text(encoding="utf-8")


def earlier(text: str) -> str:
    """The template as Alembic wrote it before 1.8: no annotations, and a configuration file taken for granted."""
    text = text.replace(" -> None", "").replace("(connection: Connection)", "(connection)")
    text = text.replace("if config.config_file_name is not None:\n    fileConfig", "fileConfig")
    return text.replace("config.config_ini_section, {}", "config.config_ini_section")


def wired(text: str, imports: str = "import models", target: str = "target_metadata = models.m") -> str:
    return wire(read(dedent(text)), imports, target)


@pytest.mark.parametrize("name", ["generic", "async", "pyproject", "pyproject_async"])
def test_templates_of_one_database_are_stock(name):
    env = read(stock(name))
    assert env.is_stock
    assert env.has_no_models
    assert not env.own_imports
    assert not env.own_comments


def test_template_of_several_databases_is_not_ours_to_replace():
    env = read(stock("multidb"))
    assert not env.is_stock
    assert env.has_empty_dict


def test_earlier_templates_are_stock():
    assert read(earlier(stock())).is_stock


def test_async_template_before_alembic_1_9_is_stock():
    assert read(ASYNC_1_8).is_stock


@pytest.mark.parametrize(
    "change",
    [
        ("\n", "\r\n"),
        ('"', "'"),
        ("# add your model's", "# put your"),
        ("from logging.config import fileConfig\n", "import logging.config\nfrom logging.config import fileConfig\n"),
        (
            "from sqlalchemy import engine_from_config\nfrom sqlalchemy import pool",
            "from sqlalchemy import engine_from_config, pool",
        ),
        ("target_metadata = None", "target_metadata = Base.metadata"),
    ],
)
def test_layout_comments_imports_and_target_do_not_count(change):
    assert read(stock().replace(*change)).is_stock


@pytest.mark.parametrize(
    "change",
    [
        ("poolclass=pool.NullPool", "poolclass=pool.NullPool, echo=True"),
        ("literal_binds=True", "literal_binds=True, render_as_batch=True"),
        ('"paramstyle": "named"', '"paramstyle": "qmark"'),
        ("target_metadata = None\n", "target_metadata = None\nconfig.set_main_option('x', 'y')\n"),
        ('config.get_main_option("sqlalchemy.url")\n    context', 'os.environ["URL"]\n    context'),
    ],
)
def test_any_other_change_makes_it_the_users_own(change):
    assert change[0] in stock()
    assert not read(stock().replace(*change)).is_stock


def test_own_imports_and_comments_are_kept_as_they_are_written():
    text = stock().replace(
        "from alembic import context\n", "from alembic import context\nfrom app import (  # tables\n    Base,\n)\n"
    )
    env = read(text.replace("target_metadata = None", "# ask Ann first\ntarget_metadata = Base.metadata  # all"))
    assert env.own_imports == ("from app import (  # tables\n    Base,\n)",)
    assert env.own_comments == ("# ask Ann first",)
    assert env.target_source == "target_metadata = Base.metadata  # all"
    assert env.target_stands_alone


def test_target_that_needs_more_than_imports_does_not_stand_alone():
    assert not read(stock().replace("target_metadata = None", "target_metadata = load(config)")).target_stands_alone


def test_target_set_in_two_places_is_left_alone():
    assert read("target_metadata = None\nif x:\n    target_metadata = y\n").target is None


def test_file_that_is_not_python_names_its_line():
    with pytest.raises(EnvironmentFailed) as raised:
        read("import os\nx = = 1\n")
    assert raised.value.why == "alembic/env.py:2: x = = 1"


def test_imports_go_behind_the_last_import():
    text = "import a\nimport b  # c\n\n\nx = 1\ntarget_metadata = None  # d\ny = 2\n"
    assert wired(text) == "import a\nimport b  # c\nimport models\n\n\nx = 1\ntarget_metadata = models.m\ny = 2\n"


def test_imports_go_behind_changes_of_sys_path():
    text = "import sys\n\nsys.path.insert(0, '.')\n\ntarget_metadata = None\n"
    assert wired(text).startswith("import sys\n\nsys.path.insert(0, '.')\nimport models\n\n")


def test_line_ends_byte_order_mark_and_missing_final_newline_are_kept():
    text = "\ufeffimport a\r\ntarget_metadata = None"
    assert wired(text, target="target_metadata = [\n    x,\n]") == (
        "\ufeffimport a\r\nimport models\r\n\r\ntarget_metadata = [\r\n    x,\r\n]"
    )


ASYNC_1_8 = """
import asyncio
from logging.config import fileConfig

from sqlalchemy import engine_from_config
from sqlalchemy import pool
from sqlalchemy.engine import Connection
from sqlalchemy.ext.asyncio import AsyncEngine

from alembic import context

config = context.config

if config.config_file_name is not None:
    fileConfig(config.config_file_name)

target_metadata = None


def run_migrations_offline() -> None:
    url = config.get_main_option("sqlalchemy.url")
    context.configure(
        url=url, target_metadata=target_metadata, literal_binds=True, dialect_opts={"paramstyle": "named"}
    )

    with context.begin_transaction():
        context.run_migrations()


def do_run_migrations(connection: Connection) -> None:
    context.configure(connection=connection, target_metadata=target_metadata)

    with context.begin_transaction():
        context.run_migrations()


async def run_migrations_online() -> None:
    connectable = AsyncEngine(
        engine_from_config(
            config.get_section(config.config_ini_section), prefix="sqlalchemy.", poolclass=pool.NullPool, future=True
        )
    )

    async with connectable.connect() as connection:
        await connection.run_sync(do_run_migrations)

    await connectable.dispose()


if context.is_offline_mode():
    run_migrations_offline()
else:
    asyncio.run(run_migrations_online())
"""
