"""Redis goes away, or forgets everything: it costs speed and the middle of a stream."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

if TYPE_CHECKING:
    from tests.stories.world import World


async def test_both_stores_are_down_and_nobody_is_told_a_lie(world: World) -> None:
    tab = await world.tab()
    await world.postgres.refuse()
    await world.redis.refuse()
    client = uuid4()
    answers = [await tab.say("Hello", id=client), await tab.start(tab.cid), await tab.resume(0)]
    assert [(a["type"], a["code"], a["retryable"]) for a in answers] == [
        ("error", "unavailable", True)
    ] * 3
    await world.redis.normal()
    await world.outage_is_over()
    await world.redis_is_back()
    ack = await tab.say("Hello", id=client)
    assert (ack["dup"], ack["durable"], ack["seq"]) == (False, True, 1)


async def test_redis_is_down_and_everything_works_but_the_middle_of_a_turn(world: World) -> None:
    tab = await world.tab()
    await world.redis.refuse()
    other = await world.tab(cid=tab.cid)
    ack = await tab.say("Hello")
    assert ack["durable"]
    await world.turn_until_its_end(world.events.queued.pop(0))
    await tab.hears("delta")
    sync = await tab.resume(1, **tab.heard())
    assert sync["recovered"] is False
    assert (await tab.start(tab.cid))["degraded"] == ["redis"]
    stop = await other.send("stop", cid=tab.cid, turn=tab.told("delta")[0]["turn"])
    assert stop["type"] == "ack"
    await world.let_it_end()
    assert tab.transcript() == [(1, "Hello"), (2, "Hello there.")]
    assert other.transcript() == tab.transcript()


async def test_redis_loses_everything_in_mid_stream_and_both_tabs_hear_all(world: World) -> None:
    one = await world.tab()
    two = await world.tab(cid=one.cid)
    world.words.words = ("one ", "two ", "three ", "four")
    await one.say()
    await world.turn_speaks(world.events.queued.pop(0))
    await two.hears("delta")
    await world.flush()
    assert world.words.gate is not None
    world.words.gate.release()
    await two.hears("delta", 2)
    sync = await two.resume(1)  # the log was written anew
    assert (sync["recovered"], sync["turn"]["text"]) == (True, "one two ")
    await world.let_it_end()
    assert one.transcript() == two.transcript() == [(1, "Hello"), (2, "one two three four")]
    assert [frame["durable"] for frame in one.told("done")] == [True]


async def test_redis_loses_everything_during_the_outage_and_the_page_offers_again(
    world: World,
) -> None:
    tab, client = await world.tab(), uuid4()
    await world.postgres.refuse()
    await tab.say("only in Redis", id=client)
    await world.flush()
    refused = await tab.say("only in Redis", id=client)
    assert (refused["code"], refused["retryable"]) == ("unavailable", True)
    await world.outage_is_over()
    ack = await tab.say("only in Redis", id=client)
    assert (ack["seq"], ack["durable"], ack["dup"]) == (1, True, False)
    world.events.queued = world.events.queued[-1:]
    await world.work()
    assert len(await world.rows(tab.cid)) == 2
