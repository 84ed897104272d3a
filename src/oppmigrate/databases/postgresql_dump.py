"""Backups of PostgreSQL by its own programs: pg_dump's custom format, put back in one transaction."""

import re
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

from sqlalchemy import URL

from oppmigrate.databases import postgresql_errors
from oppmigrate.databases.placing import new_file, unreadable
from oppmigrate.databases.programs import ProgramFailed, find_program, run_program, started, version_of
from oppmigrate.errors import BackupError, BackupUnreadable, DatabaseLocked, MigrateError, ProgramMissing

PACKAGE = "PostgreSQL's client programs: apt install postgresql-client (Debian, Ubuntu), brew install libpq (macOS)"
MAGIC = b"PGDMP"
LOCK_WAIT_S = 10  # for a table that somebody is altering
# a driver's argument -> the environment variable by which libpq's programs take it
VARIABLES = {
    "host": "PGHOST",
    "hostaddr": "PGHOSTADDR",
    "port": "PGPORT",
    "user": "PGUSER",
    "password": "PGPASSWORD",
    "database": "PGDATABASE",
    "dbname": "PGDATABASE",
    "service": "PGSERVICE",
    "passfile": "PGPASSFILE",
    "options": "PGOPTIONS",
    "sslmode": "PGSSLMODE",
    "ssl": "PGSSLMODE",  # asyncpg's
    "sslrootcert": "PGSSLROOTCERT",
    "sslcert": "PGSSLCERT",
    "sslkey": "PGSSLKEY",
    "gssencmode": "PGGSSENCMODE",
    "channel_binding": "PGCHANNELBINDING",
    "target_session_attrs": "PGTARGETSESSIONATTRS",
}


def connection_settings(options: Mapping[str, object]) -> dict[str, str]:
    """A driver's arguments as libpq's environment variables, the password among them."""
    settings = {"PGCONNECT_TIMEOUT": "5"}
    for name, variable in VARIABLES.items():
        value = options.get(name)
        if isinstance(value, (list, tuple)):  # asyncpg's several hosts
            value = ",".join(str(part) for part in value)
        if isinstance(value, (str, int)) and not isinstance(value, bool) and value != "":
            settings[variable] = str(value)
    return settings


def backup(url: URL, settings: Mapping[str, str], target: Path, server_version: int) -> None:
    """Dump the whole database, and read the dump to its end.

    Args:
        server_version: the server's major version; pg_dump refuses servers newer than itself.
    """
    program = find_dump(server_version)
    with new_file(target) as part:
        arguments = ["--format=custom", "--no-password", f"--lock-wait-timeout={LOCK_WAIT_S * 1000}", f"--file={part}"]
        try:
            run_program([program, *arguments], settings=settings, secrets=_secrets(settings))
        except ProgramFailed as error:
            raise _explain(url, error, f"pg_dump could not back up `{url.database}`") from error
        verify(part, shown=target)


def find_dump(server_version: int) -> Path:
    """A pg_dump that is not older than the server: the one on the PATH, else one of those that Debian keeps.

    Raises:
        ProgramMissing: there is none, or all are older than the server.
    """
    program = find_program(["pg_dump"], PACKAGE, _debian_folders())
    line, version = version_of(program)
    if version >= server_version:
        return program
    for folder in _debian_folders():
        if int(folder.parent.name) >= server_version and (folder / "pg_dump").is_file():
            return folder / "pg_dump"
    raise ProgramMissing(
        f"pg_dump is too old for this server: it is {version}, the server is PostgreSQL {server_version}",
        why=f"pg_dump refuses servers newer than itself ({program}: {line})",
        do=f"install PostgreSQL {server_version}'s client programs: apt install postgresql-client-{server_version} "
        f"(from apt.postgresql.org), brew install postgresql@{server_version}",
        program="pg_dump",
    )


def verify(path: Path, shown: Path | None = None) -> None:
    """Read the dump to its end; its list of contents stands at its beginning and proves nothing.

    Raises:
        BackupUnreadable: it is no dump, or not a whole one.
    """
    shown = shown or path
    try:
        with path.open("rb") as file:
            is_dump = file.read(len(MAGIC)) == MAGIC
    except OSError as error:
        raise _unreadable(shown, error.strerror or str(error)) from error
    if not is_dump:
        raise _unreadable(shown, "it does not begin as a dump in pg_dump's custom format does")
    try:
        run_program([_pg_restore(), "--file=-", path])
    except ProgramFailed as error:
        if "unsupported version" in error.text:
            raise ProgramMissing(
                f"pg_restore is too old to read {shown}",
                why=error.text,
                do=f"install {PACKAGE}, at least the version that made the backup",
                program="pg_restore",
            ) from error
        raise _unreadable(shown, error.text) from error


