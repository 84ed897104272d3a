"""Records in the admin: created, changed, deleted, each with its row in the audit log, and no hash anywhere."""

import logging
import uuid
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import create_engine

from admin_application import EMAIL, TestClient, execute, log_in, prepare, rows, serve
from application.audit import AuditedSession, set_actor
from models import AuditLog, Product, SQLModel, User

KETTLE = {"name": "Blue kettle", "price": "19.90", "category": "Kitchen", "description": "", "in_stock": "y"}
BOB = {"email": "Bob@Example.com", "is_active": "y", "group": "sales", "password": "long enough"}


def send(client: TestClient, path: str, form: dict[str, str]) -> Any:
    """Fill in a form; 302 when it was taken, else the page with what is wrong."""
    if "password" in form:
        form = {"password_again": form["password"], **form}
    return client.post(path, data={**form, "save": "Save"}, follow_redirects=False)


def create(client: TestClient, model: str, form: dict[str, str]) -> None:
    answer = send(client, f"/admin/{model}/create", form)
    assert answer.status_code == 302, answer.text


def found(url: str, email: str) -> User:
    return next(user for user in rows(url, User) if user.email == email)


def log_of(url: str, record: uuid.UUID) -> list[AuditLog]:
    return [row for row in rows(url, AuditLog) if row.record_id == str(record)]


def test_every_change_is_in_the_audit_log(database_with_tables: str) -> None:
    """On each kind of server: who, when, what, and each field's old and new value."""
    url = database_with_tables
    with serve(url) as client:
        assert log_in(client) == 302
        create(client, "product", KETTLE)
        kettle = rows(url, Product)[0]
        assert send(client, f"/admin/product/edit/{kettle.id}", {**KETTLE, "price": "24.50"}).status_code == 302
        assert rows(url, Product)[0].price == Decimal("24.50")
        assert client.delete(f"/admin/product/delete?pks={kettle.id}").status_code == 200
        assert "error" not in client.get("/admin/product/list").url.query.decode()
        assert client.get("/admin/audit-log/list?search=ada").text.count("Product") >= 3
    assert rows(url, Product) == []
    created, changed, deleted = log_of(url, kettle.id)
    assert [row.action for row in (created, changed, deleted)] == ["created", "changed", "deleted"]
    assert {row.actor for row in (created, changed, deleted)} == {EMAIL}
    assert {row.user_id for row in (created, changed, deleted)} == {found(url, EMAIL).id}
    assert {row.model for row in (created, changed, deleted)} == {"Product"}
    assert timedelta() <= datetime.now(UTC) - created.created_at < timedelta(minutes=1)
    assert created.changes["price"] == {"old": None, "new": "19.90"}
    assert "description" not in created.changes
    assert changed.changes == {"price": {"old": "19.90", "new": "24.50"}}
    assert deleted.changes["name"] == {"old": "Blue kettle", "new": None}


@pytest.mark.parametrize("driver", ["psycopg", "asyncpg"])
def test_both_drivers_of_postgresql_serve_the_admin(postgresql_url: str, driver: str) -> None:
    url = prepare(postgresql_url)
    with serve(url.replace("+psycopg:", f"+{driver}:")) as client:
        assert log_in(client) == 302
        create(client, "product", KETTLE)
        kettle = rows(url, Product)[0]
        assert kettle.created_at.utcoffset() == timedelta()
        assert "Blue kettle" in client.get(f"/admin/product/details/{kettle.id}").text


def test_saving_without_a_change_writes_nothing(ada: TestClient, sqlite_with_tables: str) -> None:
    create(ada, "product", KETTLE)
    kettle = rows(sqlite_with_tables, Product)[0]
    assert send(ada, f"/admin/product/edit/{kettle.id}", KETTLE).status_code == 302
    assert [row.action for row in log_of(sqlite_with_tables, kettle.id)] == ["created"]


def test_nothing_is_saved_when_the_audit_log_cannot_be_written(ada: TestClient, sqlite_with_tables: str) -> None:
    refusal = "CREATE TRIGGER refuse BEFORE INSERT ON audit_logs BEGIN SELECT RAISE(ABORT, 'log is full'); END"
    execute(sqlite_with_tables, refusal)
    assert send(ada, "/admin/product/create", KETTLE).status_code == 400
    assert rows(sqlite_with_tables, Product) == []


def test_change_by_nobody_is_an_error() -> None:
    set_actor(None)
    engine = create_engine("sqlite://")
    SQLModel.metadata.create_all(engine, tables=[Product.__table__])
    with AuditedSession(engine) as session:
        session.add(Product(name="Kettle", price=Decimal(1)))
        with pytest.raises(RuntimeError, match="by nobody"):
            session.commit()
    engine.dispose()


