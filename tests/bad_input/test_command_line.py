"""Wrong usage, and streams that are closed."""

import os
import subprocess
import sys

import pytest

from bad_projects import COMMANDS, Shop
from projects import clean_environment


@pytest.mark.parametrize(
    ("command", "says"),
    [
        ("migrate upgrade --nope", "--nope"),
        ("--nope", "--nope"),
        ("migrate upgrade a b", "b"),
        ("migrate downgrade", "REVISION"),
        ("migrate stamp", "REVISION"),
        ("migrate history -r", "-r"),
        ("migrate history -r nothing", "START:END"),
        ("migrate create", "needs a message"),
        ("migrate create x y", "y"),
        ("migrate create x --rename name", "is not OLD:NEW"),
        ("migrate upgrade --backup --no-backup", "--no-backup"),
        ("migrate upgrade --lock-timeout", "--lock-timeout"),
        ("migrate upgrade --lock-timeout soon", "--lock-timeout"),
        ("migrate upgrade --lock-timeout -1", "--lock-timeout"),
        ("migrate upgrade --lock-timeout nan", "nan is not a number of seconds"),
        ("migrate upgrad", "did you mean `oppman migrate upgrade`?"),
        ("upgrade", "did you mean `oppman migrate upgrade`?"),
        ("migrate nope", "oppman migrate help"),
        ("migrate upgrade --database-url", "--database-url"),
    ],
)
def test_wrong_usage(small_shop: Shop, command: str, says: str) -> None:
    small_shop.refuse(command, "wrong-usage", says, exit_code=2)


@pytest.mark.parametrize("command", COMMANDS)
def test_unknown_option_of_every_command(small_shop: Shop, command: str) -> None:
    small_shop.refuse(f"{command} --nope", "wrong-usage", "--nope", exit_code=2)


def closed(shop: Shop, redirection: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A command with a stream closed, as a service or a shell has it."""
    line = f'exec "$@" {redirection}'
    command = ["sh", "-c", line, "sh", sys.executable, "-m", "oppmigrate", *arguments]
    return subprocess.run(
        command, cwd=shop.path, env={**clean_environment(), **shop.env}, capture_output=True, text=True, check=False
    )


def test_stdin_that_is_closed(small_shop: Shop) -> None:
    small_shop.upgraded()
    assert closed(small_shop, "<&-", "migrate", "upgrade").returncode == 0
    done = closed(small_shop, "<&-", "delete")
    assert done.returncode == 1 and "add --yes" in done.stderr


@pytest.mark.parametrize("redirection", [">&-", "2>&-", ">&- 2>&-"])
def test_output_that_is_closed(small_shop: Shop, redirection: str) -> None:
    done = closed(small_shop, redirection, "migrate", "upgrade")
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    assert small_shop.recorded()


def test_reader_that_leaves_early(small_shop: Shop) -> None:
    small_shop.upgraded()
    read, write = os.pipe()
    os.close(read)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "oppmigrate", "migrate", "history"],
            cwd=small_shop.path,
            env={**clean_environment(), **small_shop.env},
            stdout=write,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    finally:
        os.close(write)
    assert (done.returncode, done.stderr) == (1, "")


def test_module_of_the_project_that_hides_a_library(small_shop: Shop) -> None:
    """Not foreseen one by one: an error of three parts all the same."""
    small_shop.upgraded().write("sqlmodel.py", "raise RuntimeError('not the library')\n")
    small_shop.refuse("migrate check", "unexpected-error", "sqlmodel.py:1", "--verbose", own_process=True)
