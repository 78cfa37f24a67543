"""PostgreSQL is back: what was kept meanwhile becomes durable once, in its order."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from cj.domain.ids import new_id
from cj.store import Turns

from tests.integration.chatroom import LEASE, Room, answered, said
from tests.integration.statements import BEGIN, COMMIT, somebody_waits

if TYPE_CHECKING:
    from cj.domain.turns import Drained
    from cj.store import Database

THEN = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def stands(drained: Drained) -> list[tuple[int | None, bool]]:
    return [(row.seq, row.replaced) for row in drained.rows]


async def test_what_was_said_becomes_rows_in_its_order_and_is_answered_next(room: Room) -> None:
    first, second = said("A", at=THEN), said("B", at=THEN - timedelta(days=1))
    turn = new_id()
    drained = await room.drain(first, second, turn=turn)
    assert [tuple(row) for row in drained.rows] == [
        (first.id, first.client_id, "input", 1, False),
        (second.id, second.client_id, "input", 2, False),
    ]
    assert [(m.id, m.seq, m.role, m.text, m.created_at) for m in drained.messages] == [
        (first.id, 1, "user", "A", THEN),
        (second.id, 2, "user", "B", THEN - timedelta(days=1)),
    ]
    assert (drained.owner_id, drained.workflow, drained.last_seq) == (room.owner, "w", 2)
    assert (drained.turn, drained.fence, drained.invoke, drained.ended) == (turn, 1, True, None)
    begun = await room.begin(drained)
    assert begun.inputs == (first.client_id, second.client_id)
    assert await room.end(drained, begun) is not None


async def test_what_was_said_and_answered_becomes_rows_and_nobody_is_woken(room: Room) -> None:
    question = said("A", at=THEN)
    content = {"v": 1, "blocks": [{"text": "Hi"}]}
    told = {"model": "m", "latency_ms": 20, "ttft_ms": 3, "content": content, "at": THEN}
    answer = answered(question, text="Hi", status="stopped", **told)
    drained = await room.drain(question, answer)
    assert [tuple(row) for row in drained.rows] == [
        (question.id, question.client_id, "input", 1, False),
        (answer.id, None, "answer", 2, False),
    ]
    assert (drained.turn, drained.fence, drained.invoke) == (None, None, False)
    row = (await room.rows())[-1]
    names = ("id", "role", "text", "status", "turn_id", "created_at", "model", "latency_ms")
    assert tuple(row[name] for name in names) == (
        *(answer.id, "assistant", "Hi", "stopped", answer.turn, THEN, "m", 20),
    )
    assert (row["ttft_ms"], row["content"]) == (3, content)
    assert (row["answers_from"], row["answers_through"]) == (1, 1)
    assert (await room.say()).invoke  # CJ is free


async def test_the_counters_are_what_they_would_be_had_it_been_said_as_ever(room: Room) -> None:
    later = THEN + timedelta(seconds=5)
    question = said("How  are\nsales?", at=THEN)
    await room.drain(question, answered(question, text="Fine.", at=later))
    row = await room.row()
    assert (row["title"], row["preview"], row["message_count"]) == ("How are sales?", "Fine.", 2)
    assert (row["last_seq"], row["last_input_seq"], row["answered_through"]) == (2, 1, 1)
    assert (row["started_at"], row["last_message_at"]) == (THEN, later)
    await room.exchange("Q", "x" * 500)
    before = await room.row()
    wordless = said("y" * 500, at=THEN)
    await room.drain(wordless, answered(wordless, text="", status="stopped", at=THEN))
    row = await room.row()
    assert (row["title"], row["preview"]) == ("How are sales?", "y" * 140)
    assert (row["started_at"], row["message_count"]) == (before["started_at"], 6)
    for moment in ("updated_at", "last_message_at"):  # a list never goes back in time
        assert row[moment] == before[moment]


async def test_a_drain_repeated_after_a_lost_reply_adds_nothing_and_tells_the_same(
    room: Room,
) -> None:
    question, open_question = said("A"), said("B")
    entries, turn = (question, answered(question), open_question), new_id()
    lost = await room.drain(*entries, turn=turn)
    rows = await room.rows()
    again = await room.drain(*entries, turn=turn)
    assert (again.rows, again.messages) == (lost.rows, [])
    assert (again.turn, again.fence, again.invoke) == (turn, lost.fence, True)
    await room.begin(again)
    later = await room.drain(*entries)
    assert (later.rows, later.turn, later.invoke) == (lost.rows, turn, False)
    assert await room.rows() == rows


async def test_two_drains_at_once_add_every_entry_once(
    room: Room, other_db: Database, watcher: Database
) -> None:
    question, more = said("A"), said("B")
    entries = (question, answered(question), more)
    await room.db.execute(BEGIN)
    first = await room.drain(*entries)
    second = asyncio.create_task(room.seen_by(other_db).drain(*entries))
    await somebody_waits(watcher)
    await room.db.execute(COMMIT)
    assert ((await second).rows, (await second).messages) == (first.rows, [])
    assert ((await second).turn, (await second).fence) == (first.turn, first.fence)
    assert [row["text"] for row in await room.rows()] == ["A", "Answered", "B"]


async def test_two_drains_that_overlap_number_without_gaps(room: Room) -> None:
    """Entries went on being kept while the first one read: the second one has more."""
    question, more = said("A"), said("B")
    await room.drain(question, answered(question))
    drained = await room.drain(question, answered(question), more, answered(more))
    assert stands(drained) == [(1, False), (2, True), (3, False), (4, False)]
    assert [message.seq for message in drained.messages] == [3, 4]


async def test_what_had_arrived_before_the_outage_stays_where_it_is(room: Room) -> None:
    """Its ack was lost, so the page offered it again, and it got a second message id."""
    client = new_id()
    first = await room.say("A", client)
    await room.end(first, await room.begin(first))
    kept, same, new = said("A", client), said("A", client, id=first.message_id), said("B")
    drained = await room.drain(kept, same, new)
    assert stands(drained) == [(1, True), (1, False), (3, False)]
    assert [row["id"] for row in await room.rows()][::2] == [first.message_id, new.id]


async def test_what_had_arrived_long_before_stays_in_the_archive(room: Room) -> None:
    client = new_id()
    first = await room.say("A", client)
    ended = await room.end(first, await room.begin(first))
    question = said("B")
    answer = answered(question)
    await room.drain(question, answer)
    await room.archive()
    assert (await room.row())["status"] == "ended"
    again = said("A", client)
    drained = await room.drain(again, answered(again), question, answer)
    assert stands(drained) == [(1, True), (ended.seq, True), (3, False), (4, False)]
    row = await room.row()
    assert (await room.rows(), row["last_seq"], row["status"]) == ([], 4, "ended")


async def test_an_archived_conversation_goes_on_where_it_ended(room: Room) -> None:
    await room.exchange()
    await room.archive()
    question = said("B")
    assert stands(await room.drain(question, answered(question))) == [(3, False), (4, False)]
    row = await room.row()
    assert (row["status"], row["ended_at"], row["archived_through_seq"]) == ("active", None, 2)
    begun = await room.begin(await room.say("C"))
    assert [message.text for message in begun.window] == ["Hello", "Hi", "B", "Answered", "C"]


async def test_what_was_kept_for_an_unknown_conversation_is_nobodys(room: Room) -> None:
    assert await Room(room.db).drain(said()) is None


async def test_nothing_kept_changes_nothing(room: Room) -> None:
    await room.exchange()
    before = await room.row()
    drained = await room.drain()
    assert (drained.rows, drained.messages, drained.last_seq) == ([], [], 2)
    after = await room.row()
    assert {name for name in before if before[name] != after[name]} <= {"turn_fence"}


async def test_five_hundred_entries_keep_their_order(room: Room) -> None:
    entries = [said(str(number)) for number in range(500)]
    drained = await room.drain(*entries)
    assert [row.seq for row in drained.rows] == list(range(1, 501))
    assert [row["text"] for row in await room.rows()] == [str(number) for number in range(500)]
    assert (await room.row())["title"] == "0"


async def test_only_the_owners_tabs_are_named(room: Room) -> None:
    await room.watched_by("tab=")
    await Room(room.db, room.cid).watched_by("stranger=")
    assert (await room.drain(said())).connections == ("tab=",)


async def test_a_text_is_kept_as_it_came(room: Room) -> None:
    text = "'; DROP TABLE messages; -- {{7*7}} \u0007\u202e 🙂 é \\u0000"
    question = said(text)
    await room.drain(question, answered(question, text=text))
    assert [row["text"] for row in await room.rows()] == [text, text]


async def test_a_message_that_meets_the_drain_comes_after_it(
    room: Room, other_db: Database, watcher: Database
) -> None:
    await room.db.execute(BEGIN)
    kept = said("A")
    drained = await room.drain(kept)
    meeting = asyncio.create_task(room.seen_by(other_db).say("B", prev=kept.client_id))
    await somebody_waits(watcher)
    await room.db.execute(COMMIT)
    received = await meeting
    assert (received.outcome, received.seq, received.turn) == ("new", 2, drained.turn)


async def test_a_worker_that_ends_while_it_is_drained_is_refused(
    room: Room, other_db: Database, watcher: Database
) -> None:
    client = new_id()
    received = await room.say("A", client)
    begun = await room.begin(received)
    await other_db.execute(BEGIN)
    drained = await room.seen_by(other_db).drain(answered(client))
    assert stands(drained) == [(2, False)]
    ending = asyncio.create_task(room.end(received, begun, "Too late"))
    await somebody_waits(watcher)
    await other_db.execute(COMMIT)
    assert await ending is None
    assert [row["text"] for row in await room.rows()] == ["A", "Answered"]
    assert await Turns(room.db).renew(room.cid, received.turn, begun.fence, lease=LEASE) is None
