"""The archiver finds turns whose worker died, before anybody asks for them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from cj.store import Database, Turns

from tests.integration.chatroom import LEASE, RAN_OUT, Room
from tests.integration.statements import BEGIN, COMMIT, sql

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from cj.domain.turns import Revived

    from tests.conftest import Database as Made


@pytest.fixture
async def own_db(database: Made) -> AsyncIterator[Database]:
    """A database with nobody else's turns in it."""
    made = Database(database.app_url)
    yield made
    await made.close()


@pytest.fixture
async def room(own_db: Database) -> Room:
    return await Room(own_db).furnish()


async def revive(db: Database, limit: int = 10) -> list[Revived]:
    return await Turns(db).dead(limit, LEASE)


async def dying(db: Database, ago_s: int = 1) -> Room:
    """A turn whose lease ran out so long ago."""
    room = await Room(db).furnish()
    await room.begin(await room.say("A"), lease=RAN_OUT)
    await room.set(f"turn_until = clock_timestamp() - interval '{ago_s} s'")
    return room


async def test_a_dead_turn_is_handed_out_again_once(room: Room) -> None:
    await room.watched_by("tab=")
    received = await room.say("A")
    dead = await room.begin(received, lease=RAN_OUT)
    (revived,) = await revive(room.db)
    assert (revived.cid, revived.turn, revived.invoke) == (room.cid, received.turn, True)
    assert (revived.ended, revived.connections) == (None, ("tab=",))
    assert revived.fence > dead.fence
    assert await revive(room.db) == []
    assert await room.end(received, dead) is None
    assert await room.end(revived, await room.begin(revived)) is not None


async def test_a_turn_that_nobody_ever_began_is_handed_out_again(room: Room) -> None:
    received = await room.say(lease=RAN_OUT)
    (revived,) = await revive(room.db)
    assert (revived.turn, revived.invoke) == (received.turn, True)
    assert await room.begin(received) is None
    assert await room.begin(revived) is not None


async def test_what_lives_or_is_silent_is_left_alone(room: Room) -> None:
    silent = await Room(room.db).furnish()
    await silent.exchange()
    await room.begin(await room.say())
    assert await revive(room.db) == []
    assert (await room.row())["turn_attempts"] == 1


async def test_after_three_attempts_a_dead_turn_ends_with_an_error_row(room: Room) -> None:
    received = await room.say("A")
    woken = received
    for _ in range(2):
        await room.begin(woken, lease=RAN_OUT)
        (woken,) = await revive(room.db)
        assert woken.invoke
    await room.begin(woken, lease=RAN_OUT)
    (last,) = await revive(room.db)
    assert (last.invoke, last.turn, last.ended.status) == (False, None, "error")
    assert (last.ended.seq, last.ended.id, last.ended.turn_id) == (2, received.turn, received.turn)
    assert await revive(room.db) == []
    assert (await room.row())["answered_through"] == 1


async def test_after_three_attempts_what_waits_gets_a_turn_of_its_own(own_db: Database) -> None:
    rooms = [await dying(own_db, 10 - number) for number in range(2)]
    for room in rooms:
        await room.set("turn_attempts = 3, turn_until = turn_until + interval '1 h'")
        await room.say("B")
        await room.set("turn_until = turn_until - interval '1 h'")
    turns = [(await room.row())["turn_id"] for room in rooms]
    revived = await revive(own_db)
    assert [(each.ended.answers_through, each.invoke) for each in revived] == [(1, True)] * 2
    assert len({*turns, *(each.turn for each in revived)}) == 4
    begun = [await room.begin(each) for room, each in zip(rooms, revived, strict=True)]
    assert [each.from_seq for each in begun] == [2, 2]


async def test_a_stopped_turn_handed_out_again_stays_stopped(room: Room) -> None:
    received = await room.say()
    await room.begin(received, lease=RAN_OUT)
    await room.stop(received.turn)
    (revived,) = await revive(room.db)
    assert (await room.begin(revived)).stop


async def test_the_longest_dead_come_first_and_no_more_than_asked_for(own_db: Database) -> None:
    rooms = [await dying(own_db, ago_s) for ago_s in (10, 30, 20)]
    found = [[revived.cid for revived in await revive(own_db, limit=2)] for _ in range(3)]
    assert found == [[rooms[1].cid, rooms[2].cid], [rooms[0].cid], []]


async def test_two_archivers_at_once_take_different_turns_and_wait_for_nobody(
    own_db: Database, database: Made
) -> None:
    rooms = [await dying(own_db, 10 - number) for number in range(4)]
    second = Database(database.app_url)
    await own_db.execute(BEGIN)
    mine = await revive(own_db, limit=2)
    async with asyncio.timeout(5):
        theirs = await revive(second)
    await own_db.execute(COMMIT)
    assert [revived.cid for revived in mine + theirs] == [room.cid for room in rooms]
    assert await revive(second) == []
    await second.close()


async def test_an_archiver_passes_by_a_conversation_that_somebody_holds(
    own_db: Database, database: Made
) -> None:
    held, free = await dying(own_db, 10), await dying(own_db)
    second = Database(database.app_url)
    await second.execute(BEGIN)
    taken_over = await held.seen_by(second).say("B")
    assert taken_over.invoke
    assert [revived.cid for revived in await revive(own_db)] == [free.cid]
    await second.execute(COMMIT)
    assert await revive(own_db) == []  # whoever held it has handed it out
    await second.close()


async def test_many_dead_turns_are_found_by_the_index_of_running_ones(database: Made) -> None:
    db = Database(database.owner_url)
    fill = sql(
        "INSERT INTO conversations (id, owner_id, workflow_name) "
        "SELECT gen_random_uuid(), 'anon_1', 'w' FROM generate_series(1, 5000)"
    )
    await db.execute(fill)
    await dying(db)
    await db.execute(sql("ANALYZE conversations"))
    scans = sql("SELECT seq_scan FROM pg_stat_xact_user_tables WHERE relname = 'conversations'")
    await db.execute(BEGIN)
    before = (await db.row(scans))[0]
    assert len(await revive(db)) == 1
    assert (await db.row(scans))[0] == before
    await db.execute(COMMIT)
    await db.close()
