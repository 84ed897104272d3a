"""What a new revision for a data step begins with: the way to the tables, and a downgrade that claims nothing."""

IMPORTS = "from oppmigrate.data import batches, tables"
UPGRADE = """\
# tables(op) reads the tables as they are at this revision, whatever the models become later.
    # Where SQL can say it, one statement:
    #     users = tables(op).users
    #     op.execute(users.update().values(name=users.c.first + " " + users.c.last))
    # Else in Python, 1000 rows at a time:
    #     for batch in batches(op, sa.select(users).where(users.c.slug.is_(None))):
    #         batch.update(lambda row: {"slug": row.name.lower().replace(" ", "-")})
    pass"""
DOWNGRADE = """\
# Nothing is undone: the rows stay as upgrade() leaves them. Undo it here where that can be
    # done; where going back would do harm, raise oppmigrate.errors.Refused("why").
    pass"""
