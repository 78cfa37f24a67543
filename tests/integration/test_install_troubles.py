"""A shop is connected while something is away, late, lost, or done twice."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from uuid import UUID

import pytest
from cj.domain.callbacks import CallbackRefused
from cj.domain.handoffs import trigger_id
from cj.errors import StoreError
from cj.flows.handoff import HandOff

from tests.integration.installation import SHOP, TABLES

if TYPE_CHECKING:
    from tests.integration.installation import Town


async def test_with_redis_away_the_old_sockets_are_closed_and_the_shop_is_connected(
    town: Town,
) -> None:
    visitor = await town.visitor()
    tab = await visitor.tab()
    await town.world.redis.refuse()
    landed = await visitor.connect(SHOP, tab.cid)
    assert landed["conversation_id"] == str(tab.cid)
    assert tab.name in town.world.browsers.gone
    assert await town.greetings(str(tab.cid)) == ["Hello there."]


async def test_what_was_said_while_postgresql_was_away_is_claimed_too(town: Town) -> None:
    visitor = await town.visitor()
    tab = await visitor.tab()
    await tab.say("Saved")
    await town.world.work()
    await town.world.postgres.refuse()
    ack = await tab.say("Not saved yet")
    assert ack["durable"] is False
    await town.world.outage_is_over()
    town.world.events.queued.clear()
    landed = await visitor.connect(SHOP)  # CJ greets elsewhere, and so touches nothing here
    assert landed["conversation_id"] != str(tab.cid)
    rows = await town.world.rows(tab.cid)
    assert [r["text"] for r in rows if r["role"] == "user"] == ["Saved", "Not saved yet"]
    assert [r["seq"] for r in rows] == list(range(1, len(rows) + 1))


async def test_postgresql_going_away_after_the_exchange_leaves_no_half_of_a_merchant(
    town: Town,
) -> None:
    visitor = await town.visitor()
    query = await visitor.begin(SHOP)
    town.wire.before = town.world.postgres.refuse
    with pytest.raises(StoreError):
        await visitor.come_back(query)
    await town.world.outage_is_over()
    assert [await town.count(table) for table in TABLES] == [0, 0, 0]
    assert (await visitor.connect(SHOP))["is_new"] == "true"


async def test_a_reply_lost_after_the_commit_changes_nothing(town: Town) -> None:
    visitor = await town.visitor()
    tab = await visitor.tab()
    query = await visitor.begin(SHOP, tab.cid)

    async def lose_the_next() -> None:
        town.world.postgres.losing_replies = 1

    town.wire.before = lose_the_next
    landed = await visitor.come_back(query)
    assert town.world.postgres.lost_replies == 1
    assert landed["is_new"] == "true"
    assert landed["conversation_id"] == str(tab.cid)
    assert [await town.count(table) for table in (*TABLES, "events")] == [1, 1, 1, 2]
    assert await town.triggers() == 1


async def test_of_two_callbacks_at_once_one_counts(town: Town) -> None:
    visitor = await town.visitor()
    query = list((await visitor.begin(SHOP)).items())
    processes = [town.process() for _ in range(4)]
    outcomes = await asyncio.gather(
        *(p.installs.complete(query, visitor.token, "192.0.2.1") for p in processes),
        return_exceptions=True,
    )
    refused = [o for o in outcomes if isinstance(o, CallbackRefused)]
    assert (len(outcomes), len(refused)) == (4, 3)
    assert {error.status for error in refused} == {403}
    assert len(town.wire.left) == 1
    assert await town.triggers() == 1


async def test_two_browsers_that_connect_a_new_shop_at_once_are_one_user(town: Town) -> None:
    visitors = [await town.visitor() for _ in range(4)]
    landed = await asyncio.gather(*(visitor.connect(SHOP) for visitor in visitors))
    assert {visitor.owner for visitor in visitors} == {visitors[0].owner}
    assert sorted(found["is_new"] for found in landed) == ["false", "false", "false", "true"]
    assert [await town.count(table) for table in TABLES] == [1, 1, 1]
    (row,) = await town.world.sql("SELECT merchant_id, api_key FROM merchant_integrations")
    token = await visitors[0].parts.shopify.cipher.open(
        row["api_key"], row["merchant_id"], "api_key"
    )
    assert token.startswith("shpat_canary_")
    for found in landed:
        assert await town.greetings(found["conversation_id"]) == ["Hello there."]


async def test_a_hand_off_that_fails_is_made_up_for_when_the_page_opens(town: Town) -> None:
    town.internal.down = True
    visitor = await town.visitor()
    landed = await visitor.connect(SHOP)
    assert len(town.internal.asked) == 1
    assert await town.triggers() == 0
    tabs = [await visitor.tab(landed["conversation_id"]) for _ in range(2)]
    ready = tabs[0].told("ready")[0]
    assert (ready["workflow"], ready["connected"]) == ("shopify_post_auth", {"shop": SHOP})
    await town.world.work()
    assert await town.triggers() == 1
    assert await town.greetings(landed["conversation_id"]) == ["Hello there."]
    for tab in tabs:
        assert tab.transcript()[-1] == (2, "Hello there.")
    later = await visitor.tab(landed["conversation_id"])
    assert [m["role"] for m in later.told("ready")[0]["messages"]] == ["system", "assistant"]
    assert town.world.events.queued == []


async def test_after_a_hand_off_that_failed_a_page_that_names_no_conversation_is_greeted(
    town: Town,
) -> None:
    town.internal.down = True
    visitor = await town.visitor()
    landed = await visitor.connect(SHOP)
    tab = await visitor.tab()
    assert str(tab.cid) == landed["conversation_id"]
    assert tab.told("ready")[0]["workflow"] == "shopify_post_auth"
    await town.world.work()
    assert tab.transcript() == [(1, ""), (2, "Hello there.")]
    assert await town.triggers() == 1
    again = await visitor.tab()
    assert again.cid != tab.cid  # CJ has greeted: that one is not empty any more
    assert again.told("ready")[0]["messages"] == []
    assert await town.triggers() == 1


async def test_after_a_hand_off_that_failed_two_pages_at_once_are_greeted_once(
    town: Town,
) -> None:
    town.internal.down = True
    visitor = await town.visitor()
    landed = await visitor.connect(SHOP)
    tabs = await asyncio.gather(*(visitor.tab() for _ in range(4)))
    assert {str(tab.cid) for tab in tabs} == {landed["conversation_id"]}
    await town.world.work()
    assert await town.triggers() == 1
    assert await town.greetings(landed["conversation_id"]) == ["Hello there."]
    for tab in tabs:
        assert tab.transcript()[-1] == (2, "Hello there.")


async def test_a_page_that_has_nothing_and_asks_again_is_greeted(town: Town) -> None:
    """The first time nobody could ask for the greeting."""
    town.internal.down = True
    visitor = await town.visitor()
    landed = await visitor.connect(SHOP)
    tab = await visitor.tab(landed["conversation_id"])
    town.world.events.queued.clear()
    await town.world.sql("DELETE FROM messages")
    await town.world.sql(
        "UPDATE conversations SET last_seq = 0, last_input_seq = 0, turn_id = NULL, "
        "turn_until = NULL"
    )
    await town.world.flush()
    await tab.resume(0)
    assert await town.triggers() == 1
    await town.world.work()
    assert await town.greetings(landed["conversation_id"]) == ["Hello there."]


async def test_a_page_that_names_no_conversation_shows_what_was_said_in_the_dark(
    town: Town,
) -> None:
    """In PostgreSQL the conversation is still empty, in Redis it is not."""
    visitor = await town.visitor()
    tab = await visitor.tab()
    await town.world.postgres.refuse()
    assert (await tab.say("Said in the dark"))["durable"] is False
    await town.world.outage_is_over()
    town.world.events.queued.clear()
    again = await visitor.tab()
    assert again.cid == tab.cid
    assert [m["text"] for m in again.told("ready")[0]["messages"]] == ["Said in the dark"]


async def test_a_hand_off_twice_and_a_page_at_once_greet_once(town: Town) -> None:
    visitor = await town.visitor()
    landed = await visitor.connect(SHOP)
    body = town.internal.asked[0]
    again = (town.internal.post("/internal/session/initiate", body, "") for _ in range(3))
    await asyncio.gather(*again, visitor.tab(landed["conversation_id"]))
    assert await town.triggers() == 1
    assert await town.greetings(landed["conversation_id"]) == ["Hello there."]
    rows = await town.world.rows(UUID(landed["conversation_id"]))
    assert rows[0]["client_id"] == trigger_id(UUID(landed["conversation_id"]))


async def test_a_hand_off_that_takes_too_long_is_not_waited_for(town: Town) -> None:
    visitor = await town.visitor()
    gate = asyncio.Event()

    class Slow:
        async def post(self, *_: object) -> None:
            await gate.wait()

    parts = visitor.parts
    parts.hand_off = HandOff(Slow(), parts.journal, budget_s=0.05)  # type: ignore[arg-type]
    landed = await visitor.connect(SHOP)
    assert landed["oauth"] == "complete"
    assert not gate.is_set()


async def test_tokens_are_sealed_again_for_a_merchant_that_somebody_else_has_just_made(
    town: Town,
) -> None:
    one, two = await town.visitor(), await town.visitor()
    query = await one.begin(SHOP)

    async def somebody_is_quicker() -> None:
        assert (await two.connect(SHOP))["is_new"] == "true"

    town.wire.before = somebody_is_quicker
    assert (await one.come_back(query))["is_new"] == "false"
    assert [await town.count(table) for table in TABLES] == [1, 1, 1]
    shop_token = await one.parts.shopify.access.token(SHOP, 5)
    assert shop_token.token.startswith("shpat_canary")


async def test_a_shop_that_is_connected_again_from_its_conversation_is_greeted_there_once(
    town: Town,
) -> None:
    visitor = await town.visitor()
    landed = await visitor.connect(SHOP)
    again = await visitor.connect(SHOP, UUID(landed["conversation_id"]))
    assert again["conversation_id"] == landed["conversation_id"]
    assert await town.greetings(landed["conversation_id"]) == ["Hello there."]
