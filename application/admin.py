"""The admin at /admin: the views of the tables behind the login, and a front page with the latest changes."""

import logging

from fastapi import FastAPI
from sqladmin import Admin, ModelView
from sqladmin.authentication import login_required
from sqlalchemy import func
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlmodel import col, select
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response

from application import presentation
from application.audit import audited_sessions
from application.authentication import SuperuserAuthentication
from application.configuration import Configuration
from application.errors import NotSaved
from application.guard import AdminGuard
from application.pages import ICON, TEMPLATES, TITLE
from application.readiness import read_readiness
from application.views import AuditLogView, ProductView, UserView
from models import AuditLog, User

VIEWS = (UserView, AuditLogView, ProductView)
LATEST = 10


class ApplicationAdmin(Admin):
    """SQLAdmin with a front page that shows something."""

    engine: AsyncEngine

    async def login(self, request: Request) -> Response:
        """The login page; without a table of users the guard shows its own page in place of it."""
        async with self.session_maker() as session:
            await session.execute(select(User).limit(1))
        return await super().login(request)

    @login_required
    async def index(self, request: Request) -> Response:
        """How much there is of everything, and who changed what lately."""
        async with self.session_maker() as session:
            counts = [
                (view, (await session.execute(select(func.count()).select_from(view.model))).scalar_one())
                for view in self.views
                if isinstance(view, ModelView)
            ]
            newest = select(AuditLog).order_by(col(AuditLog.id).desc()).limit(LATEST)
            latest = (await session.execute(newest)).scalars().all()
        readiness = await read_readiness(self.engine)
        context = {
            "title": "Overview",
            "counts": counts,
            "latest": latest,
            "readiness": readiness,
            "show": presentation,
        }
        return await self.templates.TemplateResponse(request, "sqladmin/index.html", context)


def _log_refusals_briefly(record: logging.LogRecord) -> bool:
    """SQLAdmin logs whatever keeps a form from being saved with its traceback; a refusal is no fault of the code."""
    if record.exc_info and isinstance(record.exc_info[1], NotSaved):
        record.exc_info, record.levelno, record.levelname = None, logging.INFO, "INFO"
    return True


def mount_admin(app: FastAPI, engine: AsyncEngine, configuration: Configuration) -> Admin:
    """Put the admin into the application."""
    admin = ApplicationAdmin(
        app,
        engine,
        session_maker=audited_sessions(engine),
        title=TITLE,
        favicon_url=ICON,
        templates_dir=str(TEMPLATES),
        authentication_backend=SuperuserAuthentication(configuration, engine),
        middlewares=[Middleware(AdminGuard, engine=engine)],
    )
    logging.getLogger("sqladmin.application").addFilter(_log_refusals_briefly)
    admin.templates.env.globals["is_production"] = configuration.is_production
    for view in VIEWS:
        admin.add_view(view)
    return admin
