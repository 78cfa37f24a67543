"""Everything that can be set, in one frozen model. The same names locally and on AWS."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Literal, Self
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from cj.errors import SettingsInvalid

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

# Cookies need https to be safe; loopback has none and needs none.
_ORIGIN = r"^(https://[^/\s]+|http://(127\.0\.0\.1|localhost|\[::1\])(:\d+)?)$"
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
    ws_api_endpoint: Annotated[str, Field(pattern=r"^https?://.+")] | None = None
    turn_worker_function: str | None = None
    turn_lease_s: Annotated[float, Field(gt=0)] = 20
    turn_deadline_s: Annotated[float, Field(gt=0)] = 90
    cj_model_provider: Literal["scripted"] = "scripted"
    limit_text_chars: Annotated[int, Field(gt=0)] = 8_000
    limit_text_bytes: Annotated[int, Field(gt=0)] = 20_000
    limit_waiting: Annotated[int, Field(ge=0)] = 5
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"

    @field_validator("allowed_origins", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return tuple(value.replace(",", " ").split()) if isinstance(value, str) else value

    @classmethod
    def read(cls, environ: Mapping[str, str], secret: Callable[[str], str]) -> Self:
        """Raises SettingsInvalid, which names every wrong variable and what it should look like.

        `secret` gives the text of a secret by its ARN; it is asked only where no URL is set.
        """
        names = {name.upper(): name for name in cls.model_fields}
        found = {names[key]: value for key, value in environ.items() if key in names and value}
        for prefix in ("database", "database_migration"):
            name = f"{prefix.upper()}_SECRET_ARN"
            if environ.get(name) and f"{prefix}_url" not in found:
                try:
                    found[f"{prefix}_url"] = database_url(secret(environ[name]))
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
    def secure_cookies(self) -> bool:
        """Plain http is for loopback alone; everywhere else cookies carry Secure and __Host-."""
        return self.public_url.startswith("https://")


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
