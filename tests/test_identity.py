"""Who runs this."""

import getpass
import socket

from oppmigrate.identity import user_at_host


def test_user_without_a_name_is_no_error(monkeypatch):
    assert user_at_host() == f"{getpass.getuser()}@{socket.gethostname()}"

    def unknown():
        raise KeyError("getpwuid(): uid not found: 4711")

    monkeypatch.setattr(getpass, "getuser", unknown)
    assert user_at_host() == f"unknown@{socket.gethostname()}"
