"""Create a superuser, or make one of a user who is there; superusers can use the admin.

Example: python oppman.py superuser --email ada@example.com
The password is asked for; without a terminal it is read from OPPMAN_SUPERUSER_PASSWORD or from stdin.
"""

import argparse
import asyncio
import getpass
import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from models import User
    from oppmigrate.cli.terminal import Terminal
    from oppmigrate.config import Settings

PASSWORD_VARIABLE = "OPPMAN_SUPERUSER_PASSWORD"
ATTEMPTS = 3


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's flags; a password is not among them, for other users of the machine see those."""
    parser.add_argument("--email", help="who; asked for on a terminal when it is left out")
    parser.add_argument("--yes", action="store_true", help="change a user who is there without asking")


def run(arguments: argparse.Namespace, settings: "Settings") -> int:
    """Create or promote; nothing is asked before it is certain that the database can take the answer."""
    from scripts.runserver import check_database, check_packages

    terminal = arguments.terminal
    check_packages()
    asyncio.run(check_database(settings.database_url))
    email = read_email(terminal, arguments.email)
    user = asyncio.run(find(settings.database_url, email))
    if user is not None and not arguments.yes:
        confirm(terminal, user)
    asyncio.run(save(settings.database_url, email, read_password(terminal)))
    terminal.result({"email": email, "created": user is None})
    terminal.story(f"created   superuser {email}" if user is None else f"changed   {email} is an active superuser")
    terminal.story("next      python oppman.py runserver")
    return 0


def read_email(terminal: "Terminal", given: str | None) -> str:
    """The email from the command line, or from the person at the terminal."""
    from application.authentication import is_email, tidy_email
    from application.errors import EmailRefused

    text = given if given is not None else terminal.ask("Email", missing="whose email? Give --email ada@example.com")
    email = tidy_email(text)
    if not is_email(email):
        raise EmailRefused(f"{text!r} is no email address", do="write it as ada@example.com")
    return email


def confirm(terminal: "Terminal", user: "User") -> None:
    """Go on only when the person says yes to changing a user who is there."""
    from oppmigrate.errors import Refused

    rights = "a superuser" if user.is_superuser else "no superuser"
    state = f"{user.email} is there already ({'active' if user.is_active else 'not active'}, {rights})"
    if not terminal.can_ask:
        raise Refused(
            state,
            why="it would become an active superuser with another password, and there is no terminal to ask on",
            do=f"python oppman.py superuser --email {user.email} --yes",
        )
    terminal.confirm(f"{state}. Make it an active superuser with another password?")


def read_password(terminal: "Terminal") -> str:
    """The password from the environment, else from the person at the terminal, else the first line of stdin."""
    from application.errors import PasswordRefused
    from application.passwords import check_password

    password = os.environ.get(PASSWORD_VARIABLE)
    if password is None and terminal.can_ask:
        return ask_password(terminal)
    if password is None and not sys.stdin.isatty():
        password = sys.stdin.readline().rstrip("\r\n")
    if not password:
        raise PasswordRefused(
            "there is no password",
            why=f"{PASSWORD_VARIABLE} is not set, and nothing came in on stdin",
            do="run the command on a terminal, which asks, or set the variable",
        )
    check_password(password)
    return password


def ask_password(terminal: "Terminal") -> str:
    """Ask twice, without showing what is typed, until both are the same and long enough."""
    from application.errors import PasswordRefused
    from application.passwords import MINIMUM_LENGTH, check_password

    for _ in range(ATTEMPTS):
        password = ask_hidden(f"Password (at least {MINIMUM_LENGTH} characters): ")
        try:
            check_password(password)
        except PasswordRefused as error:
            terminal.warn(f"{error.what}; {error.why}")
            continue
        if password == ask_hidden("Password again: "):
            return password
        terminal.warn("the two passwords differ")
    raise PasswordRefused("no password was taken", why=f"{ATTEMPTS} attempts gave none", do="run the command again")


def ask_hidden(question: str) -> str:
    """One answer from the terminal that is not shown."""
    from oppmigrate.errors import Refused

    try:
        return getpass.getpass(question)
    except EOFError as error:
        raise Refused("nothing was changed", why="the input ended before the answer") from error


async def find(database_url: str, email: str) -> "User | None":
    """The user who has this email already."""
    from sqlalchemy.ext.asyncio import AsyncSession

    from application.authentication import find_user
    from application.engine import create_engine

    engine = create_engine(database_url)
    try:
        async with AsyncSession(engine, expire_on_commit=False) as session:
            return await find_user(session, email)
    finally:
        await engine.dispose()


async def save(database_url: str, email: str, password: str) -> None:
    """Write the user and the audit log's row."""
    from application.audit import Actor, audited_sessions, set_actor
    from application.authentication import find_user
    from application.engine import create_engine
    from application.passwords import hash_password
    from models import User

    set_actor(Actor(None, "oppman superuser"))
    engine = create_engine(database_url)
    try:
        async with audited_sessions(engine).begin() as session:
            hashed_password = await hash_password(password)
            user = await find_user(session, email) or User(email=email, hashed_password=hashed_password)
            user.hashed_password = hashed_password
            user.is_active = user.is_superuser = user.is_staff = True
            session.add(user)
    finally:
        await engine.dispose()
