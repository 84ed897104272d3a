"""The login: who gets in, who does not, and when a session ends."""

import asyncio
import base64
import json
import time

import pytest
from argon2 import PasswordHasher

import application.engine
from admin_application import EMAIL, PASSWORD, TestClient, add_user, execute, log_in, rows, serve
from application import passwords
from models import User


def is_inside(client: TestClient) -> bool:
    return client.get("/admin/user/list", follow_redirects=False).status_code == 200


def change_ada(url: str, assignment: str) -> None:
    execute(url, f"UPDATE users SET {assignment} WHERE email = '{EMAIL}'")


def test_superuser_gets_in_with_any_spelling_of_the_email(visitor: TestClient) -> None:
    assert log_in(visitor, " Ada@Example.COM ") == 302
    assert is_inside(visitor)


@pytest.mark.parametrize(
    ("email", "password"),
    [
        (EMAIL, "wrong horse"),
        (EMAIL, ""),
        (EMAIL, PASSWORD + "x" * 2000),
        ("nobody@example.com", PASSWORD),
        ("", ""),
        ("' OR 1=1 --", "x"),
    ],
)
def test_login_is_refused_for_wrong_email_or_password(visitor: TestClient, email: str, password: str) -> None:
    assert log_in(visitor, email, password) == 400
    assert not is_inside(visitor)


@pytest.mark.parametrize(
    "rights", [{"is_superuser": False, "is_staff": True}, {"is_superuser": True, "is_active": False}]
)
def test_login_is_refused_for_who_is_no_active_superuser(sqlite_with_tables: str, rights: dict[str, bool]) -> None:
    async def add() -> None:
        engine = application.engine.create_engine(sqlite_with_tables)
        await add_user(engine, "bob@example.com", PASSWORD, **rights)
        await engine.dispose()

    asyncio.run(add())
    with serve(sqlite_with_tables) as client:
        assert log_in(client, "bob@example.com") == 400
        assert not is_inside(client)


def test_unknown_email_takes_as_long_as_wrong_password(visitor: TestClient) -> None:
    """Both verify one hash; without that, an unknown email would answer some twenty times sooner."""

    def fastest(email: str) -> float:
        times = []
        for _ in range(5):
            begun = time.perf_counter()
            log_in(visitor, email, "wrong horse")
            times.append(time.perf_counter() - begun)
        return min(times)

    assert fastest("nobody@example.com") > fastest(EMAIL) / 3


@pytest.mark.parametrize("path", ["/admin/", "/admin/user/list", "/admin/user/create", "/admin/user/export/csv"])
def test_visitor_is_sent_to_the_login(visitor: TestClient, path: str) -> None:
    answer = visitor.get(path, follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (302, "http://testserver/admin/login")


def test_logout_ends_the_session(ada: TestClient) -> None:
    ada.get("/admin/logout")
    assert not is_inside(ada)


@pytest.mark.parametrize(
    "assignment",
    ["is_active = 0", "is_superuser = 0", "hashed_password = 'another'", "id = '00000000000000000000000000000001'"],
)
def test_session_ends_when_the_user_changes(ada: TestClient, sqlite_with_tables: str, assignment: str) -> None:
    assert is_inside(ada)
    change_ada(sqlite_with_tables, assignment)
    assert not is_inside(ada)


def test_cookie_that_was_tampered_with_is_refused(visitor: TestClient, sqlite_with_tables: str) -> None:
    ada = rows(sqlite_with_tables, User)[0]
    forged = base64.b64encode(json.dumps({"user_id": str(ada.id), "stamp": ""}).encode()).decode()
    visitor.cookies.set("oppman_session", f"{forged}.aaaaaa.bbbbbbbbbbbbbbbbbbbbbbbbbbb")
    assert not is_inside(visitor)

    visitor.cookies.clear()
    assert log_in(visitor) == 302
    value, rest = visitor.cookies["oppman_session"].split(".", 1)
    flipped = ("A" if value[5] != "A" else "B").join((value[:5], value[6:]))
    visitor.cookies.clear()
    visitor.cookies.set("oppman_session", f"{flipped}.{rest}")
    assert not is_inside(visitor)


def test_cookie_signed_with_another_key_is_refused(ada: TestClient, sqlite_with_tables: str) -> None:
    cookie = ada.cookies["oppman_session"]
    from application.configuration import Configuration
    from main import create_app

    other = create_app(Configuration(database_url=sqlite_with_tables, secret_key="o" * 48))
    with TestClient(other, cookies={"oppman_session": cookie}) as client:
        assert not is_inside(client)


def test_cookie_flags_keep_it_from_scripts_and_other_sites(visitor: TestClient, sqlite_with_tables: str) -> None:
    form = {"username": EMAIL, "password": PASSWORD}
    cookie = visitor.post("/admin/login", data=form, follow_redirects=False).headers["set-cookie"].lower()
    assert "httponly" in cookie and "samesite=lax" in cookie and "secure" not in cookie
    with serve(sqlite_with_tables, is_production=True) as client:
        cookie = client.post("/admin/login", data=form, follow_redirects=False).headers["set-cookie"].lower()
    assert "httponly" in cookie and "samesite=lax" in cookie and "; secure" in cookie


def test_form_sent_from_another_site_is_refused(ada: TestClient) -> None:
    form = {"name": "Kettle", "price": "1", "save": "Save"}
    for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}):
        assert ada.post("/admin/product/create", data=form, headers=headers).status_code == 403
    for headers in ({"Sec-Fetch-Site": "same-origin"}, {"Origin": "http://testserver"}):
        answer = ada.post("/admin/product/create", data=form, headers=headers, follow_redirects=False)
        assert answer.status_code == 302


def test_login_renews_a_hash_made_with_older_parameters(visitor: TestClient, sqlite_with_tables: str) -> None:
    old = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
    change_ada(sqlite_with_tables, f"hashed_password = '{old}'")
    assert log_in(visitor) == 302
    assert is_inside(visitor)
    new = rows(sqlite_with_tables, User)[0].hashed_password
    assert new != old and not passwords.is_outdated(new)
