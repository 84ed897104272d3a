"""PostgreSQL with real passwords, on a server of the test's own: others may let everybody in."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import URL

from oppmigrate.databases import open_database
from oppmigrate.databases.postgresql_dump import find_dump
from oppmigrate.errors import AccessDenied, ProgramMissing
from postgresql_rows import DRIVERS, PASSWORD
from postgresql_server import ServerUnavailable, find_programs, start_server


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """A server that asks the role `locked` for its password."""
    import tempfile

    try:
        find_programs()
    except ServerUnavailable as error:
        pytest.skip(str(error))
    with tempfile.TemporaryDirectory(prefix="oppman-pg-") as name:
        server, port = start_server(Path(name))
        try:
            hba = Path(name) / "data" / "pg_hba.conf"
            hba.write_text("host all locked 127.0.0.1/32 scram-sha-256\n" + hba.read_text())
            with psycopg.connect(
                f"host=127.0.0.1 port={port} user=postgres dbname=postgres", autocommit=True
            ) as connection:
                connection.execute(f"CREATE ROLE locked LOGIN PASSWORD '{PASSWORD}'")
                connection.execute("CREATE DATABASE app OWNER locked")
                connection.execute("SELECT pg_reload_conf()")
            yield port
        finally:
            server.send_signal(2)
            server.wait(timeout=30)


def url(port: int, driver: str, password: str | None) -> str:
    made = URL.create(driver, "locked", password, "127.0.0.1", port, "app")
    return made.render_as_string(hide_password=False)


@pytest.mark.parametrize("driver", DRIVERS)
def test_password_decides(port: int, driver: str) -> None:
    open_database(url(port, driver, PASSWORD)).probe()
    for wrong in ("wrongly", None):
        database = open_database(url(port, driver, wrong))
        with pytest.raises(AccessDenied, match="does not let `locked` into `app`") as caught:
            database.probe()
        assert "wrongly" not in f"{caught.value}{database!r}"
        assert caught.value.do


def test_programs_get_the_password_or_say_which_version_is_needed(port: int, tmp_path: Path) -> None:
    database = open_database(url(port, "postgresql+asyncpg", PASSWORD))
    version = int(
        database.run(lambda connection: connection.exec_driver_sql("SHOW server_version").scalar_one()).split(".")[0]
    )
    try:
        find_dump(version)
    except ProgramMissing:
        with pytest.raises(ProgramMissing, match=f"the server is PostgreSQL {version}"):
            database.backup(tmp_path / "b.dump")
    else:
        database.backup(tmp_path / "b.dump")
        database.restore(tmp_path / "b.dump")
