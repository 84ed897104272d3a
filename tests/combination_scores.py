"""How often two to five changes at once are right, ours and stock Alembic's, by seed: into docs/autogenerate.json.

python tests/combination_scores.py 300            seeds 0 to 299 on every server; prints the scores
python tests/combination_scores.py 300 --write    writes them as well

PostgreSQL and MariaDB are those that OPPMAN_TEST_POSTGRESQL_URL and OPPMAN_TEST_MYSQL_URL name. What is not "found" is
told with its seed and what was done.
"""

import json
import shutil
import sys
import tempfile
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import servers
import stock_alembic
from changes.change import NAMES, Change
from changes.changed import Changed, initialised_in, outcome
from changes.combining import as_change, combination_of

TOOLS = ("oppman", "alembic")


def score(server: str, seed: int, initialised: Path) -> tuple[dict[str, str], str]:
    """The outcome of a combination by each tool, and what it is, in words; no outcome where its changes cancel out."""
    combination = combination_of(seed)
    change = as_change(combination, f"seed {seed}")
    with servers.new_database(server) as first, servers.new_database(server) as second:
        wanted = stock_alembic.schema_of_models(change, change.after, first)
        if wanted == stock_alembic.schema_of_models(change, change.before, second):
            return {}, ""
    return {
        "oppman": _ours(change, server, wanted, initialised),
        "alembic": _stock(change, server),
    }, "; ".join(combination.told)


def _ours(change: Change, server: str, wanted: set[str], initialised: Path) -> str:
    with tempfile.TemporaryDirectory() as folder, servers.new_database(server) as url:
        project = Path(folder) / "project"
        shutil.copytree(initialised, project)
        return outcome(Changed(project, url, server, change), wanted)


def _stock(change: Change, server: str) -> str:
    with servers.new_database(server) as url, servers.new_database(server) as other:
        return stock_alembic.outcome(change, url, other)


def measure(seeds: int) -> dict[str, dict[str, dict[str, int]]]:
    """By server and tool, how often each outcome was seen."""
    scores: dict[str, dict[str, Counter[str]]] = {}
    # each of the others with a fork server of its own
    with tempfile.TemporaryDirectory() as folder, ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:
        initialised = initialised_in(Path(folder) / "initialised")
        for server in NAMES:
            counts = scores[server] = {tool: Counter() for tool in TOOLS}
            arguments = [server] * seeds, range(seeds), [initialised] * seeds
            for seed, (outcomes, told) in enumerate(pool.map(score, *arguments)):
                for tool, word in outcomes.items():
                    counts[tool][word] += 1
                if outcomes.get("oppman", "found") != "found":
                    print(f"{server} {seed}: {outcomes['oppman']}: {told}", file=sys.stderr, flush=True)
    return {server: {tool: dict(count) for tool, count in counts.items()} for server, counts in scores.items()}


def main() -> None:
    """Measure, print, and write where that was asked for."""
    seeds = int(sys.argv[1])
    found = {"seeds": seeds, "scores": measure(seeds)}
    print(json.dumps(found, indent=2))
    if "--write" in sys.argv:
        path = stock_alembic.RESULTS
        results = json.loads(path.read_text(encoding="utf-8"))
        path.write_text(json.dumps({**results, "combinations": found}, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
