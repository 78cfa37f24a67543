"""Everything that can be set, in one frozen model. The same names locally and on AWS."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, Self
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, field_validator

from cj.errors import SettingsInvalid

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

# Cookies need https to be safe; loopback has none and needs none.
_LOOPBACK = r"http://(127\.0\.0\.1|localhost|\[::1\])(:\d+)?"
_ORIGIN = rf"^(https://[^/\s]+|{_LOOPBACK})$"
Origin = Annotated[str, Field(pattern=_ORIGIN)]
PostgresUrl = Annotated[str, Field(pattern=r"^postgres(ql)?://.+")]


class Settings(BaseModel):
    """Read once, by cj.runtime. A field `public_url` is the variable PUBLIC_URL."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    public_url: Origin
    allowed_origins: tuple[Origin, ...] = ()  # PUBLIC_URL alone when it is not set
    database_url: PostgresUrl | None = None
    database_migration_url: PostgresUrl | None = None
    database_statement_cache: Annotated[int, Field(ge=0)] = 100
    redis_url: Annotated[str, Field(pattern=r"^rediss?://.+")]
    redis_cluster: Literal["auto", "yes", "no"] = "auto"
    redis_cache_ttl: Annotated[int, Field(gt=0)] = 3600  # seconds
    redis_cache_limit: Annotated[int, Field(gt=0, le=200)] = 15  # messages of a conversation
    ws_api_endpoint: Annotated[str, Field(pattern=r"^https?://.+")] | None = None
    turn_worker_function: str | None = None
    turn_lease_s: Annotated[float, Field(gt=0)] = 20
    turn_deadline_s: Annotated[float, Field(gt=0)] = 90
    internal_api_url: Origin | None = None
    handoff_caller_role: (
        Annotated[str, Field(pattern=r"^arn:[\w-]+:iam::\d{12}:role/.+")] | None
    ) = None
    shopify_api_key: str | None = None
    shopify_api_secret: Annotated[str | None, Field(repr=False)] = None
    shopify_api_secret_arn: str | None = None  # where it came from, if it was not set itself
    shopify_api_secret_previous: Annotated[str | None, Field(repr=False)] = None
    shopify_scopes: tuple[str, ...] = ("read_customers", "read_orders", "read_products")
    shopify_api_version: Annotated[str, Field(pattern=r"^\d{4}-(01|04|07|10)$")] = "2026-10"
    shopify_base_url: Annotated[str, Field(pattern=rf"^{_LOOPBACK}$")] | None = None
    origin_secret: Annotated[str | None, Field(repr=False)] = None  # what CloudFront adds
    origin_secret_previous: Annotated[str | None, Field(repr=False)] = None
    token_kms_key_id: str | None = None
    token_key_file: Path | None = None
    cj_model_provider: Literal["scripted"] = "scripted"
    limit_frame_bytes: Annotated[int, Field(gt=0, le=32 * 1024)] = 24 * 1024
    limit_text_chars: Annotated[int, Field(gt=0)] = 8_000
    limit_text_bytes: Annotated[int, Field(gt=0)] = 20_000
    limit_waiting: Annotated[int, Field(ge=0)] = 5
    limit_bad_frames: Annotated[int, Field(gt=0)] = 10  # in a row
    limit_messages_per_minute: Annotated[int, Field(gt=0)] = 20  # of an owner
    limit_messages_burst: Annotated[int, Field(gt=0)] = 5
    limit_conversations_per_hour: Annotated[int, Field(gt=0)] = 10  # of an owner, new ones
    limit_session_connects_per_minute: Annotated[int, Field(gt=0)] = 10
    limit_address_connects_per_minute: Annotated[int, Field(gt=0)] = 60
    limit_installs_per_minute: Annotated[int, Field(gt=0)] = 10  # of an address
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"

    @field_validator("allowed_origins", "shopify_scopes", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return tuple(value.replace(",", " ").split()) if isinstance(value, str) else value

    @field_validator("shopify_base_url")
    @classmethod
    def _only_here(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value and str(info.data.get("public_url", "")).startswith("https:"):
            raise ValueError("is only for a PUBLIC_URL on this very machine")
        return value

    @classmethod
    def read(cls, environ: Mapping[str, str], secret: Callable[[str], str]) -> Self:
        """Raises SettingsInvalid, which names every wrong variable and what it should look like.

        `secret` gives the text of a secret by its ARN; it is asked only for what is not set.
        """
        names = {name.upper(): name for name in cls.model_fields}
        found = {names[key]: value for key, value in environ.items() if key in names and value}
        for name, field, read in _SECRETS:
            if field in found:
                found.pop(name.lower(), None)
            elif environ.get(name):
                try:
                    found |= read(secret(environ[name]), field)
                except SettingsInvalid as error:
                    raise SettingsInvalid(f"{name}: {error}") from None
        try:
            return cls.model_validate(found)
        except ValidationError as error:
            wrong = (f"{e['loc'][0]!s}".upper() + f": {e['msg']}" for e in error.errors())
            raise SettingsInvalid("; ".join(wrong)) from None

    @property
    def origins(self) -> frozenset[str]:
        """Where a socket or a changing request may come from."""
        return frozenset(self.allowed_origins or (self.public_url,))

    @property
    def origin_secrets(self) -> tuple[str, ...]:
        """What says that a request came through CloudFront; none where nothing stands in front."""
        both = (self.origin_secret, self.origin_secret_previous)
        return tuple(secret for secret in both if secret)

    @property
    def secure_cookies(self) -> bool:
        """Plain http is for loopback alone; everywhere else cookies carry Secure and __Host-."""
        return self.public_url.startswith("https://")


def replaceable(secret: str, field: str) -> dict[str, str]:
    """One that others know too, and the one before it while not all of them know the new one."""
    try:
        parts = json.loads(secret)
        found = {field: parts["secret"], f"{field}_previous": parts.get("previous") or None}
    except (ValueError, KeyError, TypeError, AttributeError):
        found = {field: None}
    if not isinstance(found[field], str) or not found[field]:
        raise SettingsInvalid('the secret should be {"secret"}, and "previous" if any')
    return {name: value for name, value in found.items() if value is not None}


def shopify_secrets(secret: str) -> tuple[str, ...]:
    """What Shopify signs with by this secret, the newest first. Raises SettingsInvalid."""
    return tuple(replaceable(secret, "shopify_api_secret").values())


def _database(secret: str, field: str) -> dict[str, str]:
    return {field: database_url(secret)}


_SECRETS = (
    ("DATABASE_SECRET_ARN", "database_url", _database),
    ("DATABASE_MIGRATION_SECRET_ARN", "database_migration_url", _database),
    ("SHOPIFY_API_SECRET_ARN", "shopify_api_secret", replaceable),
    ("ORIGIN_SECRET_ARN", "origin_secret", replaceable),
)


def database_url(secret: str) -> str:
    """The URL in a database's secret: {"url"}, or the parts as RDS writes them."""
    try:
        parts = json.loads(secret)
        if "url" in parts:
            return str(parts["url"])
        who = f"{quote(parts['username'], safe='')}:{quote(parts['password'], safe='')}"
        where = f"{parts['host']}:{parts.get('port', 5432)}/{parts.get('dbname', 'cj')}"
    except (ValueError, KeyError, TypeError):
        raise SettingsInvalid(
            'the secret should be {"url"} or {"username", "password", "host"}'
        ) from None
    return f"postgresql://{who}@{where}?sslmode=require"


def required(value: str | None, name: str) -> str:
    """The value. Raises SettingsInvalid, which names what this function cannot go without."""
    if value is None:
        raise SettingsInvalid(f"{name}: is not set and this function needs it")
    return value
