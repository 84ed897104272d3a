"""Backups of MariaDB and MySQL by their own programs, as SQL with a checksum as its last line."""

import hashlib
import os
import re
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import URL

from oppmigrate.databases import mysql_errors
from oppmigrate.databases.placing import new_file, unreadable
from oppmigrate.databases.programs import ProgramFailed, find_program, run_program, version_of
from oppmigrate.errors import BackupError, BackupUnreadable, MigrateError

PACKAGE = {
    True: "MariaDB's client programs: apt install mariadb-client (Debian, Ubuntu), brew install mariadb (macOS)",
    False: "MySQL's client programs: apt install mysql-client (Ubuntu), brew install mysql-client (macOS)",
}
DUMP = ["--single-transaction", "--routines", "--triggers", "--events", "--hex-blob", "--no-tablespaces"]
DUMP_OF_MYSQL = ["--set-gtid-purged=OFF", "--column-statistics=0"]
CHARACTERS = "--default-character-set=utf8mb4"
CHECKSUM = b"-- sha256 of everything above: "
END = b"-- Dump completed"
TAIL_BYTES = 4096


def backup(url: URL, options: Mapping[str, Any], target: Path, *, is_mariadb: bool) -> None:
    """Dump the database in one transaction, without the statements that would make, or choose, a database."""
    program = find_dump(is_mariadb)
    more = [] if "MariaDB" in version_of(program)[0] else DUMP_OF_MYSQL
    with new_file(target) as part, settings_file(options) as settings:
        arguments: list[str | Path] = [
            program,
            f"--defaults-file={settings}",
            *DUMP,
            *more,
            CHARACTERS,
            str(url.database),
        ]
        try:
            with part.open("wb") as output:
                run_program(arguments, stdout=output, secrets=_secrets(options))
        except ProgramFailed as error:
            raise _explain(url, error, f"{program.name} could not back up `{url.database}`") from error
        with part.open("ab") as output:
            output.write(CHECKSUM + _checksum(part, part.stat().st_size).encode() + b"\n")
        verify(part, shown=target)


def verify(path: Path, shown: Path | None = None) -> None:
    """Look at the dump's first and last lines, and at its checksum when it has ours.

    Raises:
        BackupUnreadable: it is no dump, or not a whole one, or one that chooses by itself where it goes.
    """
    shown = shown or path
    try:
        size_bytes = path.stat().st_size
        with path.open("rb") as file:
            head = file.read(TAIL_BYTES)
            file.seek(max(0, size_bytes - TAIL_BYTES))
            tail = file.read()
    except OSError as error:
        raise _unreadable(shown, error.strerror or str(error)) from error
    if not re.search(rb"^-- (MariaDB|MySQL) dump ", head, re.MULTILINE):
        raise _unreadable(shown, "it does not begin as a dump of mariadb-dump or mysqldump does")
    if END not in tail:
        raise _unreadable(shown, "its last line is not there: it ends in the middle")
    before, mark, checksum = tail.rpartition(CHECKSUM)
    if mark and _checksum(path, size_bytes - len(mark) - len(checksum)) != checksum.decode(errors="replace").strip():
        raise _unreadable(shown, "its checksum is another one: it was changed after it was written")
    if not mark and (found := _chosen_database(path)):
        raise _unreadable(shown, f"it was made with --databases, and would go into {found} whatever is restored")


def _chosen_database(path: Path) -> str | None:
    """The database that somebody else's dump names; in a dump no value and no routine has a line that begins so."""
    with path.open("rb") as file:
        for line in file:
            if found := re.match(rb"USE (`[^\n]*`);|CREATE DATABASE\b[^`]*(`[^`\n]*`)", line):
                return (found.group(1) or found.group(2)).decode(errors="replace")
    return None


