"""A client whose Shopify is scripted, and what Shopify says about points and errors."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeAlias

from cj.domain.ids import new_id
from cj.shopify.access import ShopAccess
from cj.shopify.client import ShopifyClient
from cj.shopify.http import Addresses
from cj.shopify.operations import Operation
from cj.store.integrations import Integration

from tests.shopify.scripted import Script, reply
from tests.shopify.side import SCOPES, VERSION

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    import httpx

SHOP = "a.myshopify.com"
ASK = Operation("ask", "{ shop { name } }")
DATA = {"data": {"shop": {"name": "A"}}}
CANARY = "shpat_canary"
Answer: TypeAlias = "Callable[[], httpx.Response]"


class Plain:
    """A cipher for tests that look elsewhere, and a row that never changes."""

    async def open(self, text: str, merchant: UUID, column: str) -> str:
        return text

    async def find(self, shop: str) -> Integration:
        ends = datetime.now(UTC) + timedelta(days=1)
        return Integration(new_id(), CANARY, None, ends, None, ",".join(SCOPES), is_active=True)

    async def end(self, seen: Integration) -> None: ...


class Asker:
    """A client whose Shopify is scripted; its clock only moves by its own waits."""

    def __init__(self, *answers: Answer) -> None:
        self.script = Script(*answers)
        self.waits: list[float] = []
        self.now = 1_000.0
        http, plain, addresses = self.script.http(), Plain(), Addresses()
        access = ShopAccess(plain, plain, None)  # type: ignore[arg-type]
        self.client = ShopifyClient(
            *(http, addresses, access, VERSION),
            clock=lambda: self.now,
            wall_clock=lambda: self.now,
            sleep=self.sleep,
        )

    async def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.now += seconds
        await asyncio.sleep(0)

    async def ask(self, time_left_s: float = 60) -> dict[str, Any]:
        return (await self.client.ask(SHOP, ASK, {}, time_left_s)).data


def cost(requested: float, available: float, maximum: float = 2_000, rate: float = 100) -> Any:
    status = {
        "maximumAvailable": maximum,
        "currentlyAvailable": available,
        "restoreRate": rate,
    }
    told = {"requestedQueryCost": requested, "actualQueryCost": None, "throttleStatus": status}
    return {"cost": told}


def errors(code: str, **more: Any) -> dict[str, Any]:
    return {"errors": [{"message": "no", "extensions": {"code": code}, **more}]}


def throttled(requested: float, available: float, **rest: float) -> Answer:
    return reply({**errors("THROTTLED"), "extensions": cost(requested, available, **rest)})
