"""A page opens a conversation, with a look at what stands in its way."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

from tests.stories.test_sign_in import sign_in
from tests.stories.world import TRY_S

if TYPE_CHECKING:
    from tests.stories.world import World


async def test_an_outage_costs_nobody_the_new_conversations_of_an_hour(world: World) -> None:
    tab = await world.tab()
    await tab.say("Something, so that there is no empty conversation")
    tab.parts = world.process(limit_conversations_per_hour=2)  # one is made
    await world.postgres.refuse()
    for _ in range(3):
        assert (await tab.send("start"))["code"] == "storage_degraded"
        await asyncio.sleep(TRY_S)
    await world.postgres.normal()
    await world.outage_is_over()
    assert (await tab.send("start"))["type"] == "ready"


async def test_the_empty_conversation_is_there_also_when_no_new_one_may_be_made(
    world: World,
) -> None:
    tab = await world.tab(owner=f"anon_{uuid4().hex}")
    await tab.say("Something, so that there is no empty conversation")
    tab.parts = world.process(limit_conversations_per_hour=2)  # one is made
    made = await tab.send("start")
    again = await tab.send("start")
    assert (again["type"], again["cid"]) == ("ready", made["cid"])
    tab.cid = UUID(made["cid"])
    await tab.say("Something here, too")
    assert (await tab.send("start"))["code"] == "rate_limited"


async def test_right_after_an_outage_what_is_missing_is_missing(world: World) -> None:
    tab = await world.tab()
    await tab.say("Mine")
    await world.postgres.refuse()
    assert (await tab.send("start", cid=tab.cid))["degraded"] == ["postgres"]
    await world.postgres.normal()
    await asyncio.sleep(2 * TRY_S)
    tab.parts.outage.look_s = 60  # what it learns now it goes by
    assert (await tab.send("start", cid=uuid4()))["code"] == "not_found"


async def test_who_has_signed_in_elsewhere_begins_nothing_under_the_old_name(world: World) -> None:
    tab = await world.tab()
    await tab.say("Mine so far")
    await sign_in(tab)
    refused = await tab.send("start")
    assert (refused["code"], refused["retryable"]) == ("unauthenticated", True)
