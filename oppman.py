"""The application's command line: `python oppman.py migrate …`, `backup`, `superuser`, `runserver`."""

import sys

from oppmigrate.cli import main

if __name__ == "__main__":
    sys.exit(main(project=__file__))
