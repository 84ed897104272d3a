"""A part of a table stated anew: what a server can do in one statement only, and Alembic has no operation for."""

from alembic.operations import ops

from oppmigrate.autogenerate.written import as_text


class RestateOp(ops.ExecuteSQLOp):
    """A column with another CHECK in it, or another primary key; the inverse states what was before."""

    def __init__(self, table: str, schema: str | None, statement: str, inverse: str) -> None:
        super().__init__(as_text(statement))
        self.table_name = table
        self.schema = schema
        self._statement = statement
        self._inverse = inverse

    def reverse(self) -> "RestateOp":
        return RestateOp(self.table_name, self.schema, self._inverse, self._statement)
