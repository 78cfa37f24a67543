"""A wrong setting is named, with what it should look like, and never with its value."""

import pytest
from cj.errors import SettingsInvalid
from cj.settings import Settings, database_url
from pydantic import ValidationError

GOOD = {
    "PUBLIC_URL": "https://cj.example.com",
    "DATABASE_URL": "postgresql://app:pw@db/cj",
    "REDIS_URL": "redis://cache:6379",
}


def no_secret(arn: str) -> str:
    raise AssertionError(f"nobody should ask for {arn}")


def test_the_environment_becomes_one_frozen_model() -> None:
    settings = Settings.read({**GOOD, "TURN_LEASE_S": "7.5", "UNRELATED": "x"}, no_secret)
    assert settings.turn_lease_s == 7.5
    assert settings.origins == {"https://cj.example.com"}
    assert settings.secure_cookies
    with pytest.raises(ValidationError):
        settings.redis_url = "redis://other"  # type: ignore[misc]


def test_allowed_origins_are_a_list_with_commas_or_spaces() -> None:
    origins = "http://127.0.0.1:8000, http://localhost:8000"
    settings = Settings.read({**GOOD, "ALLOWED_ORIGINS": origins}, no_secret)
    assert settings.origins == {"http://127.0.0.1:8000", "http://localhost:8000"}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PUBLIC_URL", "https://cj.example.com/chat"),
        ("DATABASE_URL", "mysql://app:hunter2@db/cj"),
        ("REDIS_URL", "cache:6379"),
        ("REDIS_CLUSTER", "maybe"),
        ("TURN_LEASE_S", "-1"),
        ("LIMIT_TEXT_CHARS", "many"),
        ("LOG_LEVEL", "CHATTY"),
        ("CJ_MODEL_PROVIDER", "oracle"),
        ("ALLOWED_ORIGINS", "cj.example.com"),
    ],
)
def test_a_wrong_setting_is_named_and_its_value_is_not(name: str, value: str) -> None:
    with pytest.raises(SettingsInvalid, match=name) as wrong:
        Settings.read({**GOOD, name: value}, no_secret)
    assert "hunter2" not in str(wrong.value)


def test_missing_settings_are_all_named_at_once() -> None:
    with pytest.raises(SettingsInvalid, match=r"(?s)PUBLIC_URL.*REDIS_URL"):
        Settings.read({}, no_secret)


def test_an_empty_variable_is_one_that_is_not_set() -> None:
    assert Settings.read({**GOOD, "TURN_LEASE_S": ""}, no_secret).turn_lease_s == 20


def test_a_url_that_is_set_wins_over_a_secret() -> None:
    settings = Settings.read({**GOOD, "DATABASE_SECRET_ARN": "arn:x"}, no_secret)
    assert settings.database_url == GOOD["DATABASE_URL"]


def test_the_database_can_come_from_a_secret() -> None:
    secret = '{"username": "app", "password": "p@ss/word", "host": "db", "dbname": "cj"}'
    environ = {**GOOD, "DATABASE_URL": "", "DATABASE_SECRET_ARN": "arn:x"}
    settings = Settings.read(environ, {"arn:x": secret}.__getitem__)
    assert settings.database_url == "postgresql://app:p%40ss%2Fword@db:5432/cj?sslmode=require"
    assert database_url('{"url": "postgresql://x/y"}') == "postgresql://x/y"


@pytest.mark.parametrize("secret", ["", "word", "[]", '{"username": "hunter2"}'])
def test_a_secret_of_another_shape_is_refused_without_its_text(secret: str) -> None:
    with pytest.raises(SettingsInvalid, match="the secret should be") as wrong:
        database_url(secret)
    assert "hunter2" not in str(wrong.value)
