"""Webhooks as Shopify sends them, and everything that PostgreSQL and Redis hold as one text."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import asyncpg
from cj.domain.signatures import sign_body
from redis.asyncio import Redis

from tests.integration.installing import SECRET, http_event

if TYPE_CHECKING:
    from collections.abc import Mapping

PATH = "/api/v1/shopify/webhooks"


@dataclass(frozen=True)
class Sent:
    """One delivery, which may be sent again."""

    topic: str
    shop: str
    said: Mapping[str, Any] = field(default_factory=dict)
    triggered_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    id: str = field(default_factory=lambda: str(uuid4()))

    @property
    def body(self) -> bytes:
        return json.dumps({"shop_domain": self.shop, **self.said}).encode()

    def headers(self, secret: str = SECRET, family: str = "x-shopify-") -> dict[str, str]:
        told = {
            "topic": self.topic,
            "hmac-sha256": sign_body(self.body, secret),
            "shop-domain": self.shop,
            "webhook-id": self.id,
            "triggered-at": self.triggered_at.isoformat(),
        }
        return {f"{family}{name}": value for name, value in told.items()}

    def event(
        self, changed: Mapping[str, str] | None = None, *, encoded: bool = False
    ) -> dict[str, Any]:
        """As API Gateway hands it on; a header that is changed to nothing is not there."""
        event = http_event("POST", PATH, body=self.body.decode())
        headers = {**self.headers(), **(changed or {})}
        event["headers"] |= {name: value for name, value in headers.items() if value}
        if encoded:
            event |= {"body": base64.b64encode(self.body).decode(), "isBase64Encoded": True}
        return event


def uninstalled(shop: str, **more: Any) -> Sent:
    return Sent("app/uninstalled", shop, {"myshopify_domain": shop}, **more)


def redacted(shop: str, **more: Any) -> Sent:
    """Two days after the uninstall, as Shopify does."""
    moment = datetime.now(UTC) + timedelta(hours=48)
    return Sent("shop/redact", shop, {"shop_id": 1}, **{"triggered_at": moment, **more})


async def dump(url: str) -> str:
    """Every row of every table."""
    connection = await asyncpg.connect(url)
    try:
        tables = await connection.fetch("SELECT relname FROM pg_stat_user_tables ORDER BY 1")
        rows = [
            str(row[0])
            for table in tables
            for row in await connection.fetch(f'SELECT t::text FROM "{table[0]}" t')
        ]
    finally:
        await connection.close()
    return "\n".join(rows)


async def everything_in(url: str) -> str:
    """Every key of Redis with what it holds."""
    client = Redis.from_url(url, decode_responses=True)
    try:
        found = [f"{key} {await _held(client, key)}" async for key in client.scan_iter()]
    finally:
        await client.aclose()
    return "\n".join(sorted(found))


async def _held(client: Redis, key: str) -> object:
    match await client.type(key):
        case "string":
            return await client.get(key)
        case "hash":
            return await client.hgetall(key)
        case "list":
            return await client.lrange(key, 0, -1)
        case "set":
            return await client.smembers(key)
        case "zset":
            return await client.zrange(key, 0, -1)
    return await client.xrange(key)
