"""Sequences that models declare, for columns, for defaults, or for themselves."""

from changes.change import KEPT, POSTGRESQL, SERVERS_ONLY, Change, Rows, table

SEQUENCE = "numbers = Sequence('numbers'{}, metadata=metadata)\n"
COUNTED = "Column('number', BigInteger, server_default=numbers.next_value())"
# where it stands, beside what the rows hold
NUMBERED: dict[str, Rows] = {**KEPT, "SELECT number FROM t ORDER BY id": [(101,), (102,)]}

CHANGES = (
    Change(
        "sequence added",
        table(),
        SEQUENCE.format(", start=1000, increment=5") + table(),
        "create sequence numbers",
        servers=SERVERS_ONLY,
        weighty=True,
    ),
    Change(
        "sequence dropped",
        SEQUENCE.format(", start=1000, increment=5") + table(),
        table(),
        "drop sequence numbers",
        flags=("--drop", "numbers"),
        servers=SERVERS_ONLY,
    ),
    Change(
        "sequence made to count otherwise",
        SEQUENCE.format(", start=100") + table(),
        SEQUENCE.format(", start=100, increment=2, maxvalue=9000, cycle=True") + table(),
        "alter sequence numbers: INCREMENT BY 2, MAXVALUE 9000, CYCLE",
        servers=SERVERS_ONLY,
    ),
    Change(
        "sequence given another type",
        SEQUENCE.format(", data_type=Integer") + table(),
        SEQUENCE.format(", data_type=BigInteger") + table(),
        "alter sequence numbers: AS bigint",
        servers=POSTGRESQL,
    ),
    Change(
        "sequence renamed",
        SEQUENCE.format(", start=101") + table(),
        SEQUENCE.format(", start=101").replace("'numbers'", "'order_numbers'") + table(),
        "rename sequence numbers to order_numbers",
        flags=("--rename", "numbers:order_numbers"),
        servers=SERVERS_ONLY,
    ),
    Change(
        "sequence renamed that a default counts by",
        SEQUENCE.format(", start=101") + table(COUNTED),
        SEQUENCE.format(", start=101").replace("'numbers'", "'order_numbers'") + table(COUNTED),
        "rename sequence numbers to order_numbers",
        flags=("--rename", "numbers:order_numbers"),
        servers=POSTGRESQL,
        there=NUMBERED,
    ),
    Change(
        "sequence added, and a column whose default counts by it",
        table(),
        SEQUENCE.format(", start=101") + table(COUNTED),
        "add column t.number (BIGINT, default <next sequence value: numbers>)",
        servers=POSTGRESQL,
        there=NUMBERED,
    ),
    Change(
        "table added whose key counts by a sequence",
        table(),
        table() + "Table('u', metadata, Column('id', Integer, Sequence('u_numbers', start=7), primary_key=True))\n",
        "create sequence u_numbers",
        servers=SERVERS_ONLY,
    ),
)
