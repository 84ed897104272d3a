"""Who may use the admin: active superusers, by email and password, with a signed session cookie."""

import hashlib
import hmac
import re
import uuid
from contextlib import suppress

from sqladmin.authentication import AuthenticationBackend
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker
from sqlmodel import select
from starlette.requests import Request

from application.audit import Actor, set_actor
from application.configuration import Configuration
from application.passwords import hash_password, is_outdated, verify_password
from models import User

EMAIL_PATTERN = r"[^@\s]+@[^@\s]+"
SESSION_LENGTH_S = 12 * 60 * 60


class SuperuserAuthentication(AuthenticationBackend):
    """SQLAdmin's login over the users of the application.

    The cookie holds the user's key and a stamp made from the password's hash. Each request reads the user again, so
    that a session ends at once when the user is deleted, made inactive, loses the rights or gets another password.
    """

    def __init__(self, configuration: Configuration, engine: AsyncEngine) -> None:
        super().__init__(
            configuration.secret_key,
            session_cookie="oppman_session",
            max_age=SESSION_LENGTH_S,
            same_site="lax",
            https_only=configuration.is_production,
        )
        self._secret_key = configuration.secret_key.encode()
        self._sessions = async_sessionmaker(engine, expire_on_commit=False)

    async def login(self, request: Request) -> bool:
        """Take the login form; every refusal looks and lasts the same."""
        form = await request.form()
        email, password = str(form.get("username", "")), str(form.get("password", ""))
        async with self._sessions() as session:
            user = await find_user(session, email)
            matches = await verify_password(user.hashed_password if user else None, password)
            if user is None or not matches or not may_use_admin(user):
                return False
            if is_outdated(user.hashed_password):
                user.hashed_password = await hash_password(password)
                await session.commit()
        request.session.clear()
        request.session.update(user_id=str(user.id), stamp=self._stamp(user))
        return True

    async def logout(self, request: Request) -> bool:
        """Forget the session; False sends the browser to the login page."""
        request.session.clear()
        return False

    async def authenticate(self, request: Request) -> bool:
        """Let the request through when its session is that of a user who may still use the admin."""
        user = await self._user_of_session(request)
        set_actor(Actor(user.id, user.email) if user else None)
        request.state.user = user
        if user is None and request.session:
            request.session.clear()
        return user is not None

    async def _user_of_session(self, request: Request) -> User | None:
        key: uuid.UUID | None = None
        with suppress(ValueError):
            key = uuid.UUID(str(request.session.get("user_id", "")))
        if key is None:
            return None
        async with self._sessions() as session:
            user = await session.get(User, key)
        if user is None or not may_use_admin(user):
            return None
        stamp = str(request.session.get("stamp", ""))
        return user if hmac.compare_digest(stamp.encode(), self._stamp(user).encode()) else None

    def _stamp(self, user: User) -> str:
        return hmac.new(self._secret_key, user.hashed_password.encode(), hashlib.sha256).hexdigest()


def may_use_admin(user: User) -> bool:
    """The admin is for superusers who are active."""
    return user.is_active and user.is_superuser


def tidy_email(text: str) -> str:
    """The way emails are stored and compared."""
    return text.strip().lower()


def is_email(text: str) -> bool:
    """Has it the look of an address? Whether somebody reads mail there, only a letter can tell."""
    return len(text) <= 320 and re.fullmatch(EMAIL_PATTERN, text) is not None


async def find_user(session: AsyncSession, email: str) -> User | None:
    """The user with this email, however it is written."""
    found = await session.execute(select(User).where(User.email == tidy_email(email)))
    user: User | None = found.scalar_one_or_none()
    return user
