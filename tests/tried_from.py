"""`oppman`, with where a throw-away database may begin given: `python tried_from.py base|heads ARGUMENTS`.

`base`: every revision that is there is run first. `heads`: that is a failure.
"""

import sys

from oppmigrate import difference, proof
from oppmigrate.cli import main


def _refuse(*_: object) -> None:
    sys.exit("the revisions were run from base")


def _know_nothing(*_: object) -> None:
    return None


if __name__ == "__main__":
    where = sys.argv.pop(1)
    if where == "base":
        proof.beginning_at_heads = difference.beginning_at_heads = _know_nothing  # type: ignore[assignment]
    else:
        proof._prove_from_base = difference.noted_step = _refuse  # type: ignore[assignment]
    sys.exit(main())
