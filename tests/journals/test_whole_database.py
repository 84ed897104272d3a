"""The journal goes with the database: saved and restored with it, deleted with it, and in nobody's way."""

from oppmigrate.recorder import Journal


def journal_of(shop):
    def read(connection):
        journal = Journal()
        return journal.entries(connection, "a1"), journal.entries(connection, "a2")

    return shop.database.run(read)


def test_journal_is_saved_deleted_and_restored_with_the_database(shop):
    before = journal_of(shop)
    assert all(entries[0].body for entries in before)
    shop.ok("backup")
    removed = shop.ok("delete", "--yes", "--no-backup")
    if shop.database.name != "SQLite":  # of which the file is told
        assert "oppman_journal" in removed
    shop.ok("restore", "--yes")
    assert journal_of(shop) == before
    assert shop.names() == [(1, "Ada"), (2, "Grace")]
    shop.ok("migrate", "check")


def test_table_is_rebuilt_beside_the_journal(shop):
    before = journal_of(shop)
    column = '"name", existing_type=sa.String(20), type_=sa.String(40), existing_nullable=False'
    rebuild = f'with op.batch_alter_table("users") as batch: batch.alter_column({column})'
    shop.write("a3", "a2", rebuild, "pass")
    shop.ok("migrate", "upgrade")
    assert journal_of(shop) == before
    assert shop.names() == [(1, "Ada"), (2, "Grace")]


def test_revision_is_made_and_proved_in_a_scratch_database_beside_the_journal(shop):
    models = shop.models.read_text()
    shop.project.write(
        "models.py", models.replace("name: str", "nick: str | None = Field(default=None)\n    name: str")
    )
    made = shop.ok("migrate", "create", "Nicknames")
    assert "oppman_journal" not in made
    assert "add column users.nick" in made
    shop.ok("migrate", "upgrade")
    assert shop.names() == [(1, "Ada"), (2, "Grace")]
