"""What `create` shows beside the names that are gone, so that a person can tell which of them was renamed."""

import re

import pytest

from migrated_project import MigratedProject
from projects import Project

MODELS = """
    from sqlmodel import Field, SQLModel


    class Person(SQLModel, table=True):
        __tablename__ = "people"

        id: int | None = Field(default=None, primary_key=True)
        {columns}
"""
BEFORE = (
    "label: str | None = Field(default=None, max_length=40)",
    "nick: str | None = Field(default=None, max_length=9)",
    "api_token: str = Field(default='', max_length=9)",
)
ROWS = "INSERT INTO people (label, nick, api_token) VALUES ('12', 'Ada', 'abc'), ('31', NULL, 'def'), ('12', 'Bo', 'x')"


class People(MigratedProject):
    def __init__(self, project: Project, url: str) -> None:
        super().__init__(project, url)
        self.write(*BEFORE)
        self.ok("migrate", "init")
        self.ok("migrate", "create", "First")
        self.ok("migrate", "upgrade")

    def write(self, *columns: str, **changes: str) -> None:
        text = MODELS.format(columns="\n        ".join(columns))
        for old, new in changes.items():
            text = re.sub(rf"\b{old}\b", new, text)
        self.project.write("models.py", text)

    def offers(self, *arguments: str) -> list[str]:
        """The lines of the first pick-list; nothing is chosen, and nothing dropped."""
        with pytest.raises(AssertionError), self.on_terminal("migrate", "create", "Second", *arguments) as terminal:
            terminal.expect(r"Was it, before:\r\n")
            terminal.expect(r"\[0\]: ")
            lines = terminal.before.splitlines()
            terminal.sendeof()
            terminal.read()
        assert len(self.versions()) == 1
        return [line.strip() for line in lines]


@pytest.fixture
def people(project: Project, database_url: str) -> People:
    return People(project, database_url)


@pytest.fixture
def local(project: Project, sqlite_url: str) -> People:
    return People(project, sqlite_url)


def test_type_rows_and_values_are_shown_the_likeliest_first(people: People) -> None:
    people.execute(ROWS)
    people.write("score: int | None = None", BEFORE[2])
    assert people.offers() == [
        "1  people.label, and is renamed: VARCHAR(40), becomes INTEGER; 3 rows hold a value: '12', '31'",
        "2  people.nick, and is renamed: VARCHAR(9), becomes INTEGER; 2 rows hold a value: 'Ada', 'Bo'; 'Ada' would "
        "not fit",
        "0  nothing: it is new",
    ]


def test_what_a_secret_column_holds_is_not_shown(people: People) -> None:
    people.execute(ROWS)
    people.write(BEFORE[0], BEFORE[1], "api_secret: int = 0")
    assert people.offers() == [
        "1  people.api_token, and is renamed: VARCHAR(9), becomes INTEGER; 3 rows hold a value; a value would not fit",
        "0  nothing: it is new",
    ]


def test_name_decides_between_columns_that_hold_nothing(local: People) -> None:
    local.write("nickname: str | None = Field(default=None, max_length=40)", BEFORE[2])
    assert local.offers() == [
        "1  people.nick, and is renamed: VARCHAR(9), becomes VARCHAR(40); no row holds a value",
        "2  people.label, and is renamed: VARCHAR(40); no row holds a value",
        "0  nothing: it is new",
    ]


def test_database_that_is_behind_is_not_looked_into(local: People) -> None:
    local.execute(ROWS)
    local.execute("DELETE FROM alembic_version")
    local.write("title: str | None = Field(default=None, max_length=40)", *BEFORE[1:])
    assert local.offers() == ["1  people.label, and is renamed: VARCHAR(40)", "0  nothing: it is new"]


def test_columns_and_rows_of_a_table_are_counted(people: People) -> None:
    people.execute(ROWS)
    people.write(*BEFORE, people="persons")
    assert people.offers() == [
        "1  people, and is renamed: 4 of its 4 columns have the same name; 3 rows",
        "0  nothing: it is new",
    ]


def test_columns_of_a_table_that_is_renamed_are_looked_into(local: People) -> None:
    local.execute(ROWS)
    local.write("title: str | None = Field(default=None, max_length=40)", *BEFORE[1:], people="persons")
    assert local.offers("--rename", "people:persons") == [
        "1  people.label, and is renamed: VARCHAR(40); 3 rows hold a value: '12', '31'",
        "0  nothing: it is new",
    ]


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (100_000, "100,000 rows hold a value: 'a'"),
        (100_001, "of the first 100,000 rows, 100,000 hold a value: 'a'"),
    ],
)
def test_of_a_large_table_the_first_rows_are_looked_at(local: People, rows: int, words: str) -> None:
    numbers = f"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {rows})"
    local.execute(f"{numbers} INSERT INTO people (label, api_token) SELECT 'a', '' FROM n")
    local.write("title: str | None = Field(default=None, max_length=40)", *BEFORE[1:])
    assert local.offers()[0] == f"1  people.label, and is renamed: VARCHAR(40); {words}"
