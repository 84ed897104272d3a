"""Measure, side by side in one run: every module of `bench/rows/`, or those that are named.

    python -m bench              all of it, and docs/performance.md is written
    python -m bench --quick      the smaller sizes, in less than two minutes; nothing is written
    python -m bench nothing_to_do --sizes 1,1000

Servers are those that OPPMAN_TEST_POSTGRESQL_URL and OPPMAN_TEST_MYSQL_URL name.
"""

import argparse
import importlib
import pkgutil
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tests")]  # the servers that the tests use

from bench import rows  # noqa: E402  it is found by the path
from bench.growth import draw, measure_growth  # noqa: E402
from bench.measuring import Extent, Table  # noqa: E402
from bench.page import as_markdown, machine, write_page  # noqa: E402

SIZES = (1, 1000, 5000)
QUICK_SIZES = (1, 1000)


def main() -> int:
    """Measure, print, and write what was asked for. 1 where a target was not reached."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", nargs="*", help="modules of bench/rows/ (default: all)")
    parser.add_argument("--quick", action="store_true", help="smaller sizes; nothing is written")
    parser.add_argument("--sizes", type=lambda text: tuple(map(int, text.split(","))), help="numbers of revision files")
    arguments = parser.parse_args()
    sizes = arguments.sizes or (QUICK_SIZES if arguments.quick else SIZES)
    names = arguments.rows or [each.name for each in pkgutil.iter_modules(rows.__path__)]
    print(machine())
    sections = []
    for name in names:
        module = importlib.import_module(f"bench.rows.{name}")
        tables: list[Table] = []
        for table in module.measure(Extent(sizes, arguments.quick)):
            tables.append(table)
            print(as_markdown([table]).splitlines()[-1], flush=True)
        sections.append((module.TITLE, module.NOTE, tables))
    if not (arguments.quick or arguments.rows or arguments.sizes):
        write_page(sections, draw(measure_growth()))
    missed = [table.work for _title, _note, tables in sections for table in tables if not table.is_met]
    print("\n".join(f"not reached: {work}" for work in missed) or "every target is reached")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
