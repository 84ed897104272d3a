"""Several commands in one process, each followed by its exit code: a process for each would take a second each.

python several_commands.py PROGRAM '[["current"], ["check", "-x", "tenant=acme"]]'
"""

import json
import sys
from pathlib import Path


def oppman(arguments: list[str]) -> int:
    from oppmigrate.cli import main

    return main(arguments)


def alembic(arguments: list[str]) -> None:
    from alembic.config import main

    main(arguments)


def flask_db(arguments: list[str]) -> None:
    from flask.cli import cli

    cli.main(["db", *arguments], standalone_mode=False)


def alembic_without_ini(arguments: list[str]) -> None:
    """As a program runs Alembic that has its configuration in its own code."""
    from alembic.config import CommandLine, Config

    line = CommandLine()
    options = line.parser.parse_args(arguments)
    config = Config(cmd_opts=options)
    config.set_main_option("script_location", "migrations")
    line.run_cmd(config, options)


PROGRAMS = {program.__name__: program for program in (oppman, alembic, flask_db, alembic_without_ini)}

if __name__ == "__main__":
    sys.path[0] = str(Path.cwd())  # as with `python -m`
    for command in json.loads(sys.argv[2]):
        try:
            code = PROGRAMS[sys.argv[1]](command)
        except SystemExit as error:
            code = error.code
        print(f"\f{code or 0}", flush=True)
