"""What a CREATE INDEX statement says, in the words of three servers."""

import pytest

from oppmigrate.databases.indexes import IndexDefinition, IndexPart, read_definition

X = IndexPart("x", is_column=True)


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("CREATE INDEX i ON t (x)", IndexDefinition("i", "", (X,))),
        ('CREATE UNIQUE INDEX IF NOT EXISTS "a b" ON main."t" ("x");', IndexDefinition("a b", "UNIQUE", (X,))),
        (
            "CREATE INDEX i ON t (x DESC, lower(y) COLLATE NOCASE) WHERE x > '),' -- all others",
            IndexDefinition(
                "i",
                "",
                (
                    IndexPart("x", is_column=True, descending=True),
                    IndexPart("lower(y)", is_column=False, collation="NOCASE"),
                ),
                where="x > '),'",
            ),
        ),
        ("CREATE INDEX i ON t (a || b ASC)", IndexDefinition("i", "", (IndexPart("a || b", is_column=False),))),
        (
            'CREATE UNIQUE INDEX i ON public.t USING btree (x) INCLUDE (y, "Z") NULLS NOT DISTINCT '
            "WITH (fillfactor='50') WHERE (x > 5)",
            IndexDefinition("i", "UNIQUE", (X,), "btree", ("y", "Z"), "(x > 5)", {"fillfactor": "50"}, True),
        ),
        (
            "CREATE INDEX CONCURRENTLY i ON ONLY s.t USING gin (((a -> 'b'::text)) jsonb_path_ops)",
            IndexDefinition(
                "i",
                "",
                (IndexPart("((a -> 'b'::text))", is_column=False, operator_class="jsonb_path_ops"),),
                "gin",
            ),
        ),
        (
            'CREATE INDEX i ON t USING btree (x COLLATE pg_catalog."C" text_pattern_ops DESC NULLS LAST)',
            IndexDefinition("i", "", (IndexPart("x", True, "C", "text_pattern_ops", True, False),), "btree"),
        ),
        (
            "  UNIQUE KEY `i` (`x`,`y z`(9) DESC) USING HASH",
            IndexDefinition("i", "UNIQUE", (X, IndexPart("y z", True, descending=True, length=9)), "hash"),
        ),
        ("  FULLTEXT KEY `i` (`x`),", IndexDefinition("i", "FULLTEXT", (X,))),
    ],
)
def test_definition_is_read(statement: str, expected: IndexDefinition) -> None:
    assert read_definition(statement) == expected


@pytest.mark.parametrize("statement", ["", "CREATE INDEX i ON t", "CREATE TABLE t (x INTEGER)", "PRIMARY KEY (`x`)"])
def test_other_statements_are_none(statement: str) -> None:
    assert read_definition(statement) is None


def test_nulls_come_first_in_a_descending_order_only() -> None:
    assert not X.nulls_come_first
    assert IndexPart("x", True, descending=True).nulls_come_first
    assert not IndexPart("x", True, descending=True, nulls_first=False).nulls_come_first
