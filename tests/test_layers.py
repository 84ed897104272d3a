"""The layers hold: each module imports only from the rows above its own, and keeps out of what is not its duty.

Read from the source (`ast`), imports inside functions and under TYPE_CHECKING included. A folder is one unit: inside
it, modules import each other as they like.
"""

import ast
import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

import oppmigrate

PACKAGE = "oppmigrate"
SOURCE = Path(oppmigrate.__file__).parent

# The table of layers, top row first. A new module belongs in the row below everything that it imports.
ROWS: tuple[tuple[str, ...], ...] = (
    ("errors", "identity", "results", "index", "interrupts", "landmarks", "lines"),
    ("config", "databases", "installation"),
    ("blame", "data"),
    ("revisions", "recorder", "autogenerate", "safety", "backups", "scaffold", "environment"),
    ("journals",),
    ("planner",),
    ("precautions",),
    ("executor", "difference", "proof"),
    ("manager",),
    ("fleet",),
    ("fastlane",),  # a face beside `cli`, which asks it first
    ("cli", "web", "pytest_plugin", "alembic_plugin"),
    ("__main__", "__init__"),
)
DATA = frozenset({"templates"})  # shipped as text, imported by nobody
ROW_OF = {unit: number for number, row in enumerate(ROWS) for unit in row}

# Heavy or optional packages, and the only units that may import them at all.
RESERVED = {"fastapi": {"web"}, "starlette": {"web"}, "sqladmin": {"web"}, "dask": {"fleet"}, "distributed": {"fleet"}}
# Units that answer before these packages are imported, with what they must not import at all.
LIGHT = {
    "errors": {"sqlalchemy", "alembic", "sqlmodel"},
    "config": {"sqlalchemy", "alembic", "sqlmodel"},
    "index": {"sqlalchemy", "alembic", "sqlmodel"},
    "lines": {"sqlalchemy", "alembic", "sqlmodel"},
    "fastlane": {"sqlalchemy", "alembic", "sqlmodel"},
}

SERVER_NAMES = frozenset({"sqlite", "postgresql", "postgres", "mysql", "mariadb", "mssql", "oracle"})
# `databases` tells servers apart for everybody; `fastlane` picks a driver itself because it loads no SQLAlchemy.
TELL_SERVERS_APART = frozenset({"databases", "fastlane"})

CHANGING_SQL = re.compile(
    r"\s*(INSERT\s+INTO|REPLACE\s+INTO|UPDATE\s+\S+\s+SET|DELETE\s+FROM|TRUNCATE|(CREATE|DROP|ALTER)\s+"
    r"(TEMP\w*\s+|UNIQUE\s+|MATERIALIZED\s+)?(TABLE|INDEX|VIEW|SCHEMA|DATABASE|SEQUENCE|TYPE|TRIGGER))\b",
    re.IGNORECASE,
)
# `recorder` and `databases` hold the statements that the executor and the façade tell them to run.
CHANGE_DATABASES = frozenset({"databases", "executor", "recorder"})
EXECUTING = frozenset({"execute", "executemany", "executescript", "exec_driver_sql", "text", "DDL"})
STARTING = frozenset({"run", "Popen", "call", "check_call", "check_output", "system", "popen", "execv", "execvp"})


@dataclass(frozen=True)
class Module:
    """One source file: the unit of the table that it belongs to, and its syntax tree."""

    path: Path
    unit: str
    tree: ast.Module

    def at(self, node: ast.AST) -> str:
        return f"{self.path}:{getattr(node, 'lineno', 1)}"


def parse(relative: str, source: str) -> Module:
    unit = Path(relative).parts[0].removesuffix(".py")
    return Module(Path(relative), unit, ast.parse(textwrap.dedent(source)))


def read_modules() -> list[Module]:
    """Every module of the package, but for what lies among the templates."""
    files = ((file, file.relative_to(SOURCE)) for file in sorted(SOURCE.rglob("*.py")))
    return [parse(str(name), file.read_text(encoding="utf-8")) for file, name in files if name.parts[0] not in DATA]


