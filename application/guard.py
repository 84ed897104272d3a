"""What stands around every page of the admin: refusals of foreign forms, and a page for a database that is not fit."""

import logging
from urllib.parse import urlsplit

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from application.pages import not_ready_page
from application.readiness import read_readiness
from oppmigrate.errors import MigrateError

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
HEADERS = {
    "Content-Security-Policy": "frame-ancestors 'none'",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}

logger = logging.getLogger("application")


class AdminGuard:
    """ASGI middleware around the admin."""

    def __init__(self, app: ASGIApp, engine: AsyncEngine) -> None:
        self.app = app
        self.engine = engine

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve the request, or say with a page why it cannot be."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        if is_foreign(scope):
            await PlainTextResponse("This form was sent from another site.", 403)(scope, receive, send)
            return
        started = False

        async def send_with_headers(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        try:
            await self.app(scope, receive, send_with_headers)
        except (SQLAlchemyError, MigrateError, OSError):
            error = None if started else (await read_readiness(self.engine)).error()
            if error is None:
                raise
            logger.error("%s", error)
            await not_ready_page(error)(scope, receive, send)


def is_foreign(scope: Scope) -> bool:
    """Does a page of another site send this form, in the name of whoever is logged in?

    Browsers say so in `Sec-Fetch-Site`, older ones in `Origin`; what is no browser says nothing, and holds no cookie.
    """
    headers = Headers(scope=scope)
    if scope["method"] in SAFE_METHODS:
        return False
    if site := headers.get("sec-fetch-site"):
        return site not in ("same-origin", "none")
    origin = headers.get("origin")
    return origin is not None and urlsplit(origin).netloc != headers.get("host")
