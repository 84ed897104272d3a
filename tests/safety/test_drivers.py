"""The guard by the async drivers, whose cursors and transactions differ from those of the others."""

from collections.abc import Callable

import pytest
import sqlalchemy as sa
from alembic.operations import Operations

from guarded import Rows
from servers import with_driver

SETUP = (
    "CREATE TABLE t (id INTEGER PRIMARY KEY, v VARCHAR(20), n INTEGER)",
    "INSERT INTO t VALUES (1, 'abcdef', 1), (2, 'b', 1), (3, NULL, NULL)",
)


def create_index_concurrently(op: Operations) -> None:
    with op.get_context().autocommit_block():
        op.create_index("ix", "t", ["n"], unique=True, postgresql_concurrently=True)


EVERYWHERE: list[tuple[Callable[[Operations], None], list[int]]] = [
    (lambda op: op.create_index("ix", "t", ["n"], unique=True), [1, 2]),
    (lambda op: op.add_column("t", sa.Column("x", sa.Integer(), nullable=False)), [1, 2, 3]),
]
BY_ALTER: list[tuple[Callable[[Operations], None], list[int]]] = [
    (lambda op: op.alter_column("t", "v", existing_type=sa.String(20), nullable=False), [3]),
    (lambda op: op.alter_column("t", "v", existing_type=sa.String(20), type_=sa.String(3)), [1]),
    (lambda op: op.create_check_constraint("ck", "t", "v LIKE 'a%'"), [2]),
    (lambda op: op.create_foreign_key("fk", "t", "t", ["n"], ["id"]), []),
]
POSTGRESQL: list[tuple[Callable[[Operations], None], list[int]]] = [
    (create_index_concurrently, [1, 2]),
    (lambda op: op.alter_column("t", "v", type_=sa.Integer(), postgresql_using="v::integer"), [1, 2]),
    (lambda op: op.alter_column("t", "n", type_=sa.Text(), postgresql_using="(1 / (n - 1))::text"), [1, 2]),
]
MYSQL: list[tuple[Callable[[Operations], None], list[int]]] = [
    (lambda op: op.alter_column("t", "v", existing_type=sa.String(20), type_=sa.Integer()), [1, 2]),
]


@pytest.mark.parametrize(
    ("driver", "cases"),
    [
        ("postgresql+asyncpg", EVERYWHERE + BY_ALTER + POSTGRESQL),
        ("postgresql+psycopg_async", EVERYWHERE + BY_ALTER + POSTGRESQL),
        ("mysql+aiomysql", EVERYWHERE + BY_ALTER + MYSQL),
        ("sqlite+aiosqlite", EVERYWHERE),
    ],
)
def test_async_driver(
    request: pytest.FixtureRequest, driver: str, cases: list[tuple[Callable[[Operations], None], list[int]]]
) -> None:
    rows = Rows(with_driver(str(request.getfixturevalue(f"{driver.partition('+')[0]}_url")), driver), *SETUP)
    for change, ids in cases:
        if ids:
            assert [row["id"] for row in rows.refuses(change).facts["sample"]] == ids
        else:
            rows.takes(change)
    assert rows.run(lambda op: op.execute("UPDATE t SET n = n + 0 WHERE n = 1")).has_data_steps
    assert rows.run(lambda op: op.execute("INSERT INTO t VALUES (7, 'x', NULL), (8, 'y', NULL)")).rows_moved == 2
