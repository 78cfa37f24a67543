"""The page that the chaos runs use keeps, offers, orders and asks as the promises want it to."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import pytest

from tests.chaos.history import Record
from tests.chaos.page import Pace, Page

if TYPE_CHECKING:
    from collections.abc import Callable

PACE = Pace(ack_s=10, unsaved_s=5, silence_s=15, hole_s=0.5, retry_s=2)
EMPTY = {"messages": [], "more": False, "unsaved": [], "last_seq": 0}


def opened(**members: Any) -> Page:
    """A page whose conversation `here` is open."""
    numbers = itertools.count()
    page = Page(Record("a"), PACE, lambda: f"id{next(numbers)}")
    start = page.connected(0)
    page.hear({"type": "ready", "re": start["id"], "cid": "here", **EMPTY, **members}, 0)
    return page


def row(seq: int, role: str = "user", **members: Any) -> dict[str, Any]:
    plain = {"id": f"m{seq}", "seq": seq, "role": role, "text": "words", "status": "complete"}
    covers = {"answers_from": seq - 1, "answers_through": seq - 1} if role == "assistant" else {}
    return {**plain, **covers, **members}


def ack(client_id: str, seq: int | None) -> dict[str, Any]:
    told = {"message_id": f"m-{client_id}", "seq": seq, "durable": seq is not None}
    return {"type": "ack", "re": client_id, "cid": "here", **told}


def delta(i: int, text: str, gen: int = 1) -> dict[str, Any]:
    return {"type": "delta", "cid": "here", "turn": "t", "gen": gen, "i": i, "text": text}


def done(n: int, seq: int | None, gen: int = 1) -> dict[str, Any]:
    told = {"message_id": "answer", "n": n, "status": "complete", "durable": seq is not None}
    covers = {"answers_from": 1, "answers_through": 1} if seq else {"answers": ["c1"]}
    return {
        "type": "done", "cid": "here", "turn": "t", "gen": gen, "seq": seq, **told, **covers
    }  # fmt: skip


def sync(page: Page, **members: Any) -> dict[str, Any]:
    """The answer to what the page asked last."""
    frame = {"type": "sync", "re": page._asked, "cid": "here", "recovered": True}
    return {**frame, **EMPTY, **members}


def offered(page: Page, now: float) -> list[tuple[str, str | None]]:
    """The messages that leave now: id and prev."""
    frames = [frame for frame in page.due(now) if frame["type"] == "message"]
    return [(frame["id"], frame.get("prev")) for frame in frames]


def test_prev_is_named_only_while_it_is_not_known_to_be_saved() -> None:
    page = opened()
    one, two, three = (page.say(text, 1).client_id for text in ("one", "two", "three"))
    assert offered(page, 1) == [(one, None), (two, one), (three, two)]
    page.hear(ack(one, 1), 1.1)
    page.hear(ack(two, None), 1.2)  # accepted is not saved
    four = page.say("four", 2).client_id
    assert offered(page, 2) == [(four, three)]
    assert offered(page, 11.5) == [(two, None), (three, two)]
    page.hear({"type": "committed", "cid": "here", "message_id": f"m-{two}", "seq": 2}, 12)
    assert offered(page, 30) == [(three, None), (four, three)]


def test_a_message_without_an_ack_is_offered_again_after_a_while() -> None:
    page = opened()
    said = page.say("one", 1).client_id
    assert offered(page, 1) == [(said, None)]
    assert offered(page, 10.9) == []
    assert offered(page, 11) == [(said, None)]


def test_what_is_accepted_is_offered_every_five_seconds_until_it_is_committed() -> None:
    page = opened()
    said = page.say("one", 1)
    offered(page, 1)
    page.hear(ack(said.client_id, None), 1)
    assert [offered(page, t) for t in (5.9, 6, 10.9, 11)] == [
        [],
        [(said.client_id, None)],
        [],
        [(said.client_id, None)],
    ]
    page.hear({"type": "committed", "cid": "here", "message_id": said.message_id, "seq": 1}, 12)
    assert (said.seq, page.outbox) == (1, [])


@pytest.mark.parametrize(
    ("retry", "again_at"), [({"retry_ms": 500}, 1.5), ({}, 3.0)], ids=["told", "not told"]
)
def test_after_a_retryable_error_it_waits_as_long_as_it_was_told(
    retry: dict[str, int], again_at: float
) -> None:
    page = opened()
    said = page.say("one", 1).client_id
    offered(page, 1)
    page.hear({"type": "error", "re": said, "code": "busy", "retryable": True, **retry}, 1)
    assert offered(page, again_at - 0.1) == []
    assert offered(page, again_at) == [(said, None)]


def test_what_is_refused_for_good_is_written_down_and_not_offered_again() -> None:
    page = opened()
    said = page.say("one", 1)
    page.hear({"type": "error", "re": said.client_id, "code": "internal", "retryable": False}, 1)
    assert (said.refused, page.outbox) == ("internal", [])


def test_api_gateway_s_own_error_frame_makes_everything_go_again() -> None:
    page = opened()
    said = page.say("one", 1).client_id
    offered(page, 1)
    page.hear({"message": "Internal server error", "connectionId": "c", "requestId": "r"}, 1)
    assert offered(page, 3) == [(said, None)]


def test_after_a_reconnect_it_asks_first_and_offers_when_it_has_an_answer() -> None:
    page = opened()
    said = page.say("one", 1).client_id
    offered(page, 1)
    start = page.connected(20)
    assert (start["type"], start["cid"], start["after_seq"]) == ("start", "here", 0)
    assert offered(page, 20) == []
    page.hear({"type": "ready", "re": start["id"], "cid": "here", **EMPTY}, 20)
    assert offered(page, 20) == [(said, None)]


def test_rows_say_which_own_messages_arrived_even_when_their_acks_were_lost() -> None:
    page = opened()
    said = page.say("one", 1)
    arrived = row(1, client_id=said.client_id)
    page.hear({"type": "message", "cid": "here", "seq": 1, "message": arrived}, 2)
    assert (page.outbox, said.seq, said.message_id) == ([], 1, "m1")


def test_a_mid_turn_reconnect_resumes_at_the_next_chunk() -> None:
    page = opened()
    for i in range(3):
        page.hear(delta(i, f"{i} "), 1)
    asked = page.connected(2)
    assert [asked[name] for name in ("type", "turn", "gen", "i")] == ["resume", "t", 1, 3]
    turn = {"id": "t", "gen": 1, "from": 3, "i": 5, "text": "3 4 "}
    page.hear(delta(4, "4 "), 2)  # said to everybody while the answer was on its way
    page.hear(sync(page, turn=turn), 2)
    page.hear(delta(5, "5 "), 2)
    assert page.live is not None
    assert (page.live.text, page.live.next) == ("0 1 2 3 4 5 ", 6)


def test_chunks_may_come_twice_and_out_of_order() -> None:
    page = opened()
    for i in (1, 0, 1, 2, 0):
        page.hear(delta(i, f"{i} "), 1)
    page.hear(done(3, 2), 1)
    page.hear({"type": "message", "cid": "here", "seq": 1, "message": row(1)}, 1)
    assert page.transcript.rows[2]["text"] == "0 1 2 "
    assert page.settled


def test_a_higher_attempt_starts_the_text_anew_and_a_lower_one_is_not_heard() -> None:
    page = opened()
    for frame in (delta(0, "old", 1), delta(0, "new", 2), delta(1, "old again", 1)):
        page.hear(frame, 1)
    assert page.live is not None
    assert page.live.text == "new"


@pytest.mark.parametrize(
    "frames",
    [
        [delta(0, "0 "), delta(2, "2 ")],
        [delta(0, "0 ", 1), delta(1, "1 ", 1)],
        [],
    ],
    ids=["a chunk is missing", "of another attempt", "nothing was heard"],
)
def test_an_answer_that_was_not_heard_whole_is_asked_for(frames: list[dict[str, Any]]) -> None:
    page = opened(messages=[row(1)], last_seq=1)
    for frame in frames:
        page.hear(frame, 1)
    page.hear(done(3, 2, gen=2 if len(frames) == 2 and frames[1]["i"] == 1 else 1), 1)
    assert 2 not in page.transcript.rows
    asked = page.due(1.5)
    assert [(frame["type"], frame["after_seq"]) for frame in asked] == [("start", 1)]


def test_chunks_that_redis_lost_are_replaced_by_the_final_message() -> None:
    page = opened(messages=[row(1)], last_seq=1)
    page.hear(delta(0, "0 "), 1)
    page.connected(2)
    turn = {"id": "t", "gen": 1, "from": 1, "i": 1, "text": ""}
    page.hear(sync(page, recovered=False, turn=turn, last_seq=1), 2)
    page.hear(delta(1, "1 "), 2)
    page.hear(done(2, 2), 2)
    assert 2 not in page.transcript.rows  # not put together from what may have a hole
    assert [frame["type"] for frame in page.due(2.5)] == ["start"]


def test_silence_in_an_open_turn_makes_it_ask() -> None:
    page = opened()
    page.hear(delta(0, "0 "), 1)
    assert page.due(15.9) == []
    assert [frame["type"] for frame in page.due(16)] == ["resume"]


def test_an_answer_that_is_not_saved_is_kept_until_it_is_committed() -> None:
    page = opened(messages=[row(1, client_id="c1")], last_seq=1)
    page.hear(delta(0, "0 "), 1)
    page.hear(done(1, None), 1)
    assert not page.settled
    page.hear({"type": "committed", "cid": "here", "message_id": "answer", "seq": 2}, 2)
    assert page.transcript.rows[2]["text"] == "0 "
    assert page.settled


def test_a_committed_answer_answers_what_it_names_and_no_more() -> None:
    page = opened()
    one, two = page.say("one", 1), page.say("two", 1)
    page.hear(delta(0, "0 "), 1)
    page.hear({**done(1, None), "answers": [one.client_id]}, 1)
    for seq, message_id in enumerate((one.client_id, two.client_id), 1):
        named = {"message_id": f"m{seq}", "client_id": message_id, "seq": seq}
        page.hear({"type": "committed", "cid": "here", **named}, 2)
    page.hear({"type": "committed", "cid": "here", "message_id": "answer", "seq": 3}, 2)
    assert (page.transcript.answered_through, page.awaiting) == (1, True)


def _by_client_id(page: Page, client_id: str) -> dict[str, Any]:
    return {"message_id": "m9", "client_id": client_id}


def _by_message_id(page: Page, client_id: str) -> dict[str, Any]:
    return {"message_id": f"m-{client_id}"}


@pytest.mark.parametrize("name", [_by_client_id, _by_message_id])
def test_a_commit_that_replaces_the_row_makes_it_fetch_the_other_one(
    name: Callable[[Page, str], dict[str, Any]],
) -> None:
    page = opened()
    said = page.say("one", 1)
    page.hear(ack(said.client_id, None), 1)
    frame = {"type": "committed", "cid": "here", "seq": 1, "replaced": True}
    page.hear({**frame, **name(page, said.client_id)}, 2)
    assert (page.outbox, said.seq, page.transcript.rows) == ([], 1, {})
    assert [f["type"] for f in page.due(2.5)] == ["start"]


def test_pages_that_do_not_fit_are_asked_for_one_after_the_other() -> None:
    page = opened(messages=[row(1)], last_seq=3, more=True)
    assert [frame["after_seq"] for frame in page.due(0.1)] == [1]


def test_a_frame_of_another_conversation_is_written_down() -> None:
    page = opened()
    page.hear({**delta(0, "secret"), "cid": "elsewhere"}, 1)
    assert page.live is None
    assert [kind for kind, _ in page.record.troubles] == ["foreign"]


def test_two_texts_for_one_chunk_are_written_down() -> None:
    page = opened()
    page.hear(delta(0, "one voice"), 1)
    page.hear(delta(0, "another"), 1)
    assert [kind for kind, _ in page.record.troubles] == ["two turns at once"]
