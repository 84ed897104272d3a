"""`oppman`, with where the trial of a new revision may begin given: `python tried_from.py base|heads ARGUMENTS`.

`base`: every other revision is run first. `heads`: that is a failure.
"""

import sys

from oppmigrate import proof
from oppmigrate.cli import main


def _refuse(*_: object) -> None:
    sys.exit("the revisions were run from base")


def _know_nothing(*_: object) -> None:
    return None


if __name__ == "__main__":
    where = sys.argv.pop(1)
    if where == "base":
        proof.beginning_at_heads = _know_nothing  # type: ignore[assignment]
    else:
        proof._prove_from_base = _refuse  # type: ignore[assignment]
    sys.exit(main())
