"""A drained answer and PostgreSQL's own turns: every input is answered once, by one of them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from cj.domain.ids import new_id

from tests.integration.chatroom import LEASE, RAN_OUT, Room, answered, said
from tests.integration.statements import BEGIN, COMMIT, somebody_waits, sql

if TYPE_CHECKING:
    from uuid import UUID

    from cj.domain.turns import Begun, Received
    from cj.store import Database


async def answer_rows(room: Room) -> list[tuple[str, int, int]]:
    return [
        (row["text"], row["answers_from"], row["answers_through"])
        for row in await room.rows()
        if row["role"] == "assistant"
    ]


async def running(room: Room) -> tuple[UUID, Received, Begun]:
    """A worker is at an input."""
    client = new_id()
    received = await room.say("A", client)
    return client, received, await room.begin(received)


async def test_an_answer_to_what_was_durable_and_what_was_kept_answers_both(room: Room) -> None:
    client = new_id()
    await room.say("A", client)
    kept = said("B")
    drained = await room.drain(kept, answered(client, kept))
    assert [(row.seq, row.replaced) for row in drained.rows] == [(2, False), (3, False)]
    assert await answer_rows(room) == [("Answered", 1, 2)]
    assert (drained.turn, drained.invoke) == (None, False)


async def test_an_answer_that_leaves_out_what_waits_is_dropped(room: Room) -> None:
    await room.say("A")
    kept = said("B")
    answer = answered(kept)
    drained = await room.drain(kept, answer)
    assert tuple(drained.rows[1]) == (answer.id, None, "answer", None, True)
    assert [message.text for message in drained.messages] == ["B"]
    begun = await room.begin(drained)
    assert (begun.from_seq, begun.through_seq) == (1, 2)
    await room.end(drained, begun, "to A and B")
    assert await answer_rows(room) == [("to A and B", 1, 2)]


async def test_an_answer_that_leaves_out_a_hidden_input_is_dropped(room: Room) -> None:
    await room.say("greet", control="trigger")
    kept = said("B")
    assert (await room.drain(kept, answered(kept))).rows[1].replaced


async def test_an_answer_to_what_was_answered_meanwhile_gives_way_to_that_answer(
    room: Room,
) -> None:
    client, received, begun = await running(room)
    ended = await room.end(received, begun, "Quicker")
    answer = answered(client)
    drained = await room.drain(answer)
    assert tuple(drained.rows[0]) == (answer.id, None, "answer", ended.seq, True)
    assert (drained.messages, drained.invoke) == ([], False)
    assert await answer_rows(room) == [("Quicker", 1, 1)]


@pytest.mark.parametrize("archived", [False, True])
async def test_what_stands_instead_is_the_answer_to_the_newest_input_it_names(
    room: Room, archived: bool
) -> None:
    clients = [new_id(), new_id()]
    for client in clients:
        received = await room.say("Q", client)
        await room.end(received, await room.begin(received))
    if archived:
        await room.archive()
    drained = await room.drain(answered(*clients), answered(clients[0]))
    assert [(row.seq, row.replaced) for row in drained.rows] == [(4, True), (2, True)]


async def test_an_answer_to_what_was_answered_and_what_was_not_answers_the_rest(
    room: Room,
) -> None:
    client, received, begun = await running(room)
    await room.end(received, begun, "to A")
    kept = said("B")
    drained = await room.drain(kept, answered(client, kept))
    assert [row.replaced for row in drained.rows] == [False, False]
    assert await answer_rows(room) == [("to A", 1, 1), ("Answered", 2, 3)]


async def test_an_answer_to_nothing_that_is_known_is_dropped(room: Room) -> None:
    for answer in (answered(new_id()), answered()):
        assert tuple((await room.drain(answer)).rows[0])[3:] == (None, True)
    assert await room.rows() == []


async def test_answers_and_questions_in_a_row_each_find_their_own(room: Room) -> None:
    questions = [said(name) for name in "ABCD"]
    a, b, c, d = questions
    drained = await room.drain(
        *(a, answered(a, text="to A"), b, c, answered(b, c, text="to B and C"), d)
    )
    assert [row.seq for row in drained.rows] == [1, 2, 3, 4, 5, 6]
    assert await answer_rows(room) == [("to A", 1, 1), ("to B and C", 2, 4)]
    begun = await room.begin(drained)
    assert (begun.inputs, begun.from_seq) == ((d.client_id,), 5)
    assert [message.text for message in begun.window] == ["A", "to A", "B", "C", "to B and C", "D"]


async def test_a_running_turn_whose_inputs_are_untouched_goes_on(room: Room) -> None:
    _, received, begun = await running(room)
    drained = await room.drain(said("B"))
    assert (drained.turn, drained.fence, drained.invoke) == (received.turn, begun.fence, False)
    ended = await room.end(received, begun, "to A")
    assert (ended.seq, ended.next_turn is None) == (3, False)
    await room.end(ended, await room.begin(ended), "to B")
    assert await answer_rows(room) == [("to A", 1, 1), ("to B", 2, 2)]


async def test_a_turn_nobody_has_begun_answers_what_is_drained_too(room: Room) -> None:
    received = await room.say("A")
    drained = await room.drain(said("B"))
    assert (drained.turn, drained.fence, drained.invoke) == (received.turn, received.fence, True)
    assert (await room.begin(received)).through_seq == 2


async def test_a_running_turn_whose_input_the_drained_answer_answers_is_refused_at_its_end(
    room: Room,
) -> None:
    client, received, begun = await running(room)
    drained = await room.drain(answered(client))
    assert (drained.rows[0].seq, drained.turn) == (2, None)
    assert await room.end(received, begun, "Too late") is None
    assert await answer_rows(room) == [("Answered", 1, 1)]


async def test_a_turn_refused_for_a_drained_answer_is_followed_by_one_for_what_waits(
    room: Room,
) -> None:
    client, received, begun = await running(room)
    await room.say("B")
    await room.set("turn_attempts = 3")
    drained = await room.drain(answered(client))
    assert (drained.invoke, drained.turn != received.turn) == (True, True)
    assert drained.fence > begun.fence
    assert (await room.row())["turn_attempts"] == 1
    assert await room.end(received, begun) is None
    assert (await room.begin(drained)).from_seq == 2


async def test_a_turn_taken_before_the_outage_and_answered_in_it_begins_no_more(
    room: Room,
) -> None:
    client = new_id()
    received = await room.say("A", client)
    await room.drain(answered(client))
    assert await room.begin(received) is None


async def test_the_worker_that_kept_its_own_answer_finds_it_committed(room: Room) -> None:
    """PostgreSQL went away between its COMMIT and its reply, so the answer was kept as well."""
    client, received, begun = await running(room)
    answer = new_id()
    ended = await room.end(received, begun, "Hi", answer=answer)
    drained = await room.drain(answered(client, id=answer, turn=received.turn, text="Hi"))
    assert tuple(drained.rows[0])[3:] == (ended.seq, False)
    await room.archive()
    drained = await room.drain(answered(client, id=answer, turn=received.turn, text="Hi"))
    assert tuple(drained.rows[0])[3:] == (ended.seq, False)


async def test_a_stop_asked_of_a_turn_that_a_drained_answer_ended_stops_no_other(
    room: Room,
) -> None:
    client, received, _ = await running(room)
    await room.stop(received.turn)
    await room.say("B")
    assert not (await room.begin(await room.drain(answered(client)))).stop


async def test_a_dead_turn_is_handed_out_again_with_what_is_drained(room: Room) -> None:
    received = await room.say("A")
    begun = await room.begin(received, lease=RAN_OUT)
    drained = await room.drain(said("B"))
    assert (drained.turn, drained.invoke, drained.ended) == (received.turn, True, None)
    assert await room.end(received, begun) is None
    assert (await room.begin(drained)).through_seq == 2
    assert (await room.row())["turn_attempts"] == 2


async def test_a_dead_turn_whose_inputs_the_drained_answer_answers_is_over(room: Room) -> None:
    client = new_id()
    await room.begin(await room.say("A", client), lease=RAN_OUT)
    await room.set("turn_attempts = 3")
    drained = await room.drain(answered(client))
    assert (drained.turn, drained.invoke, drained.ended) == (None, False, None)
    assert (await room.row())["turn_attempts"] == 0
    assert await answer_rows(room) == [("Answered", 1, 1)]


@pytest.mark.parametrize("begun", [True, False])
async def test_a_turn_that_died_for_good_takes_nothing_that_is_drained_with_it(
    room: Room, begun: bool
) -> None:
    received = await room.say("A", lease=RAN_OUT)
    if begun:
        await room.begin(received, lease=RAN_OUT)
    await room.set("turn_attempts = 3")
    drained = await room.drain(said("B"))
    assert (drained.ended.status, drained.ended.seq, drained.ended.answers_through) == (
        *("error", 3, 1),
    )
    assert ([m.seq for m in drained.messages], drained.last_seq) == ([2], 3)
    assert (drained.invoke, drained.turn != received.turn) == (True, True)
    assert (await room.begin(drained)).from_seq == 2


async def test_the_lease_of_a_turn_taken_by_a_drain_begins_after_the_wait_for_the_lock(
    room: Room, other_db: Database, watcher: Database
) -> None:
    await room.db.execute(BEGIN)
    await room.drain()
    waiting = asyncio.create_task(room.seen_by(other_db).drain(said()))
    await somebody_waits(watcher)
    locked_at = (await watcher.row(sql("SELECT clock_timestamp()")))[0]
    await room.db.execute(COMMIT)
    assert (await waiting).invoke
    assert (await room.row())["turn_until"] > locked_at + LEASE
