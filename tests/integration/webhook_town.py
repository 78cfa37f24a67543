"""A shop that has talked, a webhook about it, and what is left of it in both stores."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.integration.installation import SHOP
from tests.integration.webhooking import dump, everything_in

if TYPE_CHECKING:
    from cj.parts import App

    from tests.integration.installation import Town, Visitor
    from tests.integration.webhooking import Sent

NAME = SHOP.partition(".")[0]
WORDS = "what-the-merchant-typed"


async def send(town: Town, sent: Sent, parts: App | None = None) -> str:
    return await (parts or town.process()).webhooks.receive(sent.body, sent.headers())


async def connected(town: Town, shop: str = SHOP) -> tuple[Visitor, str]:
    """A merchant who has talked; gives the conversation's id."""
    visitor = await town.visitor()
    cid = (await visitor.connect(shop))["conversation_id"]
    tab = await visitor.tab(cid)
    await tab.say(f"{WORDS} in {shop}")
    await town.world.work(**town.settings)
    return visitor, cid


async def looked(town: Town, found: dict[str, str]) -> None:
    """CJ has asked the store something, and the answer is kept."""
    cache = town.process().shopify.cache
    generation = (await cache.get(SHOP, "counts")).generation
    await cache.put(SHOP, "counts", found, 900, generation)


async def traces(town: Town) -> str:
    """All that both stores hold."""
    return await dump(town.world.database_url) + await everything_in(town.world.redis_url)


async def events(town: Town) -> list[str]:
    rows = await town.world.sql("SELECT event_type FROM events ORDER BY created_at, id")
    return [row[0] for row in rows]
