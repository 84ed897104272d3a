"""An existing Alembic project is adopted as it stands: each shape of tests/apps, through every command."""

from pathlib import Path

from adoption import AdoptedProject, walk_through
from projects import Project


def test_stock(project: Project) -> None:
    """Its logging and its post-write hook print on stdout; it does not read DATABASE_URL, so neither do we."""
    walk_through(AdoptedProject(project, "stock", env={"DATABASE_URL": "sqlite:///other.db"}), "models.py")
    assert not (project.path / "other.db").exists()


def test_stock_async(project: Project) -> None:
    walk_through(AdoptedProject(project, "stock_async"), "models.py")


def test_flask_migrate(project: Project) -> None:
    walk_through(AdoptedProject(project, "flask_migrate", database="instance/app.db", stock="flask_db"), "app.py")


def test_shared_connection(project: Project) -> None:
    walk_through(AdoptedProject(project, "shared_connection"), "models.py")


def test_x_arguments(project: Project) -> None:
    app = AdoptedProject(project, "x_arguments", "-x", "tenant=acme", database="acme.db")
    walk_through(app, "models.py")
    app.options = ()
    refused = app.oppman("migrate", "current", exit_code=1)
    assert "name a tenant: -x tenant=NAME" in refused["error"]["what"]


def test_own_version_locations(project: Project) -> None:
    app = AdoptedProject(project, "own_version_locations")
    walk_through(app, "models.py")
    created, graph = app.each("migrate create Note --empty", "migrate history --graph")
    assert Path(created["path"]).parent.parent.parent == app.path / "applications"
    assert len(graph) == 4


def test_custom_revision_ids(project: Project) -> None:
    app = AdoptedProject(project, "custom_revision_ids")
    revision = walk_through(app, "models.py", first="v3.1.0", second="v3.2.0.a")
    (file,) = app.path.glob(f"alembic/versions/20??/??/{revision}_add_phone.py")
    planned, created = app.each("migrate upgrade v3.2.0.a+1 --plan", "migrate create Note --empty --rev-id v4.0.0")
    assert planned["steps"] == [] and created["revision"] == "v4.0.0"
    assert Path(created["path"]).parent == file.parent


def test_package_location(project: Project) -> None:
    walk_through(AdoptedProject(project, "package_location"), "src/app/models.py")


def test_pyproject(project: Project) -> None:
    walk_through(AdoptedProject(project, "pyproject"), "models.py")


def test_no_ini(project: Project) -> None:
    """Its env.py takes the application's engine, which has a pool and enforces foreign keys."""
    walk_through(AdoptedProject(project, "no_ini", stock="alembic_without_ini"), "app/models.py")


def test_configuration_named_on_the_command_line_is_all_that_is_needed(project: Project) -> None:
    """No alembic.ini, no usual folder; hooks of env.py that name the revision and fill the template in."""
    app = AdoptedProject(project, "named_configuration", "-c", "database.ini")
    adopted, created = app.each("migrate init", "migrate create Note --empty")
    assert adopted["adopted"]
    assert created["revision"] == "0003"
    assert "# written for shop" in Path(created["path"]).read_text()
    (upgraded,) = app.each("migrate upgrade")
    assert upgraded["heads"] == ["0003"]
    app.add_phone("models.py")
    assert app.oppman("migrate", "create", "Add phone")["revision"] == "0004"
    app.alembic("upgrade head", "check")
