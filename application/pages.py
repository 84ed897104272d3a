"""The pages beside the admin: `/`, `/health`, and the one that says that the database is not ready."""

from pathlib import Path

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, JSONResponse
from jinja2 import Environment, FileSystemLoader
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from application.readiness import UPGRADE, read_readiness, read_revisions
from oppmigrate.errors import DatabaseBehind, DatabaseMissing, MigrateError

TEMPLATES = Path(__file__).parent / "templates"
TITLE = "Oppman"
ICON = (
    "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E%3Crect width='16' height='16' "
    "rx='4' fill='%23066fd1'/%3E%3Cpath d='M4 5h8M4 8h8M4 11h5' stroke='white' stroke-width='1.5'/%3E%3C/svg%3E"
)

NOT_MIGRATED = ("no migration was applied", None, UPGRADE)

_templates = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True)
router = APIRouter()


@router.get("/", response_class=HTMLResponse, include_in_schema=False)
async def home() -> str:
    """Where everything is."""
    return _templates.get_template("home.html").render(title=TITLE, icon=ICON)


@router.get("/health")
async def health(request: Request) -> JSONResponse:
    """200 when the database answers and stands at a revision, else 503 with what to do; for load balancers."""
    engine: AsyncEngine = request.app.state.engine
    try:
        revisions = await read_revisions(engine)
    except (SQLAlchemyError, MigrateError, OSError):
        problem = (await read_readiness(engine)).problem
        what, _, do = in_public(problem) if problem else NOT_MIGRATED
        return JSONResponse({"status": "unavailable", "problem": what, "do": do}, 503)
    if not revisions:
        return JSONResponse({"status": "unavailable", "problem": NOT_MIGRATED[0], "do": NOT_MIGRATED[2]}, 503)
    return JSONResponse({"status": "ok", "revisions": list(revisions)})


def not_ready_page(error: MigrateError) -> HTMLResponse:
    """A page for people who open the admin before the database is fit for it."""
    what, why, do = in_public(error)
    page = _templates.get_template("not_ready.html").render(title=TITLE, icon=ICON, what=what, why=why, do=do)
    return HTMLResponse(page, 503, headers={"Retry-After": "30", "Cache-Control": "no-store"})


def in_public(error: MigrateError) -> tuple[str, str | None, str | None]:
    """What, why and do for people who are not logged in: no host, no path, no user of the database."""
    if isinstance(error, DatabaseBehind):
        return error.what, error.why, error.do
    if isinstance(error, DatabaseMissing):
        return "there is no database yet", None, UPGRADE
    return "the database does not answer", "the application's log says more", None
