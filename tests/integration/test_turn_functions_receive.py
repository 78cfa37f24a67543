"""An input becomes durable: once, in order, with one turn taken for it, whatever happens."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from cj.domain.ids import new_id

from tests.integration.chatroom import RAN_OUT, Room
from tests.integration.statements import BEGIN, COMMIT, somebody_waits

if TYPE_CHECKING:
    from cj.store import Database


async def test_the_first_message_takes_the_turn(room: Room) -> None:
    message, turn = new_id(), new_id()
    received = await room.say(message_id=message, turn=turn)
    assert (received.outcome, received.seq, received.message_id) == ("new", 1, message)
    assert (received.turn, received.fence, received.invoke) == (turn, 1, True)


async def test_a_message_while_cj_speaks_waits_for_the_next_turn(room: Room) -> None:
    first = await room.say()
    await room.begin(first)
    second = await room.say()
    assert (second.outcome, second.seq, second.invoke) == ("new", 2, False)
    assert second.turn == first.turn


async def test_a_dup_gets_the_original_ack(room: Room) -> None:
    client = new_id()
    first = await room.say(client=client)
    await room.end(first, await room.begin(first))
    again = await room.say(client=client)
    assert again.outcome == "dup"
    assert (again.seq, again.message_id, again.created_at, again.invoke) == (
        *(first.seq, first.message_id, first.created_at, False),
    )
    assert len(await room.rows()) == 2


async def test_a_dup_of_a_taken_turn_nobody_has_begun_invokes_again(room: Room) -> None:
    client = new_id()
    first = await room.say(client=client)
    again = await room.say(client=client)
    assert again.invoke
    assert (again.turn, again.fence) == (first.turn, first.fence)
    assert await room.begin(again) is not None


async def test_a_dup_of_a_begun_turn_invokes_nobody(room: Room) -> None:
    client = new_id()
    await room.begin(await room.say(client=client))
    assert not (await room.say(client=client)).invoke


async def test_the_same_id_with_another_text_is_a_conflict(room: Room) -> None:
    client = new_id()
    await room.say("one", client)
    assert (await room.say("two", client)).outcome == "id_conflict"
    assert (await room.say("one", client, control="trigger")).outcome == "id_conflict"
    assert [row["text"] for row in await room.rows()] == ["one"]


async def test_a_message_before_its_predecessor_is_out_of_order(room: Room) -> None:
    missing, client = new_id(), new_id()
    assert (await room.say(client=client, prev=missing)).outcome == "out_of_order"
    assert await room.rows() == []
    await room.say(client=missing)
    assert (await room.say(client=client, prev=missing)).outcome == "new"


@pytest.mark.parametrize("answered", [1, 3])
async def test_a_sixth_that_waits_beside_what_is_answered_is_too_many(
    room: Room, answered: int
) -> None:
    first, *_ = [await room.say() for _ in range(answered)]
    begun = await room.begin(first)
    outcomes = [(await room.say()).outcome for _ in range(6)]
    assert outcomes == ["new"] * 5 + ["overloaded"]
    await room.end(first, begun)
    assert (await room.say()).outcome == "new"


async def test_before_a_turn_is_begun_one_is_answered_and_five_more_may_wait(room: Room) -> None:
    outcomes = [(await room.say()).outcome for _ in range(7)]
    assert outcomes == ["new"] * 6 + ["overloaded"]


async def test_what_a_dead_worker_was_to_answer_does_not_wait(room: Room) -> None:
    first, *_ = [await room.say() for _ in range(3)]
    await room.begin(first, lease=RAN_OUT)
    outcomes = [(await room.say()).outcome for _ in range(6)]
    assert outcomes == ["new"] * 5 + ["overloaded"]


async def test_a_missing_and_a_foreign_conversation_get_the_same_answer(room: Room) -> None:
    stranger = Room(room.db, room.cid)
    nowhere = Room(room.db)
    assert await stranger.say() == await nowhere.say()
    assert (await stranger.say()).outcome == "not_found"
    assert await room.rows() == []


async def test_a_message_arriving_exactly_while_a_turn_ends_takes_the_next_turn(
    room: Room, other_db: Database, watcher: Database
) -> None:
    first = await room.say()
    begun = await room.begin(first)
    await room.db.execute(BEGIN)
    await room.end(first, begun)
    arriving = asyncio.create_task(room.seen_by(other_db).say("Me too"))
    await somebody_waits(watcher)
    await room.db.execute(COMMIT)
    received = await arriving
    assert (received.seq, received.invoke) == (3, True)
    assert received.turn != first.turn
    assert (await room.begin(received)).from_seq == 2


async def test_a_turn_ending_exactly_while_a_message_arrives_hands_over(
    room: Room, other_db: Database, watcher: Database
) -> None:
    first = await room.say()
    begun = await room.begin(first)
    await other_db.execute(BEGIN)
    received = await room.seen_by(other_db).say("Me too")
    assert not received.invoke
    ending = asyncio.create_task(room.end(first, begun))
    await somebody_waits(watcher)
    await other_db.execute(COMMIT)
    ended = await ending
    assert ended.next_turn is not None
    second = await room.begin(ended)
    assert (second.from_seq, second.through_seq) == (2, 2)


async def test_two_messages_at_the_same_instant_get_two_seqs_and_one_turn(
    room: Room, other_db: Database, watcher: Database
) -> None:
    await room.db.execute(BEGIN)
    first = await room.say("A")
    second = asyncio.create_task(room.seen_by(other_db).say("B"))
    await somebody_waits(watcher)
    await room.db.execute(COMMIT)
    assert (first.seq, first.invoke) == (1, True)
    assert ((await second).seq, (await second).invoke) == (2, False)
    assert (await second).turn == first.turn


async def test_a_message_twice_at_the_same_instant_is_one_row(
    room: Room, other_db: Database, watcher: Database
) -> None:
    client = new_id()
    await room.db.execute(BEGIN)
    first = await room.say(client=client)
    second = asyncio.create_task(room.seen_by(other_db).say(client=client))
    await somebody_waits(watcher)
    await room.db.execute(COMMIT)
    assert ((await second).outcome, (await second).seq) == ("dup", first.seq)
    assert (await room.row())["last_seq"] == len(await room.rows()) == 1


async def test_a_successor_that_waits_for_its_predecessors_commit_is_in_order(
    room: Room, other_db: Database, watcher: Database
) -> None:
    client = new_id()
    await room.db.execute(BEGIN)
    await room.say(client=client)
    successor = asyncio.create_task(room.seen_by(other_db).say(prev=client))
    await somebody_waits(watcher)
    await room.db.execute(COMMIT)
    assert (await successor).outcome == "new"


async def test_a_duplicate_is_found_in_the_archive(room: Room) -> None:
    client = new_id()
    first = await room.say("Hello", client)
    await room.end(first, await room.begin(first))
    await room.archive()
    assert await room.rows() == []
    again = await room.say("Hello", client)
    assert (again.outcome, again.invoke) == ("dup", False)
    assert (again.seq, again.message_id, again.created_at) == (
        *(first.seq, first.message_id, first.created_at),
    )
    assert (await room.say("Bye", client)).outcome == "id_conflict"


async def test_a_predecessor_is_found_in_the_archive(room: Room) -> None:
    client = new_id()
    first = await room.say(client=client)
    await room.end(first, await room.begin(first))
    await room.archive()
    assert (await room.say(prev=client)).outcome == "new"
    assert (await room.say(prev=new_id())).outcome == "out_of_order"


async def test_an_archived_conversation_goes_on_where_it_ended(room: Room) -> None:
    await room.exchange()
    await room.archive()
    assert (await room.row())["status"] == "ended"
    received = await room.say()
    row = await room.row()
    assert (received.seq, row["ended_at"], row["status"]) == (3, None, "active")


async def test_the_first_words_become_the_title_and_the_last_ones_the_preview(room: Room) -> None:
    await room.exchange("How  are\nsales?", "Fine.")
    row = await room.row()
    assert (row["title"], row["preview"], row["message_count"]) == ("How are sales?", "Fine.", 2)
    await room.say("x" * 500)
    row = await room.row()
    assert (row["title"], row["preview"]) == ("How are sales?", "x" * 140)


async def test_the_times_of_a_conversation_are_those_of_its_messages(room: Room) -> None:
    first = await room.say()
    ended = await room.end(first, await room.begin(first))
    row = await room.row()
    assert row["started_at"] == first.created_at
    assert row["updated_at"] == row["last_message_at"] == ended.created_at > first.created_at


async def test_a_regenerate_is_a_hidden_input_that_supersedes(room: Room) -> None:
    await room.exchange("Q", "A1")
    received = await room.say("", control="regenerate", supersedes_from=2)
    assert (received.outcome, received.seq, received.invoke) == ("new", 3, True)
    row, message = await room.row(), (await room.rows())[-1]
    assert (message["role"], message["control"], message["supersedes_from"]) == (
        *("user", "regenerate", 2),
    )
    assert (row["title"], row["preview"], row["message_count"]) == ("Q", "A1", 2)
    assert row["last_input_seq"] == 3


async def test_a_regenerate_while_cj_speaks_is_busy(room: Room) -> None:
    await room.exchange()
    await room.say()
    again = await room.say("", control="regenerate", supersedes_from=2)
    assert again.outcome == "busy"


async def test_a_regenerate_of_what_is_not_there_is_not_found(room: Room) -> None:
    await room.exchange()
    again = await room.say("", control="regenerate", supersedes_from=3)
    assert (again.outcome, again.seq) == ("not_found", None)


async def test_a_trigger_is_a_hidden_input_of_the_system(room: Room) -> None:
    received = await room.say("greet", control="trigger")
    assert received.invoke
    message = (await room.rows())[0]
    assert (message["role"], message["control"]) == ("system", "trigger")
    assert (await room.row())["title"] is None


async def test_the_owners_other_tabs_are_named_and_nobody_elses(room: Room) -> None:
    await room.watched_by("tab1=")
    await room.watched_by("tab2=")
    stranger = Room(room.db, room.cid)
    await stranger.watched_by("stranger=")
    await replace(room, cid=new_id()).watched_by("elsewhere=")
    assert sorted((await room.say()).connections) == ["tab1=", "tab2="]


@pytest.mark.parametrize("text", ["'; DROP TABLE messages; --", "{{7*7}}", "\u0007‮ 🙂 é"])
async def test_a_text_is_kept_as_it_came(room: Room, text: str) -> None:
    begun = await room.begin(await room.say(text))
    assert [message.text for message in begun.window] == [text]
