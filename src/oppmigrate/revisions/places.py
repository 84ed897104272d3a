"""How messages of this package name a file, and the command that shows whether the files are in order again."""

import os
from pathlib import Path

LOOK_AGAIN = "python oppman.py migrate history"


def shown(path: Path) -> str:
    """`path` for a person: from the working directory where it lies under it, else whole."""
    relative = os.path.relpath(path)
    return str(path) if relative.startswith("..") else relative
