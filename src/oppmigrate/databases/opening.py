"""From a URL to the class that serves it: the modules of this folder are the list of servers."""

import importlib
import pkgutil
from collections.abc import Iterator
from importlib.util import find_spec
from typing import TypeGuard

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError

import oppmigrate.databases
from oppmigrate.databases.base import Database, driver_missing
from oppmigrate.errors import ConfigurationError, DriverMissing, UnsupportedDatabase

# the modules of a driver, where they are not called as the driver is
DRIVER_MODULES = {
    "pysqlite": ("sqlite3",),
    "psycopg_async": ("psycopg",),
    "aiomysql": ("aiomysql", "pymysql"),
    "mysqldb": ("MySQLdb",),
    "mysqlconnector": ("mysql.connector",),
    "mariadbconnector": ("mariadb",),
}
RENAMED = {"postgres": "postgresql", "sqlite3": "sqlite", "postgresql+psycopg3": "postgresql+psycopg"}


def open_database(url: str) -> Database:
    """The database of a URL; connects to nothing.

    Raises:
        ConfigurationError: it is no URL, or an incomplete one.
        UnsupportedDatabase: no module here serves that kind of database, or SQLAlchemy has no such driver.
        DriverMissing: the driver is not installed.
    """
    parsed = parse_url(url)
    server = find_server(parsed)
    return server(choose_driver(parsed, server))


def database_of_kind(dialect: str) -> Database:
    """A database of that kind which nobody connects to: for writing SQL, with no driver installed.

    Raises:
        UnsupportedDatabase: no module here serves the kind.
    """
    url = URL.create(dialect, database="script")
    try:
        return find_server(url)(url)
    except UnsupportedDatabase as error:
        error.do = "name one of these"
        raise


def parse_url(text: str) -> URL:
    """Parse a URL; neither it nor the parser's words are shown, either may hold the password."""
    if not text.strip():
        raise ConfigurationError("the database URL is empty", do="set DATABASE_URL, or give --database-url URL")
    try:
        url = make_url(text.strip())
    except (ArgumentError, ValueError):
        scheme = text.partition("://")[0] if "://" in text else "no scheme"
        raise ConfigurationError(
            f"the database URL cannot be read ({scheme[:30]})",
            why="it has not the form scheme://user:password@host:port/database",
            do="write it so; in a password, @ is %40, : is %3A, / is %2F, # is %23 and % is %25",
        ) from None
    if url.drivername in RENAMED:
        raise ConfigurationError(
            f"the database URL begins with `{url.drivername}://`, which SQLAlchemy does not know",
            do=f"write {RENAMED[url.drivername]}:// instead",
        )
    return url


def find_server(url: URL) -> type[Database]:
    """The class that serves the URL's backend."""
    backend = url.get_backend_name()
    known: list[str] = []
    for server in servers(first=backend):
        if backend in server.backends:
            return server
        known += sorted(server.backends)
    raise UnsupportedDatabase(
        f"`{backend}` is not a kind of database that oppmigrate serves",
        why=f"it serves {', '.join(sorted(known))}",
        do="let the database URL begin with one of these",
        backend=backend,
    )


def servers(first: str = "") -> Iterator[type[Database]]:
    """Every `Database` that a module of this folder defines with `backends`; the module `first` is looked at first."""
    names = [module.name for module in pkgutil.iter_modules(oppmigrate.databases.__path__)]
    for name in sorted(names, key=lambda name: (name != first, name)):
        module = importlib.import_module(f"{oppmigrate.databases.__name__}.{name}")
        own = (member for member in vars(module).values() if getattr(member, "__module__", "") == module.__name__)
        yield from (member for member in own if _is_server(member))


def _is_server(member: object) -> TypeGuard[type[Database]]:
    """A subclass that says by itself what it serves; one that inherits it is a variant for inner use."""
    return isinstance(member, type) and issubclass(member, Database) and bool(vars(member).get("backends"))


def choose_driver(url: URL, server: type[Database]) -> URL:
    """The URL with a driver that is installed: its own, or for a URL that names none the first there is."""
    try:
        default = url.get_driver_name()
    except NoSuchModuleError:
        raise _unknown_driver(url, server) from None
    except ImportError as error:  # a dialect that somebody else's package provides
        raise driver_missing(url, server.install, why=str(error)) from error
    if "+" in url.drivername:
        _check_driver(url, server)
        return url
    for driver in dict.fromkeys((default, *server.drivers)):
        chosen = url.set(drivername=f"{url.get_backend_name()}+{driver}") if driver != default else url
        try:
            _check_driver(chosen, server)
        except DriverMissing:
            continue
        return chosen
    raise driver_missing(url, server.install)


def _check_driver(url: URL, server: type[Database]) -> None:
    """Look whether the driver's modules are there, without the time it takes to import them."""
    try:
        dialect = url.get_dialect()
    except NoSuchModuleError:
        raise _unknown_driver(url, server) from None
    driver = url.get_driver_name()
    for module in DRIVER_MODULES.get(driver, (driver,)):
        if not is_installed(module):
            raise driver_missing(url, server.install)
    if getattr(dialect, "is_async", False) and not is_installed("greenlet"):
        raise DriverMissing(
            "greenlet is not installed",
            why=f"SQLAlchemy needs it for the async driver `{driver}`",
            do="pip install greenlet",
            driver=driver,
        )


def _unknown_driver(url: URL, server: type[Database]) -> UnsupportedDatabase:
    backend, _, driver = url.drivername.partition("+")
    return UnsupportedDatabase(
        f"SQLAlchemy knows no driver `{driver or 'of its own'}` for {backend}",
        do=f"write one of: {', '.join(f'{backend}+{known}' for known in server.drivers)}",
    )


def is_installed(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except (ImportError, ValueError):  # a parent package is missing; a module that a test replaced by None
        return False