def restore(url: URL, settings: Mapping[str, str], path: Path, drops: Sequence[str], lock_timeout_s: float) -> None:
    """Run the drops and then the dump in one transaction: either both hold, or the old data does.

    psql gets the COMMIT only after pg_restore has written the whole of the dump to it.
    """
    psql = find_program(["psql"], PACKAGE, _debian_folders())
    head = [
        "BEGIN",
        f"SET LOCAL lock_timeout = {int(lock_timeout_s * 1000)}",
        "SET LOCAL client_min_messages = warning",
    ]
    failure: ProgramFailed | None = None
    arguments = ["--no-psqlrc", "--quiet", "--no-password", "--set=ON_ERROR_STOP=1", "--file=-"]
    with tempfile.NamedTemporaryFile("w", suffix=".list", encoding="utf-8") as contents:
        contents.write(_contents(path))
        contents.flush()
        try:
            with started(
                [psql, *arguments], settings=settings, stdin=subprocess.PIPE, secrets=_secrets(settings)
            ) as process:
                assert process.stdin is not None
                try:
                    _send(process.stdin, [*head, *drops])
                    run_program([_pg_restore(), f"--use-list={contents.name}", "--file=-", path], stdout=process.stdin)
                    # behind a proxy, somebody else gets the session next, and the dump's settings with it
                    _send(process.stdin, ["RESET ALL", "COMMIT"])
                except BrokenPipeError:
                    pass  # psql has ended; leaving the block raises what it said
                except ProgramFailed as error:
                    failure = error  # perhaps only because psql has ended
            if failure is not None:
                raise failure
        except ProgramFailed as error:
            unchanged = f"`{url.database}` was not restored; it holds what it held before"
            raise _explain(url, error, unchanged) from error


def _send(pipe: IO[bytes], statements: Sequence[str]) -> None:
    pipe.write("".join(f"{statement};\n" for statement in statements).encode())
    pipe.flush()


def _contents(path: Path) -> str:
    """The dump's list of contents without the comments on extensions, which only an extension's owner may write."""
    with tempfile.TemporaryFile() as output:
        run_program([_pg_restore(), "--list", path], stdout=output)
        output.seek(0)
        lines = output.read().decode(errors="surrogateescape").splitlines(keepends=True)
    return "".join(line for line in lines if not re.match(r"\d+; \d+ \d+ COMMENT - EXTENSION ", line))


def _pg_restore() -> Path:
    return find_program(["pg_restore"], PACKAGE, _debian_folders())


def _debian_folders() -> list[Path]:
    """Where Debian keeps the programs of each version, newest first."""
    folders = [folder for folder in Path("/usr/lib/postgresql").glob("*/bin") if folder.parent.name.isdigit()]
    return sorted(folders, key=lambda folder: int(folder.parent.name), reverse=True)


def _explain(url: URL, error: ProgramFailed, what: str) -> MigrateError:
    """What a program said, as the error that fits."""
    if "server version mismatch" in error.text:
        return ProgramMissing(what, why=error.text, do=f"install {PACKAGE}, of the server's version", program="pg_dump")
    if re.search(r"lock timeout|canceling statement due to lock|could not obtain lock", error.text, re.IGNORECASE):
        return DatabaseLocked(what, why=error.text, do="another session uses its tables: wait for it, and run it again")
    connecting = re.search(r"connection to server (at|on) .* failed|could not connect", error.text)
    explained = postgresql_errors.explain_words(url, error.text) if connecting else None
    if explained is not None:
        return explained
    full = "No space left" in error.text
    return BackupError(what, why=error.text, do="make room on the disk" if full else None, program=error.program.name)


def _secrets(settings: Mapping[str, str]) -> tuple[str, ...]:
    """The password, unless it is a word that messages hold anyway."""
    password = settings.get("PGPASSWORD", "")
    return () if password in (settings.get("PGUSER"), settings.get("PGDATABASE")) else (password,)


def _unreadable(path: Path, why: str) -> BackupUnreadable:
    return unreadable(path, "dump of a PostgreSQL database", why)
