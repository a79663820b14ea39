"""Settings: weak secrets are refused outside development, with the variable's name and without its value."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from control_api.config import find_weakness, load_settings
from control_api.errors import SettingsInvalidError

GOOD_KEY = "p4Vt9-nWz7Lq2XsR6mYc1BdK8fHj3GuA0eTi5oQ"
GOOD_TOKEN_KEY = Fernet.generate_key().decode()


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in list(os.environ):
        if name.startswith("CONTROL_") or name in {"SECRET_KEY", "APP_HOST", "APP_PORT", "UVICORN_WORKERS"}:
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("environment", ["production", "staging"])
@pytest.mark.parametrize(
    "key",
    ["", "CHANGE_ME_DEV_ONLY", "changethis", "a" * 64, "short-but-random-9x", "my-very-long-default-value-0123456789", "abcabcabc" * 8],
)
def test_secret_key_weak_outside_development_is_refused_by_name(environment: str, key: str) -> None:
    with pytest.raises(SettingsInvalidError, match="CONTROL_SECRET_KEY") as caught:
        load_settings(environment=environment, secret_key=key, token_keys=GOOD_TOKEN_KEY)
    assert not key or key not in str(caught.value)


@pytest.mark.parametrize(
    "keys", ["", "not-a-key", GOOD_TOKEN_KEY + ",tooshort", "A" * 43 + "="], ids=["none", "no key", "second no key", "guessable"]
)
def test_token_keys_wrong_outside_development_are_refused_by_name(keys: str) -> None:
    with pytest.raises(SettingsInvalidError, match="CONTROL_TOKEN_KEYS") as caught:
        load_settings(environment="production", secret_key=GOOD_KEY, token_keys=keys)
    assert GOOD_TOKEN_KEY not in str(caught.value)


def test_secrets_good_in_production_are_taken() -> None:
    settings = load_settings(environment="production", host="0.0.0.0", secret_key=GOOD_KEY, token_keys=GOOD_TOKEN_KEY)
    assert settings.secret_key.get_secret_value() == GOOD_KEY


def test_secrets_missing_in_development_are_made_once_and_private(tmp_path: Path) -> None:
    first = load_settings(data_dir=tmp_path / "d")
    again = load_settings(data_dir=tmp_path / "d")
    assert first.secret_key == again.secret_key
    assert first.token_keys == again.token_keys
    assert not find_weakness(first.secret_key.get_secret_value())
    assert (tmp_path / "d" / "secrets.env").stat().st_mode & 0o777 == 0o600
    other = load_settings(data_dir=tmp_path / "other")
    assert other.secret_key != first.secret_key


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.4", "control.example"])
def test_host_open_in_development_is_refused(host: str) -> None:
    with pytest.raises(SettingsInvalidError, match="CONTROL_ENVIRONMENT=production"):
        load_settings(host=host)


def test_predecessors_variables_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "SECRET_KEY": GOOD_KEY,
        "APP_PORT": "9001",
        "UVICORN_WORKERS": "2",
        "CLICKHOUSE_DSN": "clickhouse://jobs:planted@rows.example/jobs",
        "RUN_MIGRATIONS_ON_STARTUP": "true",
        "INITIALIZE_SEED_DATA_ON_STARTUP": "1",
        "CONTROL_TOKEN_KEYS": GOOD_TOKEN_KEY,
        "CONTROL_ENVIRONMENT": "production",
    }.items():
        monkeypatch.setenv(name, value)
    settings = load_settings()
    assert (settings.port, settings.workers) == (9001, 2)
    assert settings.run_migrations_on_startup
    assert settings.initialize_seed_data_on_startup
    assert settings.rows_dsn == "clickhouse://jobs:planted@rows.example/jobs"
    assert "planted" in settings.secrets()
    assert "planted" not in repr(settings)
    monkeypatch.setenv("CONTROL_PORT", "9002")
    assert load_settings().port == 9002


def test_several_processes_over_one_chdb_folder_are_refused() -> None:
    with pytest.raises(SettingsInvalidError, match="one process owns"):
        load_settings(workers=2, secret_key=GOOD_KEY, token_keys=GOOD_TOKEN_KEY)


def test_value_of_wrong_type_is_named_without_its_value(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONTROL_PORT", "planted-nonsense")
    with pytest.raises(SettingsInvalidError, match="CONTROL_PORT") as caught:
        load_settings()
    assert "planted-nonsense" not in str(caught.value)


@pytest.mark.parametrize("origins", ["*", "https://*.example", "null"])
def test_cors_origin_for_everybody_is_refused(origins: str) -> None:
    with pytest.raises(SettingsInvalidError, match="CONTROL_CORS_ORIGINS"):
        load_settings(cors_origins=origins)


def test_settings_printed_hide_secrets(tmp_path: Path) -> None:
    settings = load_settings(data_dir=tmp_path, database_url="mysql+pymysql://u:planted-pw@127.0.0.1/c", secret_key=GOOD_KEY)
    shown = f"{settings!r} {settings.model_dump(mode='json')}"
    assert "planted-pw" not in shown
    assert GOOD_KEY not in shown
    assert {"planted-pw", GOOD_KEY} <= set(settings.secrets())
