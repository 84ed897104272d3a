"""The application's command line: `python oppman.py migrate …`, `backup`, `superuser`, `runserver`."""

import sys
from pathlib import Path

from oppmigrate.cli import main

if __name__ == "__main__":
    sys.exit(main(project=Path(__file__).parent))
