"""Webhooks: queued when something happens, sent when due, tried again for four hours."""

from __future__ import annotations

import asyncio
import contextlib
import json
import ssl
import uuid
from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal, Self

import httpx

from local.shopify.clock import iso
from local.shopify.signing import sign_body
from local.shopify.versions import SCHEMA_VERSION
from local.shopify.world import Delivery

if TYPE_CHECKING:
    from local.shopify.world import World

Family = Literal["x-shopify", "shopify", "both"]
# Seconds until the next try: eight of them within four hours.
RETRY_S = (60, 120, 240, 480, 960, 1_920, 3_840, 6_780)
_TIMEOUT = httpx.Timeout(5.0, connect=1.0)
_NO_HTTPS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # trusts nobody; loopback has no https
_LOOK_S = 0.5  # how long a clock that is moved by hand may stay unnoticed
_REMEMBERED = 100
_HEADERS = {
    "Topic": "topic",
    "Hmac-Sha256": "hmac",
    "Shop-Domain": "shop",
    "API-Version": "version",
    "Webhook-Id": "id",
    "Event-Id": "event",
    "Triggered-At": "triggered_at",
}


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try. `status` is 0 when there was no answer in time."""

    id: str
    topic: str
    shop: str
    status: int
    at: str


@dataclass(slots=True)
class Webhooks:
    """Sends to one address whatever is due, from `async with` to its end."""

    world: World
    url: str | None  # None: this application takes no webhooks
    family: Family = "x-shopify"
    holding: bool = False  # new deliveries wait until somebody lets them go
    copies: int = 1  # how often each is sent
    attempts: deque[Attempt] = field(default_factory=lambda: deque(maxlen=_REMEMBERED))
    _changed: asyncio.Event = field(default_factory=asyncio.Event)
    _sending: asyncio.Task[None] | None = None
    _under_way: bool = False

    async def __aenter__(self) -> Self:
        self.world.listeners.append(self._changed.set)
        self._sending = asyncio.create_task(self._send_for_ever())
        return self

    async def __aexit__(self, *_: object) -> None:
        self.world.listeners.remove(self._changed.set)
        if self._sending:
            self._sending.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._sending

    def trigger(
        self, shop: str, topic: str, body: dict[str, Any], *, after_s: float = 0
    ) -> Delivery:
        """Happened now, or will have happened by then. The caller says `changed()`."""
        moment = datetime.fromtimestamp(self.world.clock.wall() + after_s, UTC)
        delivery = Delivery(
            id=str(uuid.uuid4()),
            topic=topic,
            shop=shop,
            body=json.dumps(body, separators=(",", ":"), ensure_ascii=False),
            triggered_at=moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
            due_at=self.world.clock.now() + after_s,
            held=self.holding,
        )
        self.world.memory.deliveries.append(delivery)
        return delivery

    def release(self) -> None:
        """What was held goes out late, as what it was when it happened."""
        for delivery in self.world.memory.deliveries:
            delivery.held = False
        self.world.changed()

    async def settled(self) -> None:
        """Returns when nothing is due any more."""
        while self._under_way or self._due():
            self._changed.set()
            await asyncio.sleep(0.01)

    def _due(self) -> Delivery | None:
        now = self.world.clock.now()
        waiting = self.world.memory.deliveries
        return next((d for d in waiting if not d.held and d.due_at <= now), None)

    async def _send_for_ever(self) -> None:
        """One after the other, in the order they happened."""
        async with httpx.AsyncClient(timeout=_TIMEOUT, trust_env=False, verify=_NO_HTTPS) as client:
            while True:
                self._changed.clear()
                while delivery := self._due():
                    self._under_way = True
                    try:
                        await self._send(client, delivery)
                    finally:
                        self._under_way = False
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(_LOOK_S):
                        await self._changed.wait()

    async def _send(self, client: httpx.AsyncClient, delivery: Delivery) -> None:
        accepted = True
        for _ in range(self.copies):
            accepted = await self._try(client, delivery) and accepted
        memory = self.world.memory
        if accepted or delivery.tries >= len(RETRY_S):
            memory.deliveries = [d for d in memory.deliveries if d.id != delivery.id]
        else:
            delivery.due_at = self.world.clock.now() + RETRY_S[delivery.tries]
            delivery.tries += 1
        self.world.changed()

    async def _try(self, client: httpx.AsyncClient, delivery: Delivery) -> bool:
        status, body = 0, delivery.body.encode()
        if self.url:
            with contextlib.suppress(httpx.HTTPError):
                answer = await client.post(self.url, content=body, headers=self._headers(delivery))
                status = answer.status_code
        at = iso(self.world.clock.today())
        self.attempts.append(Attempt(delivery.id, delivery.topic, delivery.shop, status, at))
        return not self.url or 200 <= status < 300

    def _headers(self, delivery: Delivery) -> dict[str, str]:
        values = {
            "topic": delivery.topic,
            "hmac": sign_body(delivery.body.encode(), self.world.memory.api_secret),
            "shop": delivery.shop,
            "version": SCHEMA_VERSION,
            "id": delivery.id,
            "event": str(uuid.uuid5(uuid.NAMESPACE_OID, delivery.id)),
            "triggered_at": delivery.triggered_at,
        }
        prefixes = {"x-shopify": ["X-Shopify-"], "shopify": ["shopify-"]}
        found = {
            f"{prefix}{name if prefix[0] == 'X' else name.lower()}": values[key]
            for prefix in prefixes.get(self.family, ["X-Shopify-", "shopify-"])
            for name, key in _HEADERS.items()
        }
        return {"Content-Type": "application/json", "User-Agent": "Shopify-Captain-Hook", **found}
