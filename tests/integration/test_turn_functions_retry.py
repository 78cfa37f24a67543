"""A retry: CJ answers once more, or an own message is put differently."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from cj.domain.ids import new_id

from tests.integration.chatroom import RAN_OUT, Room

if TYPE_CHECKING:
    from uuid import UUID

    from cj.domain.turns import Begun


async def talked(room: Room, *words: str) -> list[UUID]:
    """Questions and answers in turn; the ids of all their rows."""
    for question, answer in zip(words[::2], words[1::2], strict=True):
        await room.exchange(question, answer)
    return [row["id"] for row in await room.rows()]


def read_in(begun: Begun) -> list[str]:
    return [message.control or message.text for message in begun.window]


@pytest.fixture(params=["rows", "archive"])
async def old_room(request: pytest.FixtureRequest, room: Room) -> tuple[Room, list[UUID]]:
    """Two exchanges, read from the rows or from the archive."""
    ids = await talked(room, "Q1", "A1", "Q2", "A2")
    if request.param == "archive":
        await room.archive()
    return room, ids


async def test_a_retry_of_an_answer_asks_for_another_one(old_room: tuple[Room, list[UUID]]) -> None:
    room, ids = old_room
    received = await room.say(None, of=ids[3])
    assert (received.outcome, received.seq, received.invoke) == ("new", 5, True)
    assert (received.control, received.supersedes_from) == ("regenerate", 4)
    row = (await room.rows())[-1]
    assert (row["role"], row["text"], row["control"], row["supersedes_from"]) == (
        *("user", "", "regenerate", 4),
    )
    assert read_in(await room.begin(received)) == ["Q1", "A1", "Q2", "regenerate"]


async def test_a_retry_of_an_older_answer_forgets_what_came_after_it(
    old_room: tuple[Room, list[UUID]],
) -> None:
    room, ids = old_room
    received = await room.say(None, of=ids[1])
    assert read_in(await room.begin(received)) == ["Q1", "regenerate"]


async def test_a_retry_with_words_puts_an_own_message_differently(
    old_room: tuple[Room, list[UUID]],
) -> None:
    room, ids = old_room
    received = await room.say("Q2 in better words", of=ids[2])
    assert (received.outcome, received.seq) == ("new", 5)
    assert (received.control, received.supersedes_from) == (None, 3)
    assert read_in(await room.begin(received)) == ["Q1", "A1", "Q2 in better words"]
    row = await room.row()
    assert (row["title"], row["preview"], row["message_count"]) == ("Q1", "Q2 in better words", 5)


async def test_an_edit_of_a_message_answered_later_hides_all_answers_behind_it(room: Room) -> None:
    """B came while CJ spoke to A, so the answer to A stands behind B and goes with it."""
    first = await room.say("A")
    begun = await room.begin(first)
    second = await room.say("B")
    ended = await room.end(first, begun, "to A")
    await room.end(ended, await room.begin(ended), "to B")
    client = new_id()
    edit = await room.say("B in better words", client, of=second.message_id)
    begun = await room.begin(edit)
    assert read_in(begun) == ["A", "B in better words"]
    assert begun.inputs == (client,)


async def test_a_regenerate_of_an_answer_that_others_overtook_keeps_its_question(
    room: Room,
) -> None:
    first = await room.say("A")
    begun = await room.begin(first)
    await room.say("B")
    ended = await room.end(first, begun, "to A")
    last = await room.end(ended, await room.begin(ended), "to B")
    retry = await room.say(None, of=last.message_id)
    assert read_in(await room.begin(retry)) == ["A", "to A", "B", "regenerate"]


async def test_a_regenerate_of_a_regenerate_reads_the_question_once_more(room: Room) -> None:
    ids = await talked(room, "Q", "A")
    first = await room.say(None, of=ids[1])
    ended = await room.end(first, await room.begin(first), "A again")
    await room.archive()
    second = await room.say(None, of=ended.message_id)
    assert second.supersedes_from == 4
    begun = await room.begin(second)
    assert read_in(begun) == ["Q", "regenerate"]
    await room.end(second, begun, "A at last")
    assert read_in(await room.begin(await room.say("Thanks"))) == ["Q", "A at last", "Thanks"]


async def test_the_error_row_of_a_turn_can_be_tried_again(room: Room) -> None:
    received = await room.say("Q")
    failed = await room.end(received, await room.begin(received), "Sorry", status="error")
    retry = await room.say(None, of=failed.message_id)
    assert read_in(await room.begin(retry)) == ["Q", "regenerate"]


async def test_a_retry_that_fits_not_what_it_is_of_is_unfit(
    old_room: tuple[Room, list[UUID]],
) -> None:
    room, (question, answer, *_) = old_room
    assert (await room.say(None, of=question)).outcome == "unfit"
    assert (await room.say("Other words", of=answer)).outcome == "unfit"
    assert (await room.row())["last_seq"] == 4


async def test_what_is_hidden_from_people_can_not_be_edited(room: Room) -> None:
    trigger = await room.say("greet", control="trigger")
    ended = await room.end(trigger, await room.begin(trigger), "Welcome")
    assert (await room.say("Greet well", of=trigger.message_id)).outcome == "unfit"
    regenerate = await room.say(None, of=ended.message_id)
    await room.end(regenerate, await room.begin(regenerate), "Good morning")
    assert (await room.say("Words", of=regenerate.message_id)).outcome == "unfit"
    assert (await room.say(None, of=regenerate.message_id)).outcome == "unfit"


async def test_a_retry_of_nothing_or_of_somebody_elses_message_is_not_found(
    old_room: tuple[Room, list[UUID]],
) -> None:
    room, _ = old_room
    other = await Room(room.db).furnish()
    foreign = await other.exchange()
    await other.archive()
    archived, foreign = foreign, await other.exchange()
    for of in (new_id(), foreign.message_id, archived.message_id):
        refused = await room.say(None, of=of)
        assert (refused.outcome, refused.seq, refused.invoke) == ("not_found", None, False)
    assert (await room.say("Words", of=new_id())).outcome == "not_found"
    stranger = Room(room.db, room.cid)
    assert (await stranger.say(None, of=foreign.message_id)).outcome == "not_found"
    assert (await room.row())["last_seq"] == 4


async def test_a_retry_while_cj_speaks_is_busy_and_later_it_is_not(room: Room) -> None:
    ids = await talked(room, "Q1", "A1")
    client = new_id()
    received = await room.say("Q2")
    begun = await room.begin(received)
    assert (await room.say(None, client, of=ids[1])).outcome == "busy"
    assert (await room.say("Q1 in better words", client, of=ids[0])).outcome == "busy"
    await room.end(received, begun)
    assert (await room.say(None, client, of=ids[1])).outcome == "new"


async def test_a_retry_repeated_after_a_lost_reply_is_one_row(
    old_room: tuple[Room, list[UUID]],
) -> None:
    room, ids = old_room
    for words, of in ((None, ids[3]), ("Q1 in better words", ids[0])):
        client = new_id()
        first = await room.say(words, client, of=of)
        again = await room.say(words, client, of=of)
        assert (again.outcome, again.invoke) == ("dup", True)
        assert (again.seq, again.message_id, again.created_at) == (
            *(first.seq, first.message_id, first.created_at),
        )
        assert (again.control, again.supersedes_from) == (first.control, first.supersedes_from)
        await room.end(first, await room.begin(again))
        await room.archive()
        assert (await room.say(words, client, of=of)).seq == first.seq


async def test_the_same_id_for_another_retry_is_a_conflict(room: Room) -> None:
    ids = await talked(room, "Q1", "A1", "Q2", "A2")
    client = new_id()
    received = await room.say("Q1 in better words", client, of=ids[0])
    await room.end(received, await room.begin(received))
    for words, of in (
        ("Other words", ids[0]),
        ("Q1 in better words", ids[2]),
        ("Q1 in better words", None),
        ("Q1 in better words", new_id()),
        (None, ids[1]),
    ):
        assert (await room.say(words, client, of=of)).outcome == "id_conflict"
    assert (await room.row())["last_seq"] == 6


async def test_a_retry_before_its_predecessor_is_out_of_order(room: Room) -> None:
    ids = await talked(room, "Q", "A")
    assert (await room.say(None, of=ids[1], prev=new_id())).outcome == "out_of_order"


async def test_a_retry_of_a_turn_that_died_for_good_tells_so_and_goes_on(room: Room) -> None:
    ids = await talked(room, "Q1", "A1")
    await room.begin(await room.say("Q2"), lease=RAN_OUT)
    await room.set("turn_attempts = 3")
    retry = await room.say(None, of=ids[1])
    assert (retry.outcome, retry.ended.status, retry.seq) == ("new", "error", 5)
    assert read_in(await room.begin(retry)) == ["Q1", "regenerate"]


async def test_whatever_is_received_tells_of_the_workflow(room: Room) -> None:
    client = new_id()
    assert (await room.say(client=client)).workflow == "w"
    assert (await room.say(client=client)).workflow == "w"
    assert (await Room(room.db, room.cid).say()).workflow is None