# ---- the rules: each gives one line for each fault


def imported_names(module: Module) -> Iterator[tuple[ast.stmt, str]]:
    """Every absolute dotted name that the module imports, `from a import b` as `a.b`."""
    package = [PACKAGE, *module.path.parts[:-1]]
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            yield from ((node, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            yield from ((node, f"{base}.{alias.name}") for alias in node.names)


def row_faults(module: Module) -> Iterator[str]:
    own = ROW_OF.get(module.unit)
    if own is None:
        yield (
            f"{module.path}: `{module.unit}` is in no row. Add it to ROWS in tests/test_layers.py, in the row below "
            "everything that it imports"
        )
        return
    for node, name in imported_names(module):
        first, *rest = name.split(".")
        if first != PACKAGE or rest == ["__version__"]:
            continue
        unit = rest[0] if rest else "__init__"
        if unit == module.unit:
            continue
        if ROW_OF.get(unit, ROW_OF["__init__"]) >= own:
            yield f"{module.at(node)}: `{module.unit}` may not import `{unit}`: it is not in a row above"


def package_faults(module: Module) -> Iterator[str]:
    for node, name in imported_names(module):
        top = name.split(".")[0]
        if module.unit not in RESERVED.get(top, {module.unit}):
            yield f"{module.at(node)}: {top} may be imported by {', '.join(sorted(RESERVED[top]))} only"
        if top in LIGHT.get(module.unit, ()):
            yield f"{module.at(node)}: `{module.unit}` has to answer without importing {top}"


def server_faults(module: Module) -> Iterator[str]:
    if module.unit in TELL_SERVERS_APART:
        return
    for node in ast.walk(module.tree):
        compared: list[ast.AST] = []
        if isinstance(node, ast.Compare):
            compared = [part for side in (node.left, *node.comparators) for part in (side, *elements(side))]
        elif isinstance(node, ast.MatchValue):
            compared = [node.value]
        for part in compared:
            if isinstance(part, ast.Constant) and part.value in SERVER_NAMES:
                yield (
                    f"{module.at(part)}: compares with {part.value!r}; ask a named capability of the database, such "
                    "as database.rolls_back_ddl (a new one goes into databases/base.py)"
                )


def elements(node: ast.AST) -> list[ast.expr]:
    """What a literal tuple, list or set holds, also inside frozenset(…) and the like."""
    if isinstance(node, ast.Call):
        return [element for argument in node.args for element in elements(argument)]
    return node.elts if isinstance(node, ast.Tuple | ast.List | ast.Set) else []


def sql_faults(module: Module) -> Iterator[str]:
    if module.unit in CHANGE_DATABASES:
        return
    for call in calls_of(module, EXECUTING):
        if call.args and CHANGING_SQL.match(leading_text(call.args[0])):
            yield f"{module.at(call)}: only {', '.join(sorted(CHANGE_DATABASES))} may change a database"


def alembic_process_faults(module: Module) -> Iterator[str]:
    for call in calls_of(module, STARTING):
        texts = [node.value for node in ast.walk(call) if isinstance(node, ast.Constant)]
        if any(isinstance(text, str) and re.match(r"(\S*/)?alembic(\s|$)", text) for text in texts):
            yield f"{module.at(call)}: Alembic is called in process, never as a program"


def calls_of(module: Module, names: frozenset[str]) -> Iterator[ast.Call]:
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Call):
            name = getattr(node.func, "attr", None) or getattr(node.func, "id", None)
            if name in names:
                yield node


def leading_text(node: ast.AST) -> str:
    """The text that an expression begins with: of a literal, an f-string, a sum."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        parts = [str(part.value) if isinstance(part, ast.Constant) else "x" for part in node.values]
        return "".join(parts)
    return leading_text(node.left) if isinstance(node, ast.BinOp) else ""


RULES = (row_faults, package_faults, server_faults, sql_faults, alembic_process_faults)


# ---- the package


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_package_keeps_the_rule(rule):
    faults = [fault for module in read_modules() for fault in rule(module)]
    assert not faults, "\n" + "\n".join(faults)


def test_package_is_read():
    assert {"errors", "config"} <= {module.unit for module in read_modules()}


# ---- the rules themselves

BAD = [
    (row_faults, "config.py", "from oppmigrate.manager import MigrationManager"),
    (row_faults, "config.py", "import oppmigrate.databases.base"),
    (row_faults, "errors.py", "from oppmigrate import planner"),
    (row_faults, "errors.py", "from . import planner"),
    (row_faults, "databases/base.py", "from ..executor import run"),
    (row_faults, "planner.py", "from oppmigrate import MigrationManager"),
    (row_faults, "planner.py", "import oppmigrate"),
    (row_faults, "recorder.py", "def f():\n    from oppmigrate.revisions import load_graph"),
    (row_faults, "planner.py", "if TYPE_CHECKING:\n    from oppmigrate.executor import Executor"),
    (row_faults, "web/page.py", "from oppmigrate.cli import main"),
    (row_faults, "novelty.py", "import os"),
    (row_faults, "novelty/inside.py", "import os"),
    (package_faults, "manager.py", "def f():\n    import fastapi.responses"),
    (package_faults, "fastlane.py", "from sqlalchemy import URL"),
    (server_faults, "planner.py", 'if dialect == "sqlite": pass'),
    (server_faults, "planner.py", 'if connection.dialect.name in ("mysql", "mariadb"): pass'),
    (server_faults, "planner.py", 'x = 1 if name not in {"postgresql"} else 2'),
    (server_faults, "planner.py", 'x = name in frozenset({"mysql"})'),
    (server_faults, "planner.py", 'match name:\n    case "sqlite": pass'),
    (sql_faults, "planner.py", 'connection.execute(text("DELETE FROM users"))'),
    (sql_faults, "manager.py", 'connection.exec_driver_sql(f"DROP TABLE {name}")'),
    (sql_faults, "manager.py", 'connection.exec_driver_sql(f"UPDATE {name} SET x = 1")'),
    (alembic_process_faults, "manager.py", 'subprocess.run([sys.executable, "-m", "alembic", "upgrade"])'),
    (alembic_process_faults, "manager.py", 'os.system("alembic upgrade head")'),
]

GOOD = [
    (row_faults, "config.py", "from oppmigrate.errors import NoProject\nfrom oppmigrate import errors"),
    (row_faults, "databases/sqlite.py", "from oppmigrate.databases.base import Database\nfrom . import base"),
    (row_faults, "cli/main.py", "from oppmigrate import __version__, fastlane"),
    (row_faults, "__init__.py", "from oppmigrate.manager import MigrationManager"),
    (row_faults, "planner.py", "import oppmigration.cli"),
    (package_faults, "web/page.py", "import fastapi"),
    (server_faults, "databases/sqlite.py", 'if name == "sqlite": pass'),
    (server_faults, "planner.py", 'if database.rolls_back_ddl and name == "users": extras = {"postgresql": 1}'),
    (sql_faults, "planner.py", 'connection.execute(text("SELECT 1")); print("DROP TABLE users")'),
    (sql_faults, "recorder.py", 'connection.execute(text("DELETE FROM alembic_version"))'),
    (alembic_process_faults, "databases/postgresql.py", 'subprocess.run(["pg_dump", "--table", "alembic_version"])'),
]


@pytest.mark.parametrize(("rule", "path", "source"), BAD)
def test_rule_reports_what_it_forbids(rule, path, source):
    assert list(rule(parse(path, source)))


@pytest.mark.parametrize(("rule", "path", "source"), GOOD)
def test_rule_lets_pass_what_it_allows(rule, path, source):
    assert not list(rule(parse(path, source)))


def test_every_row_is_named_once():
    units = [unit for row in ROWS for unit in row]
    assert len(units) == len(set(units))
