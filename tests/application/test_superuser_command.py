"""`oppman superuser`: on a terminal, by the environment, by stdin; and what it refuses."""

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pexpect
import pytest

from admin_application import EMAIL, PASSWORD, ROOT, execute, log_in, prepare, rows, serve
from models import AuditLog, User
from projects import clean_environment

COMMAND = [sys.executable, "-m", "oppmigrate", "superuser"]
BOB = "bob@example.com"


def superuser(
    url: str, *arguments: str, stdin: str = "", env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    environment = {**clean_environment(), "DATABASE_URL": url, **(env or {})}
    return subprocess.run(
        [*COMMAND, *arguments], input=stdin, capture_output=True, text=True, cwd=ROOT, env=environment, check=False
    )


def on_a_terminal(url: str, *arguments: str) -> "pexpect.spawn[str]":
    environment = {**clean_environment(), "DATABASE_URL": url, "TERM": "dumb"}
    return pexpect.spawn(
        COMMAND[0], [*COMMAND[1:], *arguments], cwd=str(ROOT), env=environment, encoding="utf-8", timeout=30
    )


def can_log_in(url: str, email: str, password: str) -> bool:
    with serve(url) as client:
        return log_in(client, email, password) == 302


def test_password_is_asked_for_twice_and_not_shown(sqlite_with_tables: str) -> None:
    terminal = on_a_terminal(sqlite_with_tables)
    terminal.expect("Email: ")
    terminal.sendline(" Bob@Example.com")
    answers = ["short", "long enough", "not the same", "long enough", "long enough"]
    questions = ["Password .*: ", "between 8 and.*Password .*: ", "again: ", "differ.*Password .*: ", "again: "]
    for question, answer in zip(questions, answers, strict=True):
        terminal.expect(question)
        terminal.sendline(answer)
    terminal.expect(pexpect.EOF)
    terminal.close()
    assert terminal.exitstatus == 0
    assert "long enough" not in terminal.before
    assert can_log_in(sqlite_with_tables, BOB, "long enough")


@pytest.mark.parametrize("answer", ["n", "", "\x04"])
def test_user_who_is_there_stays_as_is_without_a_yes(sqlite_with_tables: str, answer: str) -> None:
    terminal = on_a_terminal(sqlite_with_tables, "--email", EMAIL)
    terminal.expect(r"ada@example.com is there already \(active, a superuser\).*\[y/N\]")
    terminal.send(answer if answer == "\x04" else f"{answer}\n")
    terminal.expect(pexpect.EOF)
    terminal.close()
    assert terminal.exitstatus == 1
    assert can_log_in(sqlite_with_tables, EMAIL, PASSWORD)


def test_user_who_is_there_is_promoted_after_a_yes(sqlite_with_tables: str) -> None:
    execute(sqlite_with_tables, "UPDATE users SET is_active = 0, is_superuser = 0")
    terminal = on_a_terminal(sqlite_with_tables, "--email", EMAIL)
    terminal.expect(r"\(not active, no superuser\).*\[y/N\]")
    terminal.sendline("y")
    for question in ("Password .*: ", "again: "):
        terminal.expect(question)
        terminal.sendline("another one")
    terminal.expect(pexpect.EOF)
    terminal.close()
    assert terminal.exitstatus == 0
    assert can_log_in(sqlite_with_tables, EMAIL, "another one")


def test_ctrl_c_at_the_password_changes_nothing(sqlite_with_tables: str) -> None:
    terminal = on_a_terminal(sqlite_with_tables, "--email", BOB)
    terminal.expect("Password .*: ")
    terminal.sendintr()
    terminal.expect(pexpect.EOF)
    terminal.close()
    assert terminal.exitstatus == 130
    assert "Traceback" not in terminal.before
    assert len(rows(sqlite_with_tables, User)) == 1


def test_password_from_the_environment(database_with_tables: str) -> None:
    done = superuser(database_with_tables, "--email", BOB, env={"OPPMAN_SUPERUSER_PASSWORD": "long enough"})
    assert done.returncode == 0, done.stderr
    assert "long enough" not in done.stdout + done.stderr
    assert can_log_in(database_with_tables, BOB, "long enough")
    row = rows(database_with_tables, AuditLog)[-1]
    assert (row.actor, row.action, row.model, row.user_id) == ("oppman superuser", "created", "User", None)
    assert row.changes["password"] == "set"


def test_password_from_stdin_with_json(sqlite_with_tables: str) -> None:
    done = superuser(sqlite_with_tables, "--email", BOB, "--json", stdin="long enough\n")
    assert (done.returncode, json.loads(done.stdout)) == (0, {"email": BOB, "created": True})
    again = superuser(sqlite_with_tables, "--email", BOB, "--json", "--yes", stdin="another one\n")
    assert (again.returncode, json.loads(again.stdout)) == (0, {"email": BOB, "created": False})
    assert can_log_in(sqlite_with_tables, BOB, "another one")


@pytest.mark.parametrize(
    ("arguments", "stdin", "code", "complaint"),
    [
        ([], "long enough\n", 2, "--email"),
        (["--email", "no address"], "long enough\n", 1, "no email address"),
        (["--email", BOB], "", 1, "OPPMAN_SUPERUSER_PASSWORD"),
        (["--email", BOB], "short\n", 1, "between 8 and"),
        (["--email", EMAIL], "long enough\n", 1, "--yes"),
        (["--email", BOB, "--password", "long enough"], "", 2, "--password"),
    ],
)
def test_refusal_says_what_to_do_and_changes_nothing(
    sqlite_with_tables: str, arguments: list[str], stdin: str, code: int, complaint: str
) -> None:
    done = superuser(sqlite_with_tables, *arguments, stdin=stdin)
    assert done.returncode == code
    assert complaint in done.stderr
    assert "Traceback" not in done.stderr
    assert len(rows(sqlite_with_tables, User)) == 1
    assert can_log_in(sqlite_with_tables, EMAIL, PASSWORD)


@pytest.mark.parametrize("state", ["missing", "empty", "behind"])
def test_database_that_is_not_ready_is_refused_before_anything_is_asked(
    sqlite_url: str, tmp_path: Path, state: str
) -> None:
    if state == "empty":
        (tmp_path / "test.db").touch()
    if state == "behind":
        execute(prepare(sqlite_url), "ALTER TABLE users DROP COLUMN is_staff")
    done = superuser(sqlite_url, "--email", BOB, stdin="long enough\n")
    assert done.returncode == 1
    assert "do:    python oppman.py migrate upgrade" in done.stderr
    assert ("users.is_staff" in done.stderr) == (state == "behind")


def test_server_that_does_not_answer_is_named_without_its_password() -> None:
    url = "postgresql://somebody:s3cret@127.0.0.1:1/shop"
    done = superuser(url, "--email", BOB, stdin="long enough\n")
    assert done.returncode == 1
    assert "127.0.0.1" in done.stderr and "s3cret" not in done.stderr
    assert "Traceback" not in done.stderr
