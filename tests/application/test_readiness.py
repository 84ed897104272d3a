"""What the application says when its database is missing, empty, behind or not answering."""

import subprocess
import sys
from pathlib import Path

import pytest

from admin_application import ROOT, TestClient, execute, log_in, prepare, serve
from application.engine import create_engine
from application.readiness import explain
from oppmigrate.errors import DatabaseError


def test_application_is_healthy_on_a_migrated_database(database_with_tables: str) -> None:
    with serve(database_with_tables) as client:
        answer = client.get("/health")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok", "revisions": ["3f2a91c07b1d"]})


def test_root_points_to_everything(visitor: TestClient) -> None:
    page = visitor.get("/").text
    for path in ("/admin", "/docs", "/health"):
        assert f'href="{path}' in page
        assert visitor.get(path).status_code == 200


@pytest.mark.parametrize("exists", [True, False])
def test_database_without_tables_gets_a_log_line_and_a_helpful_page(
    sqlite_url: str, tmp_path: Path, caplog: pytest.LogCaptureFixture, exists: bool
) -> None:
    if exists:
        (tmp_path / "test.db").touch()
    with serve(sqlite_url) as client:
        assert "python oppman.py migrate upgrade" in caplog.text
        form = {"username": "ada@example.com", "password": "x"}
        for answer in (client.get("/admin"), client.get("/admin/user/list"), client.post("/admin/login", data=form)):
            assert answer.status_code == 503
            assert "python oppman.py migrate upgrade" in answer.text
            assert "Traceback" not in answer.text
        health = client.get("/health")
    assert health.status_code == 503
    assert health.json()["do"] == "python oppman.py migrate upgrade"
    assert (tmp_path / "test.db").exists() == exists


def test_database_behind_the_models_gets_a_page_that_names_what_is_missing(
    ada: TestClient, sqlite_with_tables: str
) -> None:
    execute(sqlite_with_tables, "ALTER TABLE products DROP COLUMN in_stock")
    answer = ada.get("/admin/product/list")
    assert answer.status_code == 503
    assert "products.in_stock" in answer.text
    assert "products.in_stock" in ada.get("/admin/").text
    assert ada.get("/admin/user/list").status_code == 200


def test_tables_that_appear_later_are_used_without_a_restart(sqlite_url: str) -> None:
    with serve(sqlite_url) as client:
        assert log_in(client) == 503
        prepare(sqlite_url)
        assert log_in(client) == 302


def test_database_without_a_revision_is_not_healthy(visitor: TestClient, sqlite_with_tables: str) -> None:
    execute(sqlite_with_tables, "DELETE FROM alembic_version")
    assert visitor.get("/health").status_code == 503
    execute(sqlite_with_tables, "DROP TABLE alembic_version")
    answer = visitor.get("/health")
    assert (answer.status_code, answer.json()["problem"]) == (503, "no migration was applied")


@pytest.mark.parametrize("scheme", ["postgresql+psycopg", "postgresql+asyncpg", "mysql+aiomysql"])
def test_server_that_does_not_answer_is_not_shown_to_strangers(scheme: str, caplog: pytest.LogCaptureFixture) -> None:
    with serve(f"{scheme}://somebody:s3cret@127.0.0.1:1/shop") as client:
        answers = [client.get("/health"), client.post("/admin/login", data={"username": "a@b", "password": "x"})]
    for answer in answers:
        assert answer.status_code == 503
        assert "does not answer" in answer.text.lower()
        assert "127.0.0.1" not in answer.text and "somebody" not in answer.text
    assert "s3cret" not in caplog.text
    assert "127.0.0.1" in caplog.text


def test_error_names_no_password(sqlite_url: str) -> None:
    engine = create_engine("postgresql+psycopg://somebody:s3cret@db.example/shop")
    error = explain(engine, OSError("connection refused"))
    assert isinstance(error, DatabaseError)
    assert "s3cret" not in str(error)


def test_models_need_no_web_framework() -> None:
    """The migrations import them where the extra `admin` is not installed."""
    hidden = "'fastapi', 'starlette', 'sqladmin', 'argon2'"
    source = f"import sys; sys.modules.update(dict.fromkeys(({hidden}))); import models"
    subprocess.run([sys.executable, "-W", "error", "-c", source], cwd=ROOT, check=True)
