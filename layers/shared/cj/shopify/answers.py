"""What an HTTP answer of the GraphQL endpoint means: data, or an error of ours."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cj.shopify.errors import (
    QueryRefused,
    QueryTooLarge,
    ScopeMissing,
    ShopifyUnavailable,
    StoreClosed,
    Throttled,
    TokenRefused,
)

if TYPE_CHECKING:
    from cj.shopify.http import Answered

_CLOSED = (402, 403, 404, 423)
_FOR_EVER = b"Non-expiring access tokens"  # Shopify takes those no longer
_SECONDS = re.compile(r"\d{1,9}(\.\d{1,9})?")
_SCOPE = re.compile(r"\b(?:unauthenticated_)?(?:read|write)_\w+")
_PASSING = {"INTERNAL_SERVER_ERROR", "TIMEOUT", "SERVICE_UNAVAILABLE"}


@dataclass(frozen=True, slots=True)
class Body:
    """A GraphQL answer. `denied` names the scopes without which some of the data is null."""

    data: dict[str, Any] | None
    codes: frozenset[str]
    denied: tuple[str, ...]
    cost: dict[str, Any]


def read_body(answered: Answered) -> Body:
    """Raises what the HTTP status says: TokenRefused, Throttled, StoreClosed, ShopifyUnavailable,
    QueryRefused; ShopifyUnavailable also for a body that is no GraphQL answer.
    """
    if answered.status == 401 or (answered.status == 403 and _FOR_EVER in answered.body):
        raise TokenRefused(f"HTTP {answered.status}")
    if answered.status == 429:
        raise Throttled(retry_after_s(answered.headers.get("Retry-After")))
    if answered.status in _CLOSED:
        raise StoreClosed(answered.status)
    if answered.status >= 500:
        raise ShopifyUnavailable(f"HTTP {answered.status}")
    if answered.status != 200:
        raise QueryRefused(f"HTTP {answered.status}")
    return _body(answered.body)


def good_data(body: Body) -> dict[str, Any]:
    """The data, also where a part of them was denied. Raises what the errors' codes say."""
    if "MAX_COST_EXCEEDED" in body.codes:
        raise QueryTooLarge("MAX_COST_EXCEEDED")
    if "SHOP_INACTIVE" in body.codes:
        raise StoreClosed(402)
    if body.codes & _PASSING:
        raise ShopifyUnavailable("an error of Shopify's own")
    if body.codes - {"ACCESS_DENIED"}:
        raise QueryRefused(", ".join(sorted(body.codes)))
    if body.data is None:
        raise ScopeMissing(body.denied) if body.codes else ShopifyUnavailable("no data")
    return body.data


def retry_after_s(header: str | None) -> float:
    """Seconds, perhaps written "2.0"; a second where it says nothing that can be read."""
    return float(header) if header and _SECONDS.fullmatch(header.strip()) else 1.0


def _body(text: bytes) -> Body:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        raise ShopifyUnavailable("the answer is not JSON") from None
    if not isinstance(found, dict):
        raise ShopifyUnavailable("the answer is no object")
    data, errors = found.get("data"), found.get("errors") or []
    listed = [e for e in errors if isinstance(e, dict)] if isinstance(errors, list) else []
    codes = {_code(e) for e in listed} | ({"UNKNOWN"} if errors and not listed else set())
    denied = dict.fromkeys(_needed(e) for e in listed if _code(e) == "ACCESS_DENIED")
    return Body(
        data=data if isinstance(data, dict) else None,
        codes=frozenset(codes),
        denied=tuple(denied),
        cost=_object(_object(found, "extensions"), "cost"),
    )


def _code(error: dict[str, Any]) -> str:
    code = _object(error, "extensions").get("code")
    return code if isinstance(code, str) and re.fullmatch(r"\w{1,64}", code) else "UNKNOWN"


def _needed(error: dict[str, Any]) -> str:
    """The scope that was missing; where Shopify names none, the field."""
    said = f"{_object(error, 'extensions').get('requiredAccess')} {error.get('message')}"
    if match := _SCOPE.search(said):
        return match[0]
    path = error.get("path")
    return str(path[-1])[:64] if isinstance(path, list) and path else "a permission"


def _object(parent: dict[str, Any], key: str) -> dict[str, Any]:
    found = parent.get(key)
    return found if isinstance(found, dict) else {}
