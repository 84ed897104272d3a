"""Who runs this."""

import getpass
import socket


def user_at_host() -> str:
    """`user@host`; `unknown` for what cannot be told, such as the name of a container's bare uid."""
    try:
        user = getpass.getuser()
    except (OSError, KeyError, ImportError):
        user = ""
    return f"{user or 'unknown'}@{socket.gethostname() or 'unknown'}"
