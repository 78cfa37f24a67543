"""What is gone after an uninstall and after a redact, and what is still there."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

import pytest
from cj.domain.webhooks import read_webhook
from cj.errors import StoreUnavailable, Unauthenticated
from cj.shopify.errors import NotConnected

from tests.integration.chatroom import said
from tests.integration.installation import OTHER, SHOP
from tests.integration.webhooking import Sent, dump, everything_in, redacted, uninstalled

if TYPE_CHECKING:
    from cj.parts import App

    from tests.integration.installation import Town, Visitor

NAME = SHOP.partition(".")[0]
WORDS = "what-the-merchant-typed"
SIGNED_IN = "web_sessions WHERE user_id IS NOT NULL"
COUNTED = ("merchants", "users", "conversations", "messages", SIGNED_IN)


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


async def traces(town: Town) -> str:
    """All that both stores hold."""
    return await dump(town.world.database_url) + await everything_in(town.world.redis_url)


async def events(town: Town) -> list[str]:
    rows = await town.world.sql("SELECT event_type FROM events ORDER BY created_at, id")
    return [row[0] for row in rows]


async def test_an_uninstall_wipes_the_tokens_and_signs_everybody_out(town: Town) -> None:
    visitor, cid = await connected(town)
    tab = await visitor.tab(cid)
    await town.process().shopify.cache.put(SHOP, "counts", {"of": "the store"}, 900)
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
    await town.world.sql("INSERT INTO events_archive SELECT * FROM events")
    parts = town.process()
    await parts.shopify.cache.put(SHOP, "counts", {"name": NAME}, 900)
    await parts.people.record("oauth_refused", {"reason": "denied", "shop": SHOP})
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
    # Two days after the uninstall, and so after the installation that followed.
    assert (
        await send(town, redacted(SHOP, triggered_at=datetime.now(UTC) + timedelta(hours=40)))
        == "ignored"
    )
    assert cid in await visitor.conversations()
    await send(town, uninstalled(SHOP))
    assert await send(town, early) == "ignored"
    assert await send(town, redacted(SHOP)) == "done"
    assert await town.count("merchants") == 0


async def test_a_redact_whose_uninstall_was_never_heard_of_deletes_all_the_same(
    town: Town,
) -> None:
    await connected(town)
    assert (
        await send(town, redacted(SHOP, triggered_at=datetime.now(UTC) + timedelta(hours=49)))
        == "done"
    )
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


@pytest.mark.parametrize("words", [1, 3])
async def test_a_turn_that_runs_meanwhile_stops_quietly_and_writes_nothing(
    town: Town, words: int
) -> None:
    town.world.words.words = ("secret-answer ",) * 4
    visitor, cid = await connected(town)
    tab = await visitor.tab(cid)
    await tab.say(WORDS)
    running = await town.world.turn_speaks(town.world.events.queued.pop(0), words, **town.settings)
    await send(town, uninstalled(SHOP))
    await send(town, redacted(SHOP))
    await town.world.let_it_end()
    assert running.exception() is None
    assert "secret-answer" not in await traces(town)
    assert [k for k in (await everything_in(town.world.redis_url)).splitlines() if cid in k] == [
        f"{{{cid}}}:gone 1"
    ]
    assert town.world.events.queued == []


async def test_a_turn_that_begins_afterwards_finds_nothing(town: Town) -> None:
    visitor, cid = await connected(town)
    tab = await visitor.tab(cid)
    await tab.say(WORDS)
    event = town.world.events.queued.pop(0)
    await send(town, uninstalled(SHOP))
    await send(town, redacted(SHOP))
    await town.world.turn(event, **town.settings)
    assert WORDS not in await traces(town)


async def test_what_a_process_did_not_finish_the_same_delivery_does(town: Town) -> None:
    """It died after COMMIT: PostgreSQL has forgotten, and Redis has not."""
    visitor, cid = await connected(town)
    await send(town, uninstalled(SHOP))
    sent = redacted(SHOP)
    parts = town.process()
    webhook = read_webhook(
        sent.body, sent.headers(), parts.shopify.signing_secrets, sent.triggered_at
    )
    taken = await parts.deliveries.take(webhook)
    assert taken.left is not None
    assert WORDS in await everything_in(town.world.redis_url)
    assert await send(town, sent) == "done"
    assert NAME not in await traces(town)
    assert visitor.owner not in await dump(town.world.database_url)
    assert (await events(town)) == ["shop_redact"]


async def test_what_nobody_finished_the_sweep_does(town: Town) -> None:
    await connected(town)
    await send(town, uninstalled(SHOP))
    await town.world.redis.refuse()
    assert await send(town, redacted(SHOP)) == "done"
    assert await send(town, redacted(SHOP)) == "done"
    await town.world.redis_is_back()
    assert WORDS in await everything_in(town.world.redis_url)
    sweep = town.process()
    assert (await sweep.sweeper.run(60))["forgotten"] == 0  # who began it may be at it
    await town.world.sql("UPDATE webhook_deliveries SET received_at = received_at - interval '1 h'")
    assert (await sweep.sweeper.run(60))["forgotten"] == 2
    assert (await sweep.sweeper.run(60))["forgotten"] == 0
    held = await traces(town)
    assert WORDS not in held
    assert NAME not in held


async def test_with_postgresql_away_shopify_has_to_come_again(town: Town) -> None:
    await connected(town)
    sent = uninstalled(SHOP)
    await town.world.postgres.refuse()
    with pytest.raises(StoreUnavailable):
        await send(town, sent)
    await town.world.outage_is_over()
    assert await send(town, sent) == "done"


async def test_a_customer_is_no_longer_named_in_what_was_looked_up(town: Town) -> None:
    _, cid = await connected(town)
    them, other = "gid://shopify/Customer/7", "gid://shopify/Customer/77"
    looked_up = {"v": 1, "blocks": [{"json": [{"customer": {"id": c}} for c in (them, other)]}]}
    await town.world.sql(
        "UPDATE messages SET content = $2 WHERE conversation_id = $1 AND role = 'assistant'",
        *(UUID(cid), json.dumps(looked_up)),
    )
    archived = [{"seq": 0, "text": "old", "content": looked_up}, {"seq": 0, "text": "older"}]
    await town.world.sql(
        "UPDATE conversations SET messages = $2, archived_through_seq = 1 WHERE id = $1",
        *(UUID(cid), json.dumps(archived)),
    )
    said = {"customer": {"id": 7, "email": "john@example.com"}, "data_request": {"id": 42}}
    rows = await town.count("messages")
    asked = Sent("customers/data_request", SHOP, said)
    assert await send(town, asked) == "done"
    assert them in await dump(town.world.database_url)
    assert await send(town, Sent("customers/redact", SHOP, said)) == "done"
    held = await dump(town.world.database_url)
    assert f'"{them}"' not in held.replace("\\", "").replace('""', '"')
    assert other in held
    assert "john@example.com" not in held
    assert '"older"' in held.replace('""', '"')
    told = await town.world.sql(
        "SELECT event_type, event_data FROM events WHERE event_type LIKE 'customers%' "
        "ORDER BY created_at"
    )
    mentions = json.loads(told[0]["event_data"])["mentions"]
    assert mentions > 1
    assert [(t["event_type"], json.loads(t["event_data"])) for t in told] == [
        ("customers_data_request", {"shop": SHOP, "request": 42, "mentions": mentions}),
        ("customers_redact", {"shop": SHOP, "request": 42, "mentions": mentions}),
    ]
    assert await town.count("messages") == rows


async def test_changed_scopes_are_known_and_an_older_change_changes_nothing(town: Town) -> None:
    await connected(town)
    await town.process().shopify.cache.put(SHOP, "counts", {"of": "the store"}, 900)
    older = Sent("app/scopes_update", SHOP, {"current": ["read_orders"]})
    newer = Sent("app/scopes_update", SHOP, {"current": ["read_products", "read_orders"]})
    assert await send(town, newer) == "done"
    assert await send(town, older) == "ignored"
    (row,) = await town.world.sql("SELECT scopes, config FROM merchant_integrations")
    assert row["scopes"] == "read_products,read_orders"
    assert json.loads(row["config"])["scopes"] == row["scopes"]
    assert "of the store" not in await everything_in(town.world.redis_url)
    assert (await events(town)).count("app_scopes_update") == 1
    assert (await town.process().shopify.access.token(SHOP, 1)).scopes == (
        "read_products",
        "read_orders",
    )


async def test_a_topic_nobody_asked_for_changes_nothing(town: Town) -> None:
    await connected(town)
    before = await dump(town.world.database_url)
    assert await send(town, Sent("orders/create", SHOP, {"id": uuid4().int})) == "unknown_topic"
    assert await dump(town.world.database_url) == before
