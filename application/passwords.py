"""Passwords: argon2id hashes, and the rule for what is taken as a password."""

from anyio import CapacityLimiter, to_thread
from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

from application.errors import PasswordRefused

MINIMUM_LENGTH = 8
MAXIMUM_LENGTH = 1024

_hasher = PasswordHasher()
# compared with when nobody has the email, so that the answer takes as long as for a wrong password
_hash_of_nobody = _hasher.hash("nobody")
# a hash takes 64 MiB on purpose: a crowd at the login page must not use up the memory
_at_once = CapacityLimiter(4)


def check_password(password: str) -> None:
    """Refuse what is too short to be a password, or too long to be worth hashing."""
    if not MINIMUM_LENGTH <= len(password) <= MAXIMUM_LENGTH:
        raise PasswordRefused(
            f"the password has {len(password)} characters",
            why=f"between {MINIMUM_LENGTH} and {MAXIMUM_LENGTH} are taken",
            do="choose a longer one" if len(password) < MINIMUM_LENGTH else "choose a shorter one",
        )


async def hash_password(password: str) -> str:
    """Hash in a thread: it takes a while, and other requests go on."""
    return await to_thread.run_sync(_hasher.hash, password, limiter=_at_once)


async def verify_password(hashed_password: str | None, password: str) -> bool:
    """Is it the password? `None` for the hash of an unknown user takes the same time and is always False."""
    if len(password) > MAXIMUM_LENGTH:
        return False
    matches = await to_thread.run_sync(_verify, hashed_password or _hash_of_nobody, password, limiter=_at_once)
    return matches and hashed_password is not None


def is_outdated(hashed_password: str) -> bool:
    """Was the hash made with parameters other than today's?"""
    return _hasher.check_needs_rehash(hashed_password)


def _verify(hashed_password: str, password: str) -> bool:
    try:
        return _hasher.verify(hashed_password, password)
    except (Argon2Error, InvalidHashError):
        return False
