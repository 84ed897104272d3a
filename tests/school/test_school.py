"""Sixty tables of a school through thirty revisions made by `create`: up, all the way down, and up again, with rows."""

import json
import os
import shutil
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from changes.catalogue import OWN, read_schema
from changes.taking import VARIABLE
from migrated_project import MigratedProject
from projects import Project, rewrite
from school.first_rows import insert_rows
from school.step import AnyValue, Row, Rows, Step, after, before
from school.steps import STEPS

MODELS = Path(__file__).parent / "models"


class School(MigratedProject):
    """The school's project, at its first revision, with rows in every table."""

    def __init__(self, project: Project, url: str, server: str) -> None:
        super().__init__(project, url)
        self.server = server
        shutil.copytree(MODELS, project.path / "models", ignore=shutil.ignore_patterns("__pycache__"))
        self.ok("migrate", "init")
        self.ok("migrate", "create", "First", "--rev-id", "first")
        self.ok("migrate", "upgrade")
        self.database.run(insert_rows)

    def make(self, step: Step, number: int) -> None:
        """Change the models as the step says, and let `create` write its revision."""
        for edit in step.edits:
            file = self.project.path / "models" / edit.file
            source = file.read_text()
            assert source.count(edit.old) == 1, (
                f"{step.message}: {source.count(edit.old)} times in {edit.file}: {edit.old}"
            )
            rewrite(file, source.replace(edit.old, edit.new))
        flags = (*step.flags, *step.flags_on.get(self.server, ()), *(() if step.edits else ("--data",)))
        told = self.run("migrate", "create", "--no-input", step.message, "--rev-id", f"step_{number}", *flags)
        assert told.returncode == 0, f"{step.message}\n{told.stderr}"
        if not step.edits:
            self.write_data_step(step)
            return
        assert "tried     up, down and up again" in told.stderr, f"{step.message}\n{told.stderr}"
        assert "Warning" not in told.stderr, f"{step.message}\n{told.stderr}"
        for line in step.says:
            assert line in told.stdout, f"{step.message}\n{told.stdout}"

    def write_data_step(self, step: Step) -> None:
        path = self.versions()[-1]
        head, up = path.read_text().split("def upgrade() -> None:\n")
        lines = ["def upgrade() -> None:", *(f"    {line}" for line in step.up), "", ""]
        lines += ["def downgrade() -> None:", *(f"    {line}" for line in step.down), ""]
        rewrite(path, head + "\n".join(lines))

    def schema(self) -> set[str]:
        def ask(connection: Any) -> set[str]:
            return read_schema(self.server, lambda sql: [tuple(row) for row in connection.exec_driver_sql(sql)])

        return self.database.run(ask)

    def everything(self) -> Rows:
        """The rows of all tables, as the driver gives them."""
        quote = "`" if self.server == "mysql" else '"'
        tables = sorted(self.tables() - OWN)

        def ask(connection: Any) -> Rows:
            return {
                name: [dict(row._mapping) for row in connection.exec_driver_sql(f"SELECT * FROM {quote}{name}{quote}")]
                for name in tables
            }

        return self.database.run(ask)

    def assert_holds(self, expected: Rows, steps: Sequence[Step], where: str) -> Rows:
        """Are the tables and rows as expected, and exactly so where no step touches them? Return what there is."""
        found = self.everything()
        touched = frozenset().union(*(step.tables for step in steps))
        assert set(found) == set(expected), where
        for table, rows in expected.items():
            unknown = {name for row in rows for name, value in row.items() if isinstance(value, AnyValue)}
            known = [{name: value for name, value in row.items() if name not in unknown} for row in found[table]]
            how = plain if table in touched else repr
            assert counted(known, how) == counted(rows, how), f"{where}: {table}"
            for name in unknown:
                values = [row[name] for row in found[table]]
                assert None not in values and len(set(values)) == len(values), f"{where}: {table}.{name}"
        return found


def plain(value: Any) -> Any:
    """A value as all drivers would give it."""
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, int | float | Decimal):
        return format(Decimal(str(value)).normalize(), "f")
    if isinstance(value, dict | list):
        return json.dumps(value)
    if isinstance(value, datetime) and value.tzinfo:
        return str(value.astimezone(UTC).replace(tzinfo=None))
    if isinstance(value, date | datetime | time | timedelta | UUID):
        return str(value)
    return value


def counted(rows: list[Row], how: Callable[[Any], Any]) -> Counter[str]:
    """The rows without an order, and without the columns of which a value cannot be known."""
    return Counter(
        str(sorted((name, how(value)) for name, value in row.items() if not isinstance(value, AnyValue)))
        for row in rows
    )


EVERYWHERE = os.environ.get(VARIABLE) == "all"
SERVERS = ("sqlite", "postgresql", "mysql") if EVERYWHERE else ("sqlite",)
LEG = 1 if EVERYWHERE else 10  # how many steps one downgrade goes back


@pytest.mark.parametrize("server", SERVERS)
def test_school_goes_through_its_history_and_back(
    server: str, project: Project, request: pytest.FixtureRequest
) -> None:
    school = School(project, request.getfixturevalue(f"{server}_url"), server)
    rows = school.everything()
    assert len(rows) == 60
    assert [name for name, held in rows.items() if not 5 <= len(held) <= 20] == []
    schemas = [school.schema()]
    for number, step in enumerate(STEPS, start=1):
        school.make(step, number)
        school.ok("migrate", "upgrade", "--no-backup")
        rows = school.assert_holds(after(step, rows), [step], step.message)
        if number % 10 == 0:
            school.ok("migrate", "check")
        for statement in step.written:
            school.execute(statement)
        rows = school.everything() if step.written else rows
        schemas.append(school.schema())
    for number in range(len(STEPS) - LEG, -1, -LEG):
        undone = STEPS[number : number + LEG]
        school.ok("migrate", "downgrade", f"-{LEG}", "--no-backup", "--yes")
        where = f"back to before {undone[0].message}"
        assert school.schema() == schemas[number], where
        for step in reversed(undone):
            rows = before(step, rows)
        rows = school.assert_holds(rows, undone, where)
    school.ok("migrate", "upgrade", "--no-backup")
    assert school.schema() == schemas[-1]
    for step in STEPS:
        rows = after(step, rows)
    school.assert_holds(rows, STEPS, "up again")
    school.ok("migrate", "check")
