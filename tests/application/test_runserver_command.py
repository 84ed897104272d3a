"""`oppman runserver`: serves until Ctrl-C, and says beforehand what would keep it from being of use."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError

import pytest

from admin_application import ROOT
from projects import clean_environment

COMMAND = [sys.executable, "-m", "oppmigrate", "runserver"]


@contextmanager
def running(url: str, *arguments: str, env: Mapping[str, str] | None = None) -> Iterator["subprocess.Popen[str]"]:
    environment = {**clean_environment(), "DATABASE_URL": url, **(env or {})}
    process = subprocess.Popen(
        [*COMMAND, *arguments],
        cwd=ROOT,
        env=environment,
        text=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def fetch(address: str, patience_s: float = 30) -> str:
    end = time.monotonic() + patience_s
    while True:
        try:
            with urllib.request.urlopen(address) as answer:
                return str(answer.read().decode())
        except URLError:
            if time.monotonic() > end:
                raise
            time.sleep(0.1)


@pytest.mark.parametrize("flags", [[], ["--reload"]])
def test_server_serves_the_admin_until_ctrl_c(sqlite_with_tables: str, flags: list[str]) -> None:
    port = free_port()
    with running(sqlite_with_tables, "--port", str(port), *flags) as process:
        assert "Log in to the admin" in fetch(f"http://127.0.0.1:{port}/admin/")
        assert "3f2a91c07b1d" in fetch(f"http://127.0.0.1:{port}/health")
        process.send_signal(signal.SIGINT)
        _, story = process.communicate(timeout=30)
    assert process.returncode == 0
    assert f"http://127.0.0.1:{port}/admin" in story
    assert story.count("SECRET_KEY is not set") == 1
    assert "Traceback" not in story


def refusal(url: str, *arguments: str, env: Mapping[str, str] | None = None) -> str:
    with running(url, *arguments, env=env) as process:
        out, story = process.communicate(timeout=30)
    assert (process.returncode, out) == (1, "")
    assert "Traceback" not in story
    return story


def test_port_that_is_taken_is_refused(sqlite_with_tables: str) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        story = refusal(sqlite_with_tables, "--port", str(port))
    assert f"port {port}" in story and "already in use" in story and "--port" in story


def test_host_that_is_not_there_is_refused(sqlite_with_tables: str) -> None:
    assert "no.such.host.invalid" in refusal(sqlite_with_tables, "--host", "no.such.host.invalid")


@pytest.mark.parametrize("port", ["70000", "0", "http"])
def test_port_that_cannot_be_is_wrong_usage(sqlite_with_tables: str, port: str) -> None:
    with running(sqlite_with_tables, "--port", port) as process:
        _, story = process.communicate(timeout=30)
    assert process.returncode == 2
    assert f"{port} is no port" in story


@pytest.mark.parametrize("exists", [True, False])
def test_missing_tables_are_refused(sqlite_url: str, tmp_path: Path, exists: bool) -> None:
    if exists:
        (tmp_path / "test.db").touch()
    assert "do:    python oppman.py migrate upgrade" in refusal(sqlite_url)


def test_production_without_a_key_is_refused(sqlite_with_tables: str) -> None:
    assert "SECRET_KEY" in refusal(sqlite_with_tables, env={"OPPMAN_ENV": "production"})


def test_missing_packages_are_named_with_what_to_install(sqlite_with_tables: str, tmp_path: Path) -> None:
    """A finder in front of Python's own hides the extra's packages."""
    hidden = "('uvicorn', 'fastapi', 'sqladmin', 'argon2')"
    (tmp_path / "sitecustomize.py").write_text(
        "import sys, importlib.machinery as m\n"
        "find = m.PathFinder.find_spec\n"
        f"m.PathFinder.find_spec = lambda name, *rest: None if name in {hidden} else find(name, *rest)\n",
        encoding="utf-8",
    )
    story = refusal(sqlite_with_tables, env={"PYTHONPATH": os.fspath(tmp_path)})
    assert "uvicorn" in story and "pip install 'oppmigrate[admin]'" in story
