"""The schedule tidies up after everybody: buffers nobody touches, turns nobody works on."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
from redis.asyncio import Redis

from tests.stories.conftest import BOTH

if TYPE_CHECKING:
    from tests.stories.tab import Tab
    from tests.stories.world import World


async def talked_during_an_outage(world: World, *texts: str) -> Tab:
    """Said and answered while PostgreSQL was away; it is back, and nobody is there any more."""
    tab = await world.tab(owner=f"anon_{uuid4().hex}")
    await world.postgres.refuse()
    for text in texts:
        await tab.say(text)
        await world.work()
    await world.outage_is_over()
    return tab


@BOTH
async def test_buffers_that_nobody_touches_are_drained_by_the_schedule(world: World) -> None:
    tabs = [await talked_during_an_outage(world, "one", "two") for _ in range(3)]
    done = await world.process().sweeper.run(60)
    assert (done["buffers"], done["complete"]) == (3, True)
    for tab in tabs:
        rows = await world.rows(tab.cid)
        assert [row["text"] for row in rows] == ["one", "Hello there.", "two", "Hello there."]
        assert [frame["seq"] for frame in tab.told("committed")] == [1, 2, 3, 4]
    assert (await world.process().sweeper.run(60))["buffers"] == 0


async def test_two_archivers_at_once_write_nothing_twice(world: World) -> None:
    tabs = [await talked_during_an_outage(world, f"said {n}") for n in range(5)]
    await asyncio.gather(*(world.process().sweeper.run(60) for _ in range(3)))
    for n, tab in enumerate(tabs):
        rows = await world.rows(tab.cid)
        assert [row["text"] for row in rows] == [f"said {n}", "Hello there."]


async def test_an_archiver_killed_after_commit_is_repeated_without_harm(world: World) -> None:
    tab = await talked_during_an_outage(world, "kept once")
    archiver = world.process()
    pending = await archiver.buffer.pending(tab.cid)
    assert pending is not None
    archiver.drain = _DiesAfterCommit(archiver.drain)
    with pytest.raises(asyncio.CancelledError):
        await archiver.drain.run(tab.cid)
    assert len(await world.rows(tab.cid)) == 2
    assert await archiver.buffer.pending(tab.cid) == pending  # Redis still has everything
    await world.process().sweeper.run(60)
    assert [row["text"] for row in await world.rows(tab.cid)] == ["kept once", "Hello there."]
    assert await archiver.buffer.pending(tab.cid) is None


class _DiesAfterCommit:
    """A drain whose process is killed before it tells Redis."""

    def __init__(self, drain: object) -> None:
        from dataclasses import replace

        self._drain = replace(drain, buffer=_Deaf(drain.buffer))  # type: ignore[type-var, attr-defined]

    async def run(self, cid: object) -> str:
        return str(await self._drain.run(cid))  # type: ignore[attr-defined]


class _Deaf:
    def __init__(self, buffer: object) -> None:
        self.pending = buffer.pending  # type: ignore[attr-defined]

    async def drained(self, *_: object) -> int:
        raise asyncio.CancelledError


async def test_an_entry_nobody_can_read_is_put_aside_and_the_rest_goes_on(world: World) -> None:
    tab = await world.tab()
    await world.postgres.refuse()
    await tab.say("before")
    client = Redis.from_url(world.redis_url)
    await client.xadd(f"{{{tab.cid}}}:buf", {"e": "no entry"})
    await client.xadd(f"{{{tab.cid}}}:buf", {"something": "else"})
    await tab.say("after")
    await world.outage_is_over()
    world.events.queued.clear()
    await world.process().sweeper.run(60)
    assert [row["text"] for row in await world.rows(tab.cid)] == ["before", "after"]
    assert await client.xlen(f"{{{tab.cid}}}:quarantine") == 2
    await client.aclose()


async def test_what_postgresql_will_not_take_is_put_aside_and_the_rest_goes_on(
    world: World,
) -> None:
    tab = await talked_during_an_outage(world, "one", "two", "three")
    await world.as_superuser_here(
        "ALTER TABLE messages ADD CONSTRAINT no_two CHECK (text <> 'two') NOT VALID"
    )
    await world.process().sweeper.run(60)
    rows = await world.rows(tab.cid)
    assert [row["text"] for row in rows if row["role"] == "user"] == ["one", "three"]
    assert [row["seq"] for row in rows] == list(range(1, len(rows) + 1))
    assert await world.process().buffer.pending(tab.cid) is None


async def test_a_buffer_that_has_to_wait_stops_no_other(world: World) -> None:
    waits = await world.tab(owner=f"anon_{uuid4().hex}")
    await world.postgres.refuse()
    await waits.say("still speaking")
    await world.turn_until_its_end(world.events.queued.pop(0))
    gate, world.words.gate = world.words.gate, None
    await world.outage_is_over()
    others = [await talked_during_an_outage(world, "done") for _ in range(3)]
    done = await world.process().sweeper.run(60)
    assert (done["buffers"], done["complete"]) == (3, False)
    for tab in others:
        assert len(await world.rows(tab.cid)) == 2
    world.words.gate = gate
    await world.let_it_end()


async def test_a_buffer_of_a_conversation_that_is_gone_is_put_aside(world: World) -> None:
    tab = await talked_during_an_outage(world, "too late")
    other = await talked_during_an_outage(world, "in time")
    await world.sql("DELETE FROM conversations WHERE id = $1", tab.cid)
    done = await world.process().sweeper.run(60)
    assert done["complete"] is True
    assert await world.rows(tab.cid) == []
    assert len(await world.rows(other.cid)) == 2
    assert await world.process().buffer.indexed(10) == []


async def test_a_turn_nobody_works_on_is_handed_out_again_and_at_last_ended(world: World) -> None:
    tab = await world.tab()
    await tab.say("poison")
    for attempt in range(3):
        await world.kill(await world.turn_speaks(world.events.queued.pop(0)))
        await world.lease_runs_out(tab.cid)
        done = await world.process().sweeper.run(60)
        assert done["turns"] == 1, attempt
    assert world.events.queued == []
    assert [row["status"] for row in await world.rows(tab.cid)] == ["complete", "error"]
    assert [frame["message"]["status"] for frame in tab.told("message")] == ["error"]
    assert (await world.process().sweeper.run(60))["turns"] == 0


async def test_a_turn_whose_invocation_was_lost_is_found_by_the_schedule(world: World) -> None:
    tab = await world.tab()
    await tab.say("Hello")
    world.events.queued.clear()
    await world.lease_runs_out(tab.cid)
    await world.process().sweeper.run(60)
    await world.work()
    assert [row["role"] for row in await world.rows(tab.cid)] == ["user", "assistant"]


async def test_a_hand_made_event_changes_nothing(world: World) -> None:
    from cj.flows.turn import TurnEvent

    tab = await world.tab()
    await tab.say("Hello")
    real = world.events.queued.pop(0)
    for event in (
        TurnEvent(uuid4(), uuid4(), 1),
        TurnEvent(tab.cid, uuid4(), real.fence),
        TurnEvent(tab.cid, real.turn, real.fence + 1),
        TurnEvent(tab.cid, real.turn, 0),
        TurnEvent(uuid4(), uuid4(), 0),
    ):
        await world.turn(event)
    assert [row["role"] for row in await world.rows(tab.cid)] == ["user"]
    await world.turn(real)
    assert [row["role"] for row in await world.rows(tab.cid)] == ["user", "assistant"]
