"""A chain of revisions that do a bit of everything, with rows in the tables that they change."""

from copy import copy
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, inspect, text

from migrated_project import MigratedProject
from oppmigrate.databases import open_database
from projects import Project

# revision -> message, upgrade, downgrade
CHAIN: dict[str, tuple[str, list[str], list[str]]] = {
    "r1": (
        "Begin",
        [
            "op.create_table('users', sa.Column('id', sa.Integer, primary_key=True),"
            " sa.Column('name', sa.String(20), nullable=False), sa.Column('email', sa.String(50)))",
            "op.create_table('orders', sa.Column('id', sa.Integer, primary_key=True), sa.Column('total', sa.Integer),"
            " sa.Column('user_id', sa.Integer, nullable=False),"
            " sa.ForeignKeyConstraint(['user_id'], ['users.id'], name='fk_orders_user', ondelete='CASCADE'))",
        ],
        ["op.drop_table('orders')", "op.drop_table('users')"],
    ),
    "r2": (
        "Notes and an index",
        [
            "op.add_column('users', sa.Column('note', sa.String(99)))",
            "op.create_index('ix_users_name', 'users', ['name'])",
        ],
        ["op.drop_index('ix_users_name', table_name='users')", "op.drop_column('users', 'note')"],
    ),
    "r3": (
        "Fill the notes",
        [
            "users = sa.table('users', sa.column('id', sa.Integer), sa.column('note', sa.String))",
            'op.execute(users.update().values(note="it\'s 100% of C:\\\\dir; -- no %s :x").where(users.c.id > 1))',
            "op.execute(\"UPDATE users SET note = 'plain 5%' WHERE id = 1\")",
        ],
        ["op.execute('UPDATE users SET note = NULL')"],
    ),
    "r4": (
        "Longer names, notes for all",
        [
            "with op.batch_alter_table('users') as batch:",
            "    batch.alter_column('name', existing_type=sa.String(20), type_=sa.String(80), existing_nullable=False)",
            "    batch.alter_column('note', existing_type=sa.String(99), nullable=False)",
        ],
        [
            "with op.batch_alter_table('users') as batch:",
            "    batch.alter_column('note', existing_type=sa.String(99), nullable=True)",
            "    batch.alter_column('name', existing_type=sa.String(80), type_=sa.String(20), existing_nullable=False)",
        ],
    ),
    "r5": (
        "Two orders more",
        [
            "orders = sa.table('orders', sa.column('id', sa.Integer), sa.column('total', sa.Integer),"
            " sa.column('user_id', sa.Integer))",
            "op.bulk_insert(orders, [{'id': 91, 'total': 5, 'user_id': 1}, {'id': 92, 'total': None, 'user_id': 2}])",
        ],
        ["op.execute('DELETE FROM orders WHERE id IN (91, 92)')"],
    ),
    "r6": (
        "Rename totals",
        [
            "with op.batch_alter_table('orders') as batch:",
            "    batch.alter_column('total', new_column_name='amount', existing_type=sa.Integer)",
        ],
        [
            "with op.batch_alter_table('orders') as batch:",
            "    batch.alter_column('amount', new_column_name='total', existing_type=sa.Integer)",
        ],
    ),
    "r7": (
        "No more emails",
        ["with op.batch_alter_table('users') as batch:", "    batch.drop_column('email')"],
        ["op.add_column('users', sa.Column('email', sa.String(50)))"],
    ),
    "r8": (
        "Names are unique",
        [
            "with op.batch_alter_table('users') as batch:",
            "    batch.create_unique_constraint('uq_users_name', ['name'])",
        ],
        ["with op.batch_alter_table('users') as batch:", "    batch.drop_constraint('uq_users_name', type_='unique')"],
    ),
}
ROWS = (
    "INSERT INTO users (id, name, email) VALUES (1, 'Ada', 'ada@x'), (2, 'Grüße', NULL), (3, 'Cy', 'cy@x')",
    "INSERT INTO orders (id, total, user_id) VALUES (1, 10, 1), (2, 20, 1), (3, 30, 3)",
)
FILE = '''"""{message}"""
from alembic import op
import sqlalchemy as sa

revision = {revision!r}
down_revision = {parent!r}
branch_labels = None
depends_on = None


def upgrade():
    {upgrade}


def downgrade():
    {downgrade}
'''


def write_revision(
    folder: Path, revision: str, parent: str | None, message: str, upgrade: list[str], downgrade: list[str]
) -> Path:
    """A revision's file from the lines of its two functions."""
    path = folder / f"{revision}.py"
    lines = {"upgrade": "\n    ".join(upgrade), "downgrade": "\n    ".join(downgrade)}
    path.write_text(FILE.format(message=message, revision=revision, parent=parent, **lines), encoding="utf-8")
    return path


class Shop(MigratedProject):
    """A project with the chain, `init` run, and nothing applied."""

    def __init__(self, project: Project, url: str, chain: dict[str, Any] = CHAIN) -> None:
        super().__init__(project, url)
        project.write("models.py", "from sqlmodel import Field, SQLModel\n\n\n" + MODEL)
        self.ok("migrate", "init")
        parent = None
        for revision, (message, upgrade, downgrade) in chain.items():
            write_revision(self.folder, revision, parent, message, upgrade, downgrade)
            parent = revision

    @property
    def folder(self) -> Path:
        return self.project.path / "alembic" / "versions"

    def at(self, url: str) -> "Shop":
        """The same project with another database."""
        other = copy(self)
        other.url, other.env = url, {**self.env, "DATABASE_URL": url}
        return other

    def begin(self) -> None:
        """The first revision, and rows."""
        self.ok("migrate", "upgrade", "r1", "--no-backup")
        for statement in ROWS:
            self.execute(statement)


MODEL = """class Thing(SQLModel, table=True):
    id: int | None = Field(default=None, primary_key=True)
"""


def contents(url: str) -> dict[str, Any]:
    """What a database holds: each table's columns, keys, indexes and rows; the heads."""

    def work(connection: Connection) -> dict[str, Any]:
        inspector = inspect(connection)
        found: dict[str, Any] = {}
        for name in sorted(inspector.get_table_names()):
            columns = sorted(
                (each["name"], str(each["type"]), each["nullable"]) for each in inspector.get_columns(name)
            )
            keys = sorted((key["name"], tuple(key["constrained_columns"])) for key in inspector.get_foreign_keys(name))
            unique = sorted(
                (each["name"], tuple(each["column_names"])) for each in inspector.get_unique_constraints(name)
            )
            indexes = sorted((each["name"], tuple(each["column_names"])) for each in inspector.get_indexes(name))
            listed = ", ".join(column for column, _, _ in columns)
            rows = connection.execute(text(f"SELECT {listed} FROM {name}")).all()
            found[name] = (columns, keys, unique, indexes, sorted(map(tuple, rows), key=repr))
        found.pop("oppman_journal", None)
        return found

    return open_database(url).run(work)
