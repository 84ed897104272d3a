"""`python -m oppmigrate`: the same as the `oppman` command."""

import sys

from oppmigrate.cli import main

if __name__ == "__main__":
    sys.exit(main())
