"""Everyday commands on PostgreSQL and MariaDB, where there is nothing to do."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import make_url

from bench.measuring import SERVER_RUNS, Extent, Table, Timed, run_in_turns
from bench.projects import database, pair
from bench.rows.nothing_to_do import COMMANDS
from oppmigrate.cli.sizes import counted
from servers import MYSQL_VARIABLE, POSTGRESQL_VARIABLE, with_driver

TITLE = "Nothing to do, PostgreSQL and MariaDB"
NOTE = (
    "The least is a script that imports the driver, connects, and reads one row of `alembic_version`. With 5000 files "
    "on MariaDB, two limits are met: the server takes 20 ms to put 5000 entries of the journal together, for "
    "`upgrade` to compare them with the files, and to ask for the times of 5000 files takes 27."
)
LEAST = "driver, one row"
OURS = ("oppman.py", "oppman")
TARGET = 1.5
READ = "SELECT version_num FROM alembic_version"
SCRIPTS = {
    "psycopg": "import psycopg\nc = psycopg.connect(host={host!r}, port={port}, user={user!r}, password={password!r}, "
    "dbname={database!r})\nprint(c.execute({read!r}).fetchone())\nc.close()",
    "asyncpg": "import asyncio, asyncpg\nasync def main():\n"
    "    c = await asyncpg.connect(host={host!r}, port={port}, user={user!r}, password={password!r}, "
    "database={database!r})\n    print(await c.fetchrow({read!r}))\n    await c.close()\nasyncio.run(main())",
    "pymysql": "import pymysql\nc = pymysql.connect(host={host!r}, port={port}, user={user!r}, "
    "password={password!r} or '', database={database!r})\nk = c.cursor()\nk.execute({read!r})\n"
    "print(k.fetchone())\nc.close()",
}
SERVERS = (
    ("postgresql", POSTGRESQL_VARIABLE, 5432, ("psycopg", "asyncpg")),
    ("mysql", MYSQL_VARIABLE, 3306, ("pymysql",)),
)


def measure(extent: Extent) -> Iterator[Table]:
    """A table for each driver, command and number of files; nothing of a server that the environment does not name."""
    runs = extent.runs
    for kind, variable, port, drivers in SERVERS:
        server = os.environ.get(variable)
        if not server:
            print(f"{variable} is not set: {kind} is left out", file=sys.stderr)
            continue
        for size in extent.sizes[-1:] if extent.is_quick else extent.sizes:
            with database(kind, server) as url, pair(size, url) as projects:
                for driver in drivers:
                    environment = {"DATABASE_URL": with_driver(url, f"{kind}+{driver}")}
                    for command in list(COMMANDS)[:1] if extent.is_quick else COMMANDS:
                        arguments = ["migrate", *command.split()]
                        scripts = Path(sys.executable).parent
                        timed = [
                            Timed(LEAST, [sys.executable, "-c", _script(driver, url, port)], projects.ours, runs=runs),
                            Timed(OURS[0], [sys.executable, "oppman.py", *arguments], projects.ours, environment, runs),
                            Timed(OURS[1], [str(scripts / "oppman"), *arguments], projects.ours, environment, runs),
                        ]
                        if driver != "asyncpg":  # stock Alembic's environment for it is another one
                            stock = [str(scripts / "alembic"), *COMMANDS[command]]
                            timed.append(
                                Timed("alembic", stock, projects.stock, runs=1 if extent.is_quick else SERVER_RUNS)
                            )
                        work = f"`{command}`, {counted(size, 'file')}, {driver}"
                        yield Table(work, run_in_turns(timed), LEAST, OURS, TARGET)


def _script(driver: str, url: str, port: int) -> str:
    parts = make_url(url)
    return SCRIPTS[driver].format(
        host=parts.host,
        port=parts.port or port,
        user=parts.username,
        password=parts.password,
        database=parts.database,
        read=READ,
    )
