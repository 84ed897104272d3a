"""A shop on each kind of server, for the faults."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from os import environ

import pytest

from fault_counts import FaultCounts
from faults.expectations import Expectations
from faults.places import PLACES
from faults.shop import Shop, start_python
from fork_server import ForkServer
from servers import new_database


@pytest.fixture(scope="session")
def python() -> Iterator[ForkServer]:
    """What forks for each run."""
    server = start_python()
    yield server
    server.close()


@pytest.fixture(scope="session")
def shops(
    request: pytest.FixtureRequest, python: ForkServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str], Expectations]]:
    """The shop of a place, made when first asked for."""
    made: dict[str, Expectations] = {}
    with ExitStack() as stack:

        def shop(name: str) -> Expectations:
            if name not in made:
                made[name] = stack.enter_context(opened_shop(request, name, python, tmp_path_factory))
            return made[name]

        yield shop


@contextmanager
def opened_shop(
    request: pytest.FixtureRequest, name: str, python: ForkServer, factory: pytest.TempPathFactory
) -> Iterator[Expectations]:
    """A shop, prepared; its expectations lie where every worker of pytest-xdist finds them."""
    folder = factory.mktemp(name)
    (folder / "database").mkdir()
    shared = factory.getbasetemp()
    shared = (shared.parent if "PYTEST_XDIST_WORKER" in environ else shared) / f"faults-{name}"
    shared.mkdir(exist_ok=True)
    kind = PLACES[name]
    database = (
        nullcontext(f"sqlite:///{folder}/database/shop.db")
        if kind.is_file
        else new_database(kind.server, request.getfixturevalue(f"{kind.server}_server"))
    )
    with database as url:
        place = kind(url, folder / "database", folder)
        shop = Shop(folder, place, python)
        shop.prepare()
        yield Expectations(shop, shared)
        place.close()


@pytest.fixture(scope="session")
def fault_counts(pytestconfig: pytest.Config) -> FaultCounts:
    """Where each fault that was survived is counted."""
    return pytestconfig.pluginmanager.getplugin("fault_counts")
