"""A turn: one worker begins it, and only that worker ends it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import asyncpg
import pytest
from cj.domain.ids import new_id
from cj.store import Turns

from tests.integration.chatroom import LEASE, RAN_OUT, Room
from tests.integration.statements import BEGIN, COMMIT, somebody_waits, sql

if TYPE_CHECKING:
    from cj.store import Database


async def test_a_begun_turn_answers_every_input_that_waits(room: Room) -> None:
    first = await room.say("A")
    await room.say("B")
    begun = await room.begin(first)
    assert (begun.fence, begun.from_seq, begun.through_seq, begun.last_seq) == (2, 1, 2, 2)
    assert (begun.owner_id, begun.user_id, begun.merchant_id) == (room.owner, None, None)
    assert begun.workflow == "w"


async def test_of_two_deliveries_of_one_invocation_one_gets_the_turn(room: Room) -> None:
    received = await room.say()
    assert await room.begin(received) is not None
    assert await room.begin(received) is None


async def test_of_two_deliveries_at_the_same_instant_one_gets_the_turn(
    room: Room, other_db: Database, watcher: Database
) -> None:
    received = await room.say()
    await room.db.execute(BEGIN)
    assert await room.begin(received) is not None
    second = asyncio.create_task(room.seen_by(other_db).begin(received))
    await somebody_waits(watcher)
    await room.db.execute(COMMIT)
    assert await second is None


async def test_a_begin_repeated_after_a_lost_reply_finds_its_own_claim(room: Room) -> None:
    received, worker = await room.say("A"), new_id()
    lost = await room.begin(received, worker=worker)
    await room.say("B")
    again = await room.begin(received, worker=worker)
    assert (again.fence, again.from_seq, again.through_seq) == (lost.fence, 1, 1)
    assert again.window == lost.window
    assert (await room.row())["turn_attempts"] == 1


async def test_a_late_delivery_of_an_ended_turn_gets_nothing(room: Room) -> None:
    received = await room.say()
    await room.end(received, await room.begin(received))
    assert await room.begin(received) is None


async def test_a_renewal_keeps_the_turn_and_names_the_tabs(room: Room) -> None:
    received = await room.say()
    begun = await room.begin(received, lease=RAN_OUT)
    await room.watched_by("tab=")
    renewed = await Turns(room.db).renew(room.cid, received.turn, begun.fence, lease=LEASE)
    assert (renewed.stop, renewed.connections) == (False, ("tab=",))
    assert (await room.open()).fence == begun.fence  # nobody took it over


async def test_a_renewal_tells_that_somebody_asked_for_silence(room: Room) -> None:
    received = await room.say()
    begun = await room.begin(received)
    await room.set("turn_stop = true")
    turns = Turns(room.db)
    assert (await turns.renew(room.cid, received.turn, begun.fence, lease=LEASE)).stop
    await room.end(received, begun, status="stopped")
    assert not (await room.row())["turn_stop"]


async def test_a_renewal_with_a_stale_fence_gets_nothing(room: Room) -> None:
    received = await room.say()
    begun = await room.begin(received)
    turns = Turns(room.db)
    assert await turns.renew(room.cid, received.turn, begun.fence - 1, lease=LEASE) is None
    assert await turns.renew(room.cid, new_id(), begun.fence, lease=LEASE) is None


async def test_an_end_writes_the_answer_and_releases_the_turn(room: Room) -> None:
    received, answer = await room.say(), new_id()
    begun = await room.begin(received)
    content = {"v": 1, "blocks": [{"toolUse": {"input": None}}, {"text": "Hi"}]}
    ended = await room.end(
        *(received, begun),
        **{"answer": answer, "content": content, "model": "m", "input_tokens": 5},
        **{"output_tokens": 7, "cache_tokens": 1, "latency_ms": 20, "ttft_ms": 3},
        **{"sources": [{"url": None}], "ui": {"kind": "chart"}},
    )
    assert (ended.seq, ended.message_id, ended.next_turn) == (2, answer, None)
    row = (await room.rows())[-1]
    assert {name: row[name] for name in ("id", "role", "status", "turn_id", "created_at")} == {
        "id": answer,
        "role": "assistant",
        "status": "complete",
        "turn_id": received.turn,
        "created_at": ended.created_at,
    }
    assert (row["answers_from"], row["answers_through"], row["content"]) == (1, 1, content)
    assert (row["tokens_used"], row["cache_tokens"], row["latency_ms"], row["ttft_ms"]) == (
        *(12, 1, 20, 3),
    )
    assert (row["sources"], row["ui"]) == ([{"url": None}], {"kind": "chart"})
    conversation = await room.row()
    assert conversation["turn_id"] is conversation["turn_until"] is None
    assert conversation["answered_through"] == 1


@pytest.mark.parametrize("status", ["complete", "stopped", "interrupted", "error"])
async def test_an_end_keeps_how_it_ended(room: Room, status: str) -> None:
    received = await room.say()
    await room.end(received, await room.begin(received), "Part", status=status)
    assert [row["status"] for row in await room.rows()] == ["complete", status]


async def test_an_end_with_an_unknown_status_writes_nothing(room: Room) -> None:
    received = await room.say()
    begun = await room.begin(received)
    with pytest.raises(asyncpg.CheckViolationError):
        await room.end(received, begun, status="bored")
    assert len(await room.rows()) == 1
    assert await room.end(received, begun) is not None


async def test_an_end_repeated_after_a_lost_reply_finds_its_own_answer(room: Room) -> None:
    received = await room.say()
    begun = await room.begin(received)
    same = {"answer": new_id(), "next_turn": new_id()}
    lost = await room.end(received, begun, **same)
    again = await room.end(received, begun, **same)
    assert (again.seq, again.created_at, again.next_turn) == (lost.seq, lost.created_at, None)
    assert len(await room.rows()) == 2


async def test_an_end_repeated_after_a_lost_reply_still_hands_over(room: Room) -> None:
    received = await room.say("A")
    begun = await room.begin(received)
    await room.say("B")
    same = {"answer": new_id(), "next_turn": new_id()}
    lost = await room.end(received, begun, **same)
    again = await room.end(received, begun, **same)
    assert again == lost
    assert again.next_turn == same["next_turn"]
    await room.begin(again)
    assert (await room.end(received, begun, **same)).next_turn is None  # begun: no second one


async def test_an_end_with_a_stale_fence_is_refused(room: Room) -> None:
    received = await room.say()
    begun = await room.begin(received, lease=RAN_OUT)
    taken_over = await room.open()
    assert taken_over.invoke
    assert await room.end(received, begun, "I was stopped and went on") is None
    second = await room.begin(taken_over)
    assert await room.end(received, begun) is None
    assert await room.end(taken_over, second, "The answer") is not None
    assert [row["text"] for row in await room.rows()] == ["Hello", "The answer"]


async def test_a_late_worker_whose_turn_nobody_took_may_still_end_it(room: Room) -> None:
    received = await room.say()
    begun = await room.begin(received, lease=RAN_OUT)
    assert await room.end(received, begun) is not None


async def test_an_end_of_a_missing_conversation_is_refused(room: Room) -> None:
    received = await room.say()
    begun = await room.begin(received)
    assert await Room(room.db).end(received, begun) is None


async def test_a_claim_in_mid_turn_does_not_discard_the_answer(room: Room) -> None:
    received = await room.say()
    begun = await room.begin(received)
    await room.watched_by("before=")
    await room.set("owner_id = 'anon_5'")
    ended = await room.end(received, begun)
    assert ended.seq == 2
    assert ended.connections == ()  # the old owner's sockets see nothing more


async def test_what_came_in_during_a_turn_is_the_next_turns(room: Room) -> None:
    first = await room.say("A")
    begun = await room.begin(first)
    await room.say("B")
    await room.say("C")
    ended = await room.end(first, begun, "to A")
    second = await room.begin(ended)
    assert (ended.seq, second.from_seq, second.through_seq) == (4, 2, 3)
    assert await room.end(ended, second, "to B and C") is not None
    answers = [(row["answers_from"], row["answers_through"]) for row in await room.rows()]
    assert answers == [(None, None), (None, None), (None, None), (1, 1), (2, 3)]


async def test_the_window_puts_an_answer_behind_what_it_answers(room: Room) -> None:
    first = await room.say("A")
    begun = await room.begin(first)
    await room.say("B")
    ended = await room.end(first, begun, "to A")
    window = (await room.begin(ended)).window
    assert [message.text for message in window] == ["A", "to A", "B"]


async def test_the_window_holds_the_newest_messages(room: Room) -> None:
    for number in range(5):
        await room.exchange(f"Q{number}", f"A{number}")
    window = (await room.begin(await room.say("Q5"), window=4)).window
    assert [message.text for message in window] == ["A3", "Q4", "A4", "Q5"]


async def test_the_window_leaves_out_what_failed_was_wordless_or_superseded(room: Room) -> None:
    await room.exchange("Q1", "A1")
    for status in ("stopped", "error"):
        received = await room.say(f"Q {status}")
        text = "" if status == "stopped" else "Sorry"
        await room.end(received, await room.begin(received), text, status=status)
    received = await room.say("Q1 in better words", supersedes_from=5)
    window = (await room.begin(received)).window
    assert [message.text for message in window] == ["Q1", "A1", "Q stopped", "Q1 in better words"]


async def test_the_window_shows_a_control_row_to_its_own_turn_alone(room: Room) -> None:
    received = await room.say("greet", control="trigger")
    begun = await room.begin(received)
    assert [(message.text, message.hidden) for message in begun.window] == [("greet", True)]
    await room.end(received, begun, "Welcome")
    window = (await room.begin(await room.say("Thanks"))).window
    assert [message.text for message in window] == ["Welcome", "Thanks"]


async def test_a_regenerated_answer_is_gone_from_the_window(room: Room) -> None:
    await room.exchange("Q", "A1")
    received = await room.say("", control="regenerate", supersedes_from=2)
    window = (await room.begin(received)).window
    assert [(message.text, message.control) for message in window] == [
        ("Q", None),
        ("", "regenerate"),
    ]


async def test_the_window_goes_on_into_the_archive(room: Room) -> None:
    await room.exchange("Q1", "A1")
    await room.exchange("Q2", "A2")
    await room.say("", control="regenerate", supersedes_from=4)
    received = await room.say("Q3")
    await room.end(received, await room.begin(received), "A2 and A3")
    await room.archive()
    received = await room.say("Q4")
    texts = [message.text for message in (await room.begin(received)).window]
    assert texts == ["Q1", "A1", "Q2", "Q3", "A2 and A3", "Q4"]


async def test_the_window_takes_only_what_is_missing_from_the_archive(room: Room) -> None:
    await room.exchange("Q1", "A1")
    await room.archive()
    await room.exchange("Q2", "A2")
    await room.archive()
    received = await room.say("Q3", supersedes_from=3)
    texts = [message.text for message in (await room.begin(received, window=2)).window]
    assert texts == ["A1", "Q3"]


async def test_the_tool_steps_of_an_answer_are_in_the_window_from_rows_and_archive(
    room: Room,
) -> None:
    content = {"v": 1, "blocks": [{"toolUse": {"input": {"after": None}}}]}
    received = await room.say()
    await room.end(received, await room.begin(received), content=content)
    received = await room.say("x")
    begun = await room.begin(received)
    from_rows = begun.window[1]
    assert from_rows.content == content
    await room.end(received, begun)
    await room.archive()
    from_archive = (await room.begin(await room.say("y"))).window[1]
    assert (from_archive.id, from_archive.content) == (from_rows.id, content)


async def test_the_clock_is_read_after_the_wait_for_the_lock(
    room: Room, other_db: Database, watcher: Database
) -> None:
    """The statement's or the transaction's own clock would have stopped before it."""
    await room.db.execute(BEGIN)
    await room.say("A")
    waiting = asyncio.create_task(room.seen_by(other_db).say("B"))
    await somebody_waits(watcher)
    locked_at = (await watcher.row(sql("SELECT clock_timestamp()")))[0]
    await room.db.execute(COMMIT)
    assert (await waiting).created_at > locked_at
