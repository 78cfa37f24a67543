"""A wrong setting is named, with what it should look like, and never with its value."""

import pytest
from cj.errors import SettingsInvalid
from cj.settings import Settings, database_url, shopify_secrets
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
        ("REDIS_CACHE_TTL", "0"),
        ("REDIS_CACHE_LIMIT", "-15"),
        ("LIMIT_FRAME_BYTES", "32769"),
        ("LIMIT_BAD_FRAMES", "0"),
        ("LIMIT_MESSAGES_PER_MINUTE", "0.5"),
        ("LIMIT_INSTALLS_PER_MINUTE", "0"),
        ("SHOPIFY_API_VERSION", "2026-11"),
        ("SHOPIFY_BASE_URL", "http://127.0.0.1:4000"),  # PUBLIC_URL is on the internet
        ("SHOPIFY_BASE_URL", "https://evil.com"),
        ("INTERNAL_API_URL", "http://10.0.0.1"),
        ("HANDOFF_CALLER_ROLE", "cj-oauth-callback"),
    ],
)
def test_a_wrong_setting_is_named_and_its_value_is_not(name: str, value: str) -> None:
    with pytest.raises(SettingsInvalid, match=name) as wrong:
        Settings.read({**GOOD, name: value}, no_secret)
    assert "hunter2" not in str(wrong.value)


def test_missing_settings_are_all_named_at_once() -> None:
    with pytest.raises(SettingsInvalid, match=r"(?s)PUBLIC_URL.*REDIS_URL"):
        Settings.read({}, no_secret)


def test_every_limit_has_the_value_that_is_promised_and_can_be_set() -> None:
    settings = Settings.read(GOOD, no_secret).model_dump()
    limits = {name: value for name, value in settings.items() if name.startswith("limit_")}
    assert limits == {
        "limit_frame_bytes": 24 * 1024,
        "limit_text_chars": 8_000,
        "limit_text_bytes": 20_000,
        "limit_waiting": 5,
        "limit_bad_frames": 10,
        "limit_messages_per_minute": 20,
        "limit_messages_burst": 5,
        "limit_conversations_per_hour": 10,
        "limit_session_connects_per_minute": 10,
        "limit_address_connects_per_minute": 60,
        "limit_installs_per_minute": 10,
    }
    raised = {name.upper(): str(value + 1) for name, value in limits.items()}
    raised["LIMIT_FRAME_BYTES"] = "30000"
    read = Settings.read({**GOOD, **raised}, no_secret).model_dump()
    assert {name.upper(): str(read[name]) for name in limits} == raised


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


def test_a_shopify_on_this_machine_stands_in_only_for_this_machine() -> None:
    here = {"PUBLIC_URL": "http://127.0.0.1:8000", "SHOPIFY_BASE_URL": "http://127.0.0.1:4000"}
    assert Settings.read({**GOOD, **here}, no_secret).shopify_base_url == here["SHOPIFY_BASE_URL"]


def test_the_app_s_secret_comes_with_the_one_before_it_while_there_is_one() -> None:
    told = {"arn:one": '{"secret": "s2"}', "arn:two": '{"secret": "s2", "previous": "s1"}'}
    found = [
        Settings.read({**GOOD, "SHOPIFY_API_SECRET_ARN": arn}, told.__getitem__) for arn in told
    ]
    secrets = [(s.shopify_api_secret, s.shopify_api_secret_previous) for s in found]
    assert secrets == [("s2", None), ("s2", "s1")]
    assert "s2" not in repr(found)
    assert [s.shopify_api_secret_arn for s in found] == list(told)
    given = {"SHOPIFY_API_SECRET_ARN": "arn:one", "SHOPIFY_API_SECRET": "mine"}
    settings = Settings.read({**GOOD, **given}, no_secret)
    assert (settings.shopify_api_secret, settings.shopify_api_secret_arn) == ("mine", None)
    assert [shopify_secrets(text) for text in told.values()] == [("s2",), ("s2", "s1")]


def test_what_vouches_for_cloudfront_may_be_set_replaced_or_left_out() -> None:
    assert Settings.read(GOOD, no_secret).origin_secrets == ()
    given = Settings.read({**GOOD, "ORIGIN_SECRET": "mine"}, no_secret)
    assert given.origin_secrets == ("mine",)
    secret = {"arn:x": '{"secret": "next-one", "previous": "last-one"}'}
    told = Settings.read({**GOOD, "ORIGIN_SECRET_ARN": "arn:x"}, secret.__getitem__)
    assert told.origin_secrets == ("next-one", "last-one")
    assert "-one" not in repr(told)


@pytest.mark.parametrize(
    "secret", ["hunter2", "[]", "{}", "null", '{"secret": null}', '{"secret": ""}', '{"secret": 5}']
)
def test_an_app_s_secret_of_another_shape_is_refused_without_its_text(secret: str) -> None:
    with pytest.raises(SettingsInvalid, match="SHOPIFY_API_SECRET_ARN: the secret") as wrong:
        Settings.read({**GOOD, "SHOPIFY_API_SECRET_ARN": "arn"}, lambda arn: secret)
    assert "hunter2" not in str(wrong.value)


def test_scopes_are_a_list_with_commas_or_spaces() -> None:
    settings = Settings.read({**GOOD, "SHOPIFY_SCOPES": "read_orders, read_products"}, no_secret)
    assert settings.shopify_scopes == ("read_orders", "read_products")
