"""What Shopify tells us without being asked, read and checked without a network.

Only the body is signed. What the headers say beside it is believed as far as the body does not
contradict.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from cj.domain.shops import scopes_of, shop_domain
from cj.domain.signatures import SignatureWrong, body_is_signed
from cj.errors import CJError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

TOPICS = frozenset(
    {
        "app/uninstalled",
        "app/scopes_update",
        "customers/data_request",
        "customers/redact",
        "shop/redact",
    }
)
_FAMILIES = ("x-shopify-", "shopify-")
_WORD = re.compile(r"[!-~]{1,200}")
_SHOP_IN_BODY = ("myshopify_domain", "shop_domain")
_WHOLE_SECOND = re.compile(r"[^.,]*")


class WebhookRefused(CJError):
    """Not from Shopify, or not as Shopify sends it. Nothing was done."""

    code = "webhook_refused"
    message = "This was not sent by Shopify."

    def __init__(self, why: str, status: int = 401) -> None:
        super().__init__(why)
        self.status = status


class WebhookUnsigned(WebhookRefused, SignatureWrong):
    """Its signature is wrong."""


@dataclass(frozen=True, slots=True)
class Webhook:
    """One delivery. `facts` are what its topic is about, and nothing about a person besides."""

    id: str
    topic: str
    shop: str
    triggered_at: datetime
    facts: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Left:
    """What a delivery leaves to be forgotten outside PostgreSQL."""

    shop: str
    sessions: tuple[str, ...] = ()
    connections: tuple[str, ...] = ()
    conversations: tuple[UUID, ...] = ()

    @classmethod
    def from_json(cls, found: Mapping[str, Any]) -> Left:
        """As PostgreSQL wrote it down."""
        return cls(
            found["shop"],
            tuple(found.get("sessions", ())),
            tuple(found.get("connections", ())),
            tuple(UUID(cid) for cid in found.get("conversations", ())),
        )


def read_webhook(
    body: bytes, headers: Mapping[str, str], secrets: Sequence[str], now: datetime
) -> Webhook:
    """`headers` are in lower case, of either family. Raises WebhookRefused, and WebhookUnsigned
    where newer secrets may change it.

    The signature comes first: of a body that nobody signed not a byte is looked at.
    """
    if not body_is_signed(body, _header(headers, "hmac-sha256"), secrets):
        raise WebhookUnsigned("the signature is wrong")
    topic, shop = _header(headers, "topic"), shop_domain(_header(headers, "shop-domain"))
    webhook_id = _header(headers, "webhook-id")
    if shop is None or not _WORD.fullmatch(topic) or not _WORD.fullmatch(webhook_id):
        raise WebhookRefused("a header is missing or nonsense")
    said = _object(body)
    if any(said.get(name, shop) != shop for name in _SHOP_IN_BODY):
        raise WebhookRefused("the body is about another shop")
    moment = _moment(_header(headers, "triggered-at")) or now
    return Webhook(webhook_id, topic, shop, moment, _facts(topic, said))


def _header(headers: Mapping[str, str], name: str) -> str:
    found = (headers.get(f"{family}{name}") for family in _FAMILIES)
    return next((value for value in found if value), "")


def _object(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise WebhookRefused("the body is no JSON object", 400)
    return found


def _moment(text: str) -> datetime | None:
    """When it happened. One in whole seconds may be any moment of that second: its last."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    if found.tzinfo is None:
        return None
    whole = _WHOLE_SECOND.fullmatch(text)
    return found.astimezone(UTC) + (timedelta(microseconds=999_999) if whole else timedelta())


def _facts(topic: str, said: Mapping[str, Any]) -> dict[str, Any]:
    """Raises WebhookRefused where the topic's own fields are missing."""
    try:
        if topic == "app/scopes_update":
            current = said["current"]
            scopes = scopes_of(current) if isinstance(current, str) else tuple(map(str, current))
            return {"scopes": ",".join(scopes)}
        if topic.startswith("customers/") and topic in TOPICS:
            request = said.get("data_request", {}).get("id")
            return {
                "customer": f"gid://shopify/Customer/{int(said['customer']['id'])}",
                "request": request if isinstance(request, int) else None,
            }
    except (KeyError, TypeError, ValueError, AttributeError):
        raise WebhookRefused(f"the body is none of {topic}", 400) from None
    return {}
