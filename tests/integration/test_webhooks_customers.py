"""Webhooks that delete no shop: customers, scopes, and topics nobody asked for."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

from tests.integration.installation import SHOP
from tests.integration.webhook_town import connected, events, looked, send
from tests.integration.webhooking import Sent, dump, everything_in

if TYPE_CHECKING:
    from tests.integration.installation import Town


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
    await looked(town, {"of": "the store"})
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
