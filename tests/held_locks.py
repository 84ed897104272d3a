"""Processes that hold the migration lock of a database until they are killed."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from oppmigrate.databases import Database

HOLD = """
import sys, time
from oppmigrate.databases import open_database

database = open_database(sys.argv[1])

def work(connection):
    database.prepare(connection)
    with database.lock(connection, "key", 20), connection.begin():
        for statement in sys.argv[2:]:
            print("ready", flush=True)
            connection.exec_driver_sql(statement)
        print("held", flush=True)
        time.sleep(60)

database.run(work)
"""


@contextmanager
def held(database: Database, *statements: str) -> Iterator[subprocess.Popen[str]]:
    """Another process that has run the statements under the lock, or is in the midst of the last one.

    It is killed afterwards, and no sooner gets to do anything about it.
    """
    url = database.url.render_as_string(hide_password=False)
    command = [sys.executable, "-c", HOLD, url, *statements]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            for _ in statements or ("",):
                assert process.stdout.readline()
            yield process
        finally:
            process.kill()
