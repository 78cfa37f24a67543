"""What becomes of a turn whose worker died."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from cj.domain.ids import new_id

from tests.integration.chatroom import RAN_OUT, Room
from tests.integration.statements import BEGIN, COMMIT, somebody_waits

if TYPE_CHECKING:
    from uuid import UUID

    from cj.store import Database


async def test_an_open_hands_a_dead_turn_out_again(room: Room) -> None:
    received = await room.say("A")
    dead = await room.begin(received, lease=RAN_OUT)
    opened = await room.open()
    assert (opened.turn, opened.invoke, opened.ended) == (received.turn, True, None)
    assert opened.fence > dead.fence
    begun = await room.begin(opened)
    assert (begun.from_seq, begun.through_seq) == (1, 1)
    assert not (await room.open()).invoke


async def test_an_open_that_wants_no_revival_leaves_a_dead_turn_alone(room: Room) -> None:
    await room.begin(await room.say(), lease=RAN_OUT)
    assert not (await room.open(lease=None)).invoke
    assert (await room.row())["turn_attempts"] == 1


async def test_a_message_hands_a_dead_turn_out_again_and_joins_it(room: Room) -> None:
    first = await room.say("A")
    await room.begin(first, lease=RAN_OUT)
    second = await room.say("B")
    assert (second.outcome, second.turn, second.invoke) == ("new", first.turn, True)
    begun = await room.begin(second)
    assert (begun.from_seq, begun.through_seq) == (1, 2)


async def test_a_dup_hands_a_dead_turn_out_again(room: Room) -> None:
    client = new_id()
    first = await room.say(client=client)
    await room.begin(first, lease=RAN_OUT)
    again = await room.say(client=client)
    assert (again.outcome, again.turn, again.invoke) == ("dup", first.turn, True)
    assert again.fence > first.fence


async def test_even_a_refused_message_hands_a_dead_turn_out_again(room: Room) -> None:
    await room.begin(await room.say(), lease=RAN_OUT)
    refused = await room.say(prev=new_id())
    assert (refused.outcome, refused.invoke) == ("out_of_order", True)
    assert await room.begin(refused) is not None


async def test_a_turn_that_was_never_begun_is_handed_out_again_when_its_lease_ran_out(
    room: Room,
) -> None:
    received = await room.say(lease=RAN_OUT)
    opened = await room.open()
    assert (opened.turn, opened.invoke) == (received.turn, True)
    assert await room.begin(received) is None  # the first invocation comes after all
    assert await room.begin(opened) is not None


async def die_three_times(room: Room) -> UUID:
    """Three workers begin the turn and end nothing."""
    woken = await room.say("A")
    for _ in range(2):
        await room.begin(woken, lease=RAN_OUT)
        woken = await room.open()
        assert woken.invoke
    await room.begin(woken, lease=RAN_OUT)
    return woken.turn


async def test_after_three_attempts_a_turn_ends_with_an_error_row(room: Room) -> None:
    turn = await die_three_times(room)
    await room.watched_by("tab=")
    opened = await room.open()
    assert (opened.invoke, opened.turn, opened.connections) == (False, None, ("tab=",))
    assert opened.ended == opened.messages[-1]
    assert (opened.ended.role, opened.ended.status, opened.ended.turn_id) == (
        *("assistant", "error", turn),
    )
    assert "could not answer" in opened.ended.text
    assert (await room.open()).ended is None
    assert (await room.row())["answered_through"] == 1


async def test_after_three_attempts_a_new_message_gets_a_turn_of_its_own(room: Room) -> None:
    dead = await die_three_times(room)
    received = await room.say("B")
    assert (received.outcome, received.seq, received.invoke) == ("new", 3, True)
    assert received.ended.status == "error"
    assert received.turn != dead
    begun = await room.begin(received)
    assert (begun.from_seq, begun.through_seq) == (2, 3)
    assert [message.text for message in begun.window] == ["A", "B"]


async def test_after_three_attempts_what_came_in_later_gets_its_turn_at_once(room: Room) -> None:
    woken = await room.say("A")
    for _ in range(2):
        await room.begin(woken, lease=RAN_OUT)
        woken = await room.open()
    begun = await room.begin(woken)
    await room.say("B")
    await room.set("turn_until = clock_timestamp() - interval '1 s'")
    opened = await room.open()
    assert (opened.invoke, opened.ended.answers_through) == (True, 1)
    assert opened.turn != woken.turn
    assert await room.end(woken, begun) is None  # the third worker was only slow
    second = await room.begin(opened)
    assert (second.from_seq, second.through_seq) == (2, 2)


async def test_two_who_find_a_dead_turn_at_once_hand_it_out_once(
    room: Room, other_db: Database, watcher: Database
) -> None:
    await room.begin(await room.say(), lease=RAN_OUT)
    await room.db.execute(BEGIN)
    first = await room.open()
    second = asyncio.create_task(room.seen_by(other_db).open())
    await somebody_waits(watcher)
    await room.db.execute(COMMIT)
    assert (await second).fence == first.fence
    assert (await room.row())["turn_attempts"] == 2


async def test_an_open_whose_reply_was_lost_still_wakes_a_worker(room: Room) -> None:
    await room.begin(await room.say(), lease=RAN_OUT)
    lost = await room.open()
    again = await room.open()
    assert (again.invoke, again.turn, again.fence) == (True, lost.turn, lost.fence)
    assert await room.begin(again) is not None
    assert not (await room.open()).invoke
