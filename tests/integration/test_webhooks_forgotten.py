"""What is gone after an uninstall and after a redact, and what is still there."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

import pytest
from cj.errors import Unauthenticated
from cj.shopify.errors import NotConnected

from tests.integration.chatroom import said
from tests.integration.installation import OTHER, SHOP
from tests.integration.webhook_town import NAME, WORDS, connected, events, looked, send, traces
from tests.integration.webhooking import Sent, everything_in, redacted, uninstalled

if TYPE_CHECKING:
    from tests.integration.installation import Town

SIGNED_IN = "web_sessions WHERE user_id IS NOT NULL"
COUNTED = ("merchants", "users", "conversations", "messages", SIGNED_IN)


async def test_an_uninstall_wipes_the_tokens_and_signs_everybody_out(town: Town) -> None:
    visitor, cid = await connected(town)
    tab = await visitor.tab(cid)
    await looked(town, {"of": "the store"})
    assert await send(town, uninstalled(SHOP)) == "done"
    (row,) = await town.world.sql("SELECT * FROM merchant_integrations")
    assert (row["api_key"], row["refresh_token"], row["is_active"]) == (None, None, False)
    with pytest.raises(NotConnected):
        await town.process().shopify.access.token(SHOP, 1)
    with pytest.raises(Unauthenticated):
        await visitor.parts.visitors.recognise(visitor.token)
    assert tab.name in town.world.browsers.gone
    assert (await tab.say("still here?"))["code"] == "unauthenticated"
    assert "of the store" not in await everything_in(town.world.redis_url)
    assert (await events(town))[-1] == "app_uninstalled"
    assert town.wire.left == town.wire.left[:1]  # the exchange, and nothing since


async def test_after_a_new_installation_the_earlier_conversations_are_there(town: Town) -> None:
    visitor, cid = await connected(town)
    await send(town, uninstalled(SHOP))
    again = await town.visitor()
    assert (await again.connect(SHOP))["is_new"] == "false"
    assert again.owner == visitor.owner
    assert cid in await again.conversations()
    shown = await again.parts.history.read(again.owner, UUID(cid), 0, 50)
    assert WORDS in json.dumps(shown)
    assert (await town.process().shopify.access.token(SHOP, 1)).token.endswith("_2")


async def test_an_uninstall_that_comes_after_the_next_installation_is_ignored(town: Town) -> None:
    visitor, _ = await connected(town)
    late = uninstalled(SHOP)
    await visitor.connect(SHOP)
    assert await send(town, late) == "ignored"
    assert (await visitor.parts.visitors.recognise(visitor.token)).user_id == visitor.owner
    assert (await town.process().shopify.access.token(SHOP, 1)).token
    assert "app_uninstalled" not in await events(town)
    assert await send(town, uninstalled(SHOP)) == "done"


async def test_of_one_delivery_sent_many_times_at_once_there_is_one_effect(town: Town) -> None:
    await connected(town)
    sent = uninstalled(SHOP)
    processes = [town.process() for _ in range(5)]
    assert await asyncio.gather(*(send(town, sent, p) for p in processes)) == ["done"] * 5
    assert (await events(town)).count("app_uninstalled") == 1
    again = await town.visitor()
    await again.connect(SHOP)
    assert await send(town, sent) == "done"  # what became of it then
    assert (await again.parts.visitors.recognise(again.token)).user_id == again.owner


async def test_a_redact_leaves_nothing_of_the_shop_and_all_of_the_others(town: Town) -> None:
    await connected(town, OTHER)
    before = [await town.count(table) for table in COUNTED]
    visitor, cid = await connected(town)
    await town.world.sql(
        "INSERT INTO user_facts (user_id, key, value, source) VALUES ($1, 'tone', $2, 'chat')",
        *(visitor.owner, WORDS),
    )
    await town.world.sql(
        "INSERT INTO feedback (message_id, conversation_id, rating, reason) "
        "VALUES (gen_random_uuid(), $1, 'up', $2)",
        *(UUID(cid), WORDS),
    )
    await town.world.sql(
        "INSERT INTO usage_ledger (merchant_id, day, model) "
        "SELECT id, current_date, 'm' FROM merchants"
    )
    parts = town.process()
    await looked(town, {"name": NAME})
    await parts.people.record("oauth_refused", {"reason": "denied", "shop": SHOP})
    await town.world.sql("INSERT INTO events_archive SELECT * FROM events")
    await parts.buffer.say(UUID(cid), visitor.owner, said(WORDS), None, 5)
    await visitor.begin(SHOP)
    await send(town, uninstalled(SHOP))
    held = await traces(town)
    assert all(word in held for word in (SHOP, NAME, f"{WORDS} in {SHOP}", visitor.owner))
    assert await send(town, redacted(SHOP)) == "done"
    held = await traces(town)
    rates = [line for line in held.splitlines() if line.startswith("rl:")]
    held = "\n".join(line for line in held.splitlines() if line not in rates)
    for word in (NAME, f"{WORDS} in {SHOP}", visitor.owner):
        assert word not in held, word
    assert f"{WORDS} in {OTHER}" in held
    assert [line for line in held.splitlines() if cid in line] == [f"{{{cid}}}:gone 1"]
    assert [await town.count(table) for table in COUNTED] == before
    (told,) = await town.world.sql("SELECT * FROM events WHERE event_type = 'shop_redact'")
    assert told["user_id"] is None
    assert json.loads(told["event_data"]) == {"conversations": 1, "messages": 2 + 1}


async def test_a_redact_of_a_shop_that_came_back_is_ignored(town: Town) -> None:
    _, cid = await connected(town)
    await send(town, uninstalled(SHOP))
    early = redacted(SHOP, triggered_at=datetime.now(UTC))
    visitor = await town.visitor()
    await visitor.connect(SHOP)
    assert await send(town, early) == "ignored"
    for days in (2, 29):  # of that uninstall, long after the installation that followed
        late = datetime.now(UTC) + timedelta(days=days)
        assert await send(town, redacted(SHOP, triggered_at=late)) == "ignored"
    assert cid in await visitor.conversations()
    await send(town, uninstalled(SHOP))
    assert await send(town, early) == "ignored"
    assert await send(town, redacted(SHOP)) == "done"
    assert await town.count("merchants") == 0


@pytest.mark.parametrize(
    ("installed", "came_back", "outcome"),
    [
        (5, 5, "ignored"),  # of the uninstall from which the shop came back
        (29, 29, "ignored"),
        (31, 31, "done"),  # of one that was never heard of: the other was long ago
        (6, 31, "ignored"),  # installed since, perhaps after the uninstall that is meant
        (8, 31, "done"),
        (8, 29, "ignored"),
    ],
)
async def test_that_a_shop_came_back_once_counts_for_thirty_days(
    town: Town, installed: int, came_back: int, outcome: str
) -> None:
    await connected(town)
    await send(town, uninstalled(SHOP))
    await (await town.visitor()).connect(SHOP)
    await town.world.sql(
        "UPDATE merchants SET installed_at = clock_timestamp() - $1::interval, "
        "came_back_at = clock_timestamp() - $2::interval",
        *(timedelta(days=installed), timedelta(days=came_back)),
    )
    assert await send(town, redacted(SHOP, triggered_at=datetime.now(UTC))) == outcome
    assert await town.count("merchants") == (outcome == "ignored")


async def test_a_redact_whose_uninstall_was_never_heard_of_deletes_all_the_same(
    town: Town,
) -> None:
    await connected(town)
    early, late = (datetime.now(UTC) + timedelta(days=7, hours=hours) for hours in (-1, 1))
    assert await send(town, redacted(SHOP, triggered_at=early)) == "ignored"
    assert await send(town, redacted(SHOP, triggered_at=late)) == "done"
    assert NAME not in await traces(town)


async def test_a_shop_that_is_not_here_leaves_no_name_either(town: Town) -> None:
    parts = town.process()
    await parts.people.record("oauth_refused", {"reason": "denied", "shop": SHOP})
    assert await send(town, redacted(SHOP)) == "done"
    assert await send(town, uninstalled(SHOP)) == "unknown_shop"
    customer = {"customer": {"id": 7}}
    assert await send(town, Sent("customers/redact", SHOP, customer)) == "unknown_shop"
    assert NAME not in await traces(town)
    assert await events(town) == ["shop_redact", "app_uninstalled", "customers_redact"]


async def test_a_shop_that_was_deleted_may_come_again_as_a_new_one(town: Town) -> None:
    visitor, _ = await connected(town)
    await send(town, uninstalled(SHOP))
    await send(town, redacted(SHOP))
    again = await town.visitor()
    assert (await again.connect(SHOP))["is_new"] == "true"
    assert again.owner == visitor.owner  # it follows from the shop's name
    assert len(await again.conversations()) == 1
    assert WORDS not in await traces(town)
