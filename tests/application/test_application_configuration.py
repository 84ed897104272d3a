"""SECRET_KEY and OPPMAN_ENV: what is refused, and what a development does without."""

from pathlib import Path

import pytest

from application.configuration import load_configuration
from oppmigrate.errors import ConfigurationError

KEY = "k" * 48


@pytest.fixture(autouse=True)
def _no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SECRET_KEY", "DATABASE_URL"):
        monkeypatch.delenv(name, raising=False)


def test_development_gets_a_random_key_and_a_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    first, second = load_configuration(tmp_path), load_configuration(tmp_path)
    assert not first.is_production
    assert first.secret_key != second.secret_key and len(first.secret_key) >= 48
    assert "SECRET_KEY is not set" in caplog.text and first.secret_key not in caplog.text


@pytest.mark.parametrize("key", [None, "", "too short"])
def test_production_without_a_key_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, key: str | None) -> None:
    monkeypatch.setenv("OPPMAN_ENV", "production")
    if key is not None:
        monkeypatch.setenv("SECRET_KEY", key)
    with pytest.raises(ConfigurationError) as caught:
        load_configuration(tmp_path)
    assert "token_urlsafe" in str(caught.value.do)


def test_production_takes_a_long_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPPMAN_ENV", "production")
    monkeypatch.setenv("SECRET_KEY", KEY)
    configuration = load_configuration(tmp_path)
    assert configuration.is_production and configuration.secret_key == KEY
    assert KEY not in repr(configuration)


def test_unknown_environment_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPPMAN_ENV", "prod")
    with pytest.raises(ConfigurationError, match="'prod'"):
        load_configuration(tmp_path)


def test_dotenv_file_is_read_and_the_path_is_relative_to_the_project(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(f"SECRET_KEY={KEY}\nDATABASE_URL=sqlite:///./here.db\n", encoding="utf-8")
    configuration = load_configuration(tmp_path)
    assert configuration.secret_key == KEY
    assert configuration.database_url == f"sqlite:///{tmp_path}/here.db"
