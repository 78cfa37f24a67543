"""A deletion in the middle of a turn, of an outage, and of a process that dies."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from cj.domain.webhooks import read_webhook
from cj.errors import StoreUnavailable

from tests.integration.installation import SHOP
from tests.integration.webhook_town import NAME, WORDS, connected, events, send, traces
from tests.integration.webhooking import dump, everything_in, redacted, uninstalled

if TYPE_CHECKING:
    from tests.integration.installation import Town


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
    visitor, _ = await connected(town)
    await send(town, uninstalled(SHOP))
    sent = redacted(SHOP)
    parts = town.process()
    webhook = read_webhook(
        sent.body, sent.headers(), parts.shopify.client_secrets.known, sent.triggered_at
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


async def test_with_redis_away_the_sockets_are_closed_all_the_same(town: Town) -> None:
    visitor, cid = await connected(town)
    tab = await visitor.tab(cid)
    await town.world.redis.refuse()
    assert await send(town, uninstalled(SHOP)) == "done"
    assert tab.name in town.world.browsers.gone


async def test_with_postgresql_away_shopify_has_to_come_again(town: Town) -> None:
    await connected(town)
    sent = uninstalled(SHOP)
    await town.world.postgres.refuse()
    with pytest.raises(StoreUnavailable):
        await send(town, sent)
    await town.world.outage_is_over()
    assert await send(town, sent) == "done"
