"""How often Python looks for garbage while a command builds what it keeps to its end."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

# objects made and not yet gone, after which the young ones are looked through: with Python's 700, the many tables of a
# large project are walked again and again while they are being built, a fifth of the time that their import takes
SELDOM = (200_000, 50, 100)


@contextmanager
def collecting_seldom() -> Iterator[None]:
    """Look seldom meanwhile, for what imports models and compares them."""
    before = gc.get_threshold()
    gc.set_threshold(*SELDOM)
    try:
        yield
    finally:
        gc.set_threshold(*before)
