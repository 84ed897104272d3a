"""A backup of a SQLite file while somebody writes to it."""

import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import gettempdir

from bench.measuring import SERVER_RUNS, Extent, Table, Timed, run_in_turns
from bench.projects import pair

TITLE = "A backup while the database is written to"
NOTE = (
    "A process commits a row every few milliseconds meanwhile. The raw ways are SQLite's backup API and `VACUUM INTO`, "
    "from a script of Python; a copy that nobody has looked at may be of a damaged file, so `oppman backup` reads it "
    "again with `PRAGMA quick_check`, and the least is the cheaper of the raw ways with the same look. What that look "
    "takes is what lies between the columns with it and those without."
)
COPY, COPY_CHECKED = "backup API", "backup API, checked"
VACUUM, VACUUM_CHECKED = "VACUUM INTO", "VACUUM INTO, checked"
OURS = "oppman.py"
TARGET = 1.3
MB = 1_000_000
SIZE_MB, QUICK_MB = 1000, 50
PLACES = 4  # how often the file fits on the disk: it, a copy, its WAL, and room for others
CONTENT = """
WITH RECURSIVE numbers (number) AS (SELECT 1 UNION ALL SELECT number + 1 FROM numbers WHERE number < {rows})
INSERT INTO people SELECT number, 'name ' || number, randomblob(900) FROM numbers
"""
ROW_BYTES = 950
WRITER = """
import sqlite3, time
c = sqlite3.connect("test.db", timeout=60)
print("begun", flush=True)
while True:
    with c:
        c.execute("INSERT INTO people (name, photo) VALUES ('new', randomblob(900))")
    time.sleep(0.005)
"""
RAW = {
    COPY: "d = sqlite3.connect('copy.db')\nc.backup(d)",
    VACUUM: "c.execute(\"VACUUM INTO 'copy.db'\")\nd = sqlite3.connect('copy.db')",
}
CHECK = "\nassert d.execute('PRAGMA quick_check').fetchall() == [('ok',)]"
CHECKED = {COPY_CHECKED: RAW[COPY] + CHECK, VACUUM_CHECKED: RAW[VACUUM] + CHECK}


def measure(extent: Extent) -> Iterator[Table]:
    """A table for each journal mode: with a WAL nobody waits for the other, without one they do."""
    free_mb = shutil.disk_usage(gettempdir()).free // MB
    size_mb = min(QUICK_MB if extent.is_quick else SIZE_MB, free_mb // PLACES)
    for mode in ("WAL",) if extent.is_quick else ("WAL", "DELETE"):
        with pair(1) as projects:
            _fill(projects.ours / "test.db", size_mb, mode)
            with _writing(projects.ours):
                medians = run_in_turns(list(_commands(projects.ours, 1 if extent.is_quick else SERVER_RUNS)))
        least = min(CHECKED, key=lambda name: medians[name])
        target = None if extent.is_quick else TARGET  # of a small file, importing takes most of the time
        yield Table(f"{size_mb:,} MB, journal mode {mode}", medians, least, (OURS,), target)


def _commands(folder: Path, runs: int) -> Iterator[Timed]:
    def before() -> None:
        (folder / "copy.db").unlink(missing_ok=True)

    for name, ending in {**RAW, **CHECKED}.items():
        script = f"import sqlite3\nc = sqlite3.connect('test.db', timeout=60)\n{ending}\nd.close()"
        yield Timed(name, [sys.executable, "-c", script], folder, runs=runs, before=before)
    command = [sys.executable, "oppman.py", "backup", "--output", "copy.db"]
    yield Timed(OURS, command, folder, runs=runs, before=before)


def _fill(file: Path, size_mb: int, mode: str) -> None:
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute(f"PRAGMA journal_mode = {mode}").fetchone()
        connection.execute("CREATE TABLE people (id INTEGER PRIMARY KEY, name VARCHAR(50), photo BLOB)")
        connection.execute(CONTENT.format(rows=size_mb * MB // ROW_BYTES))


@contextmanager
def _writing(folder: Path) -> Iterator[None]:
    command = [sys.executable, "-c", WRITER]
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        try:
            yield
        finally:
            process.kill()