def load(url: URL, options: Mapping[str, Any], path: Path, *, is_mariadb: bool, failed: str, do: str) -> None:
    """Load the dump into an empty database; these servers cannot roll that back.

    Args:
        failed, do: what it means when the server refuses a statement, and what is to be done then.

    Raises:
        BackupError: the server refused a statement; what came before it is in the database.
    """
    program = find_client(is_mariadb)
    with settings_file(options) as settings, path.open("rb") as dump:
        try:
            arguments: list[str | Path] = [program, f"--defaults-file={settings}", CHARACTERS, str(url.database)]
            run_program(arguments, stdin=dump, secrets=_secrets(options))
        except ProgramFailed as error:
            raise BackupError(failed, why=error.text, do=do, path=str(path)) from error


def find_dump(is_mariadb: bool) -> Path:
    """The program that writes a dump."""
    return find_program(_names("mariadb-dump", "mysqldump", is_mariadb), PACKAGE[is_mariadb])


def find_client(is_mariadb: bool) -> Path:
    """The program that loads a dump; looked for before anything is dropped."""
    return find_program(_names("mariadb", "mysql", is_mariadb), PACKAGE[is_mariadb])


@contextmanager
def settings_file(options: Mapping[str, Any]) -> Iterator[Path]:
    """How to connect, as an option file that only we can read: there the password is in no list of processes.

    The only option file that is read: a password in the user's own ~/.my.cnf would win over the URL's.
    """
    keys = {"host": "host", "port": "port", "user": "user", "unix_socket": "socket"}
    values = {name: options.get(key) for key, name in keys.items()}
    values["password"] = options.get("password", options.get("passwd"))
    values["protocol"] = "socket" if options.get("unix_socket") else "tcp"  # `localhost` would mean the socket
    ssl = options.get("ssl")
    if isinstance(ssl, Mapping):
        values |= {f"ssl-{key}": ssl.get(key) for key in ("ca", "cert", "key")}
    lines = [f"{name}={_quoted(str(value))}" for name, value in values.items() if value not in (None, "")]
    with tempfile.TemporaryDirectory(prefix="oppman-") as folder:  # 0700
        path = Path(folder) / "client.cnf"
        descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write("[client]\n" + "\n".join(lines) + "\n")
        yield path


def _quoted(value: str) -> str:
    """Source: MySQL manual, "Using Option Files": what a backslash makes of the character after it."""
    for character, escape in (("\\", "\\\\"), ('"', '\\"'), ("\n", "\\n"), ("\r", "\\r"), ("\t", "\\t")):
        value = value.replace(character, escape)
    return f'"{value}"'


def _names(of_mariadb: str, of_mysql: str, is_mariadb: bool) -> list[str]:
    return [of_mariadb, of_mysql] if is_mariadb else [of_mysql, of_mariadb]


def _checksum(path: Path, size_bytes: int) -> str:
    """The SHA-256 of the first bytes of a file."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while size_bytes > 0 and (block := file.read(min(size_bytes, 1 << 20))):
            digest.update(block)
            size_bytes -= len(block)
    return digest.hexdigest()


def _secrets(options: Mapping[str, Any]) -> tuple[str, ...]:
    """The password, unless it is a word that messages hold anyway."""
    password = str(options.get("password", options.get("passwd")) or "")
    return () if password in (options.get("user"), options.get("db"), options.get("database")) else (password,)


def _explain(url: URL, error: ProgramFailed, what: str) -> MigrateError:
    """What a program said, as the error that fits."""
    found = re.search(r"(?:error: |ERROR )(\d{4})\b[^:]*:?\s*(.*)", error.text)
    explained = mysql_errors.explain_number(url, int(found.group(1)), found.group(2).strip(' "')) if found else None
    if explained is not None:
        return explained
    full = re.search(r"No space left|err(no|code):? 28\b", error.text, re.IGNORECASE)
    return BackupError(what, why=error.text, do="make room on the disk" if full else None, program=error.program.name)


def _unreadable(path: Path, why: str) -> BackupUnreadable:
    return unreadable(path, "dump of a MariaDB or MySQL database", why)
