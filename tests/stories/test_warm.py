"""What a warm process costs the stores: counted between it and them, and by themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

from cj.store import Conversations
from redis.asyncio import Redis

if TYPE_CHECKING:
    from tests.stories.world import World

ROUNDS = 20


async def accepted(world: World) -> tuple[int, int]:
    """Connections PostgreSQL and Redis took so far, as they count themselves."""
    client = Redis.from_url(world.redis_url)
    of_redis = (await client.info("stats"))["total_connections_received"]
    await client.aclose()
    name = world.database_url.rsplit("/", 1)[1].partition("?")[0]
    of_postgres = await world.sql("SELECT sessions FROM pg_stat_database WHERE datname = $1", name)
    return int(of_postgres[0][0]), int(of_redis)


async def test_a_warm_process_opens_no_connection(world: World) -> None:
    tab, worker = await world.tab(), world.process()
    await tab.say("warm up")
    await worker.turns.run(world.events.queued.pop(0), 60)
    await accepted(world)  # looking connects too: twice the same look
    before, through = await accepted(world), (world.postgres.accepted, world.redis.accepted)
    for n in range(ROUNDS):
        assert (await tab.say(f"message {n}"))["durable"]
        await worker.turns.run(world.events.queued.pop(0), 60)
    assert (world.postgres.accepted, world.redis.accepted) == through
    after = await accepted(world)
    assert (after[0] - before[0], after[1] - before[1]) in ((0, 1), (1, 1))  # our own look
    assert len(await world.rows(tab.cid)) == 2 * (ROUNDS + 1)


async def test_every_step_of_a_turn_is_one_round_trip_to_postgresql(world: World) -> None:
    tab, worker = await world.tab(), world.process()
    await tab.say("warm up")
    await worker.turns.run(world.events.queued.pop(0), 60)
    counted = []
    for n in range(ROUNDS):
        before = world.postgres.round_trips
        await tab.say(f"message {n}")
        received = world.postgres.round_trips
        await worker.turns.run(world.events.queued.pop(0), 60)
        counted.append((received - before, world.postgres.round_trips - received))
    assert set(counted) == {(1, 2)}  # receive; begin and end


async def test_opening_again_reads_no_message_from_postgresql(world: World) -> None:
    tab = await world.tab()
    for n in range(3):
        await tab.say(f"message {n}")
        await world.work()
    asked = {"connection_id": None, "new_id": uuid4(), "workflow": "w", "tail": 15}
    opened = await Conversations(tab.parts.db).open(world.owner, tab.cid, known=6, **asked)
    assert opened is not None
    assert opened.messages is None
    ready = await tab.start(tab.cid)
    assert [m["seq"] for m in ready["messages"]] == list(range(1, 7))
    await world.flush()
    assert (await tab.start(tab.cid))["messages"] == ready["messages"]


async def test_a_cache_that_is_behind_is_seen_by_its_seq_and_filled_again(world: World) -> None:
    tab = await world.tab()
    await tab.say("one")
    await world.work()
    stale = await tab.parts.recent.read(tab.cid)
    await tab.say("two")
    await world.work()
    assert stale is not None
    await tab.parts.recent.forget(tab.cid)
    await tab.parts.recent.fill(tab.cid, world.owner, stale.workflow, stale.messages)
    ready = await tab.start(tab.cid)
    assert [m["seq"] for m in ready["messages"]] == [1, 2, 3, 4]
    cached = await tab.parts.recent.read(tab.cid)
    assert cached is not None
    assert cached.last_seq == 4
