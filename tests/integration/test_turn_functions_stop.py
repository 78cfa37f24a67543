"""Silence: a running turn is asked to stop, by its owner alone, and no other turn is."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from cj.domain.ids import new_id
from cj.store import Turns

from tests.integration.chatroom import LEASE, RAN_OUT, Room
from tests.integration.statements import BEGIN, COMMIT, somebody_waits

if TYPE_CHECKING:
    from cj.store import Database


async def test_a_stop_before_the_worker_has_begun_is_seen_when_it_begins(room: Room) -> None:
    received = await room.say()
    assert await room.stop(received.turn) == "stopping"
    begun = await room.begin(received)
    assert begun.stop
    assert await room.end(received, begun, "", status="stopped") is not None


async def test_a_turn_nobody_stopped_begins_unstopped_and_names_its_inputs(room: Room) -> None:
    clients = [new_id() for _ in range(3)]
    first = await room.say("A", clients[0])
    await room.say("greet", clients[1], control="trigger")
    begun = await room.begin(first)
    await room.say("B", clients[2])
    assert (begun.stop, begun.inputs) == (False, tuple(clients[:2]))
    ended = await room.end(first, begun)
    assert (await room.begin(ended)).inputs == (clients[2],)


async def test_a_stop_while_the_worker_speaks_is_seen_at_its_renewal(room: Room) -> None:
    received = await room.say()
    begun = await room.begin(received)
    assert not begun.stop
    assert await room.stop(received.turn) == "stopping"
    assert await room.stop(received.turn) == "stopping"
    renewed = await Turns(room.db).renew(room.cid, received.turn, begun.fence, lease=LEASE)
    assert renewed.stop


async def test_a_stop_of_a_turn_that_is_over_stops_no_other(room: Room) -> None:
    first = await room.say("A")
    begun = await room.begin(first)
    await room.say("B")
    ended = await room.end(first, begun)
    assert await room.stop(first.turn) == "over"
    begun = await room.begin(ended)
    assert not begun.stop
    await room.end(ended, begun)
    assert [await room.stop(turn) for turn in (ended.next_turn, new_id())] == ["over", "over"]
    assert not (await room.row())["turn_stop"]


async def test_a_stop_of_what_is_not_ones_own_is_nothing(room: Room) -> None:
    received = await room.say()
    assert await Room(room.db, room.cid).stop(received.turn) is None
    assert await Room(room.db).stop(received.turn) is None
    assert not (await room.begin(received)).stop


async def test_after_a_stop_what_waits_is_answered_as_ever(room: Room) -> None:
    first = await room.say("A")
    begun = await room.begin(first)
    await room.say("B")
    await room.stop(first.turn)
    ended = await room.end(first, begun, "Part", status="stopped")
    assert ended.next_turn is not None
    second = await room.begin(ended)
    assert (second.stop, second.from_seq, second.through_seq) == (False, 2, 2)


async def test_what_is_said_to_a_stopped_silent_cj_is_answered_as_ever(room: Room) -> None:
    first = await room.say("A")
    await room.stop(first.turn)
    await room.end(first, await room.begin(first), "", status="stopped")
    assert not (await room.begin(await room.say("B"))).stop


async def test_a_stopped_turn_whose_worker_died_stays_stopped(room: Room) -> None:
    received = await room.say()
    await room.begin(received, lease=RAN_OUT)
    await room.stop(received.turn)
    opened = await room.open()
    assert opened.invoke
    assert (await room.begin(opened)).stop


async def test_after_a_stopped_turn_died_for_good_the_next_one_speaks(room: Room) -> None:
    received = await room.say("A")
    await room.begin(received, lease=RAN_OUT)
    await room.stop(received.turn)
    await room.set("turn_attempts = 3")
    following = await room.say("B")
    assert following.ended.status == "error"
    assert not (await room.begin(following)).stop


async def test_a_stop_exactly_while_the_turn_ends_is_too_late(
    room: Room, other_db: Database, watcher: Database
) -> None:
    received = await room.say("A")
    begun = await room.begin(received)
    await room.say("B")
    await room.db.execute(BEGIN)
    ended = await room.end(received, begun)
    stopping = asyncio.create_task(room.seen_by(other_db).stop(received.turn))
    await somebody_waits(watcher)
    await room.db.execute(COMMIT)
    assert await stopping == "over"
    assert not (await room.begin(ended)).stop


async def test_a_stop_exactly_while_the_worker_begins_is_seen(
    room: Room, other_db: Database, watcher: Database
) -> None:
    received = await room.say()
    await other_db.execute(BEGIN)
    assert await room.seen_by(other_db).stop(received.turn) == "stopping"
    beginning = asyncio.create_task(room.begin(received))
    await somebody_waits(watcher)
    await other_db.execute(COMMIT)
    assert (await beginning).stop