def test_hash_is_in_no_page_no_audit_row_and_no_log(
    ada: TestClient, sqlite_with_tables: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    create(ada, "user", BOB)
    bob = found(sqlite_with_tables, "bob@example.com")
    assert bob.hashed_password.startswith("$argon2id$")
    changed = send(ada, f"/admin/user/edit/{bob.id}", {**BOB, "password": "another one"})
    taken = send(ada, "/admin/user/create", {**BOB, "email": EMAIL})
    too_short = send(ada, "/admin/user/create", {**BOB, "email": "eve@example.com", "password": "short"})
    assert (changed.status_code, taken.status_code, too_short.status_code) == (302, 400, 400)
    pages = ["", "user/list", f"user/details/{bob.id}", f"user/edit/{bob.id}", "user/create", "user/export/csv"]
    pages += ["user/export/json", "audit-log/list", "audit-log/export/csv", "audit-log/export/json"]
    pages += [f"audit-log/details/{row.id}" for row in rows(sqlite_with_tables, AuditLog)]
    answers = [ada.get(f"/admin/{page}") for page in pages]
    assert {answer.status_code for answer in answers} == {200}
    written = [answer.text for answer in (*answers, taken, too_short)]
    written += [str(row.changes) for row in rows(sqlite_with_tables, AuditLog)]
    for each in (*written, caplog.text):
        assert "$argon2" not in each
        assert "long enough" not in each and "another one" not in each
    assert [row.changes for row in log_of(sqlite_with_tables, bob.id)][1] == {"password": "set"}
    assert "another user has this email" in caplog.text and "Traceback" not in caplog.text


def test_empty_password_keeps_the_present_one(ada: TestClient, sqlite_with_tables: str) -> None:
    create(ada, "user", BOB)
    before = found(sqlite_with_tables, "bob@example.com")
    assert send(ada, f"/admin/user/edit/{before.id}", {**BOB, "group": "", "password": ""}).status_code == 302
    after = found(sqlite_with_tables, "bob@example.com")
    assert (after.hashed_password, after.group) == (before.hashed_password, None)


@pytest.mark.parametrize(
    ("form", "complaint"),
    [
        ({"email": "no address"}, "no email address"),
        ({"email": "ada@example.com"}, "another user has this email"),
        ({"password": "short"}, "between 8 and"),
        ({"password": ""}, "required"),
        ({"password_again": "different"}, "differ"),
    ],
)
def test_user_form_says_what_is_wrong(
    ada: TestClient, sqlite_with_tables: str, form: dict[str, str], complaint: str
) -> None:
    answer = send(ada, "/admin/user/create", {**BOB, **form})
    assert answer.status_code == 400
    assert complaint in answer.text
    assert len(rows(sqlite_with_tables, User)) == 1


def test_superuser_cannot_shut_herself_out(ada: TestClient, sqlite_with_tables: str) -> None:
    key = rows(sqlite_with_tables, User)[0].id
    answer = send(ada, f"/admin/user/edit/{key}", {"email": EMAIL, "is_active": "y"})
    assert answer.status_code == 400 and "shut yourself out" in answer.text
    assert ada.delete(f"/admin/user/delete?pks={key}").status_code == 403
    assert rows(sqlite_with_tables, User)[0].is_superuser


def test_audit_log_outlives_its_user(database_with_tables: str) -> None:
    url = database_with_tables
    with serve(url) as client:
        assert log_in(client) == 302
        create(client, "user", {**BOB, "is_superuser": "y"})
    with serve(url) as client:
        assert log_in(client, "bob@example.com", BOB["password"]) == 302
        create(client, "product", KETTLE)
        bob = found(url, "bob@example.com")
    with serve(url) as client:
        assert log_in(client) == 302
        assert "error" not in client.delete(f"/admin/user/delete?pks={bob.id}").text
    row = next(row for row in rows(url, AuditLog) if row.model == "Product")
    assert (row.user_id, row.actor) == (None, "bob@example.com")


def test_audit_log_cannot_be_changed(ada: TestClient, sqlite_with_tables: str) -> None:
    key = rows(sqlite_with_tables, AuditLog)[0].id
    assert ada.get("/admin/audit-log/create").status_code == 403
    assert ada.post(f"/admin/audit-log/edit/{key}", data={}).status_code == 403
    assert ada.delete(f"/admin/audit-log/delete?pks={key}").status_code == 403


@pytest.mark.parametrize("path", ["user/details/nonsense", "user/edit/nonsense", "audit-log/details/x", "no/list"])
def test_key_that_cannot_be_one_is_not_found(ada: TestClient, path: str) -> None:
    assert ada.get(f"/admin/{path}").status_code == 404


@pytest.mark.parametrize(
    "query", ["search=kit", "category=Kitchen", "in_stock=true", "sortBy=price&sort=desc", "page=9"]
)
def test_lists_can_be_searched_filtered_and_sorted(database_with_tables: str, query: str) -> None:
    with serve(database_with_tables) as client:
        assert log_in(client) == 302
        create(client, "product", KETTLE)
        assert "Blue kettle" in client.get(f"/admin/product/list?{query}").text
