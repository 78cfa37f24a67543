"""Frames to the browser stay inside API Gateway's frame, whatever the messages hold."""

import json
from typing import Any

from cj.domain import replies
from hypothesis import given
from hypothesis import strategies as st

texts = st.lists(st.text(max_size=200).map(lambda t: t * 40), max_size=12)
chunks = st.lists(st.text(min_size=1, max_size=400), max_size=200)
READY = {"type": "ready", "cid": "c", "re": "r"}
Frames = list[dict[str, Any]]


def rows(texts: list[str]) -> Frames:
    return [{"seq": seq, "text": text} for seq, text in enumerate(texts, 1)]


def unsaved(texts: list[str]) -> Frames:
    return [{"seq": None, "text": text} for text in texts]


def size(frame: dict[str, Any]) -> int:
    return len(replies.encode(frame))


@given(texts, texts, st.none() | chunks, st.booleans())
def test_an_opening_fits_and_what_did_not_fit_follows_in_order(
    said: list[str], waiting: list[str], live: list[str] | None, newest: bool
) -> None:
    messages, kept = rows(said), unsaved(waiting)
    running = None if live is None else replies.Live("t", 2, 5, live)
    frame, *rest = replies.opening(READY, messages, newest=newest, unsaved=kept, live=running)
    taken = frame["messages"]
    assert size(frame) <= replies.FRAME_BYTES or len(taken) == 1
    assert taken == (messages[len(messages) - len(taken) :] if newest else messages[: len(taken)])
    assert taken or not messages
    assert frame["more"] == (len(taken) < len(messages))
    told = [f["message"] for f in rest if f["type"] == "message"]
    assert frame["unsaved"] + told == kept
    deltas = [f for f in rest if f["type"] == "delta"]
    if live is None:
        assert "turn" not in frame
        assert deltas == []
    else:
        turn = frame["turn"]
        assert turn["text"] + "".join(d["text"] for d in deltas) == "".join(live)
        assert [d["i"] for d in deltas] == list(range(turn["i"], 5 + len(live)))
        assert (turn["id"], turn["gen"], turn["from"]) == ("t", 2, 5)


def test_what_does_not_fit_is_left_for_the_next_page() -> None:
    messages = rows(["x" * 8_000] * 5)
    (newest,) = replies.opening(READY, messages, newest=True)
    (oldest,) = replies.opening(READY, messages, newest=False)
    assert (newest["messages"], newest["more"]) == (messages[2:], True)
    assert (oldest["messages"], oldest["more"]) == (messages[:3], True)


def test_more_that_the_database_already_knows_of_stays() -> None:
    (frame,) = replies.opening({**READY, "more": True}, [], newest=True)
    assert frame["more"] is True


def test_a_message_larger_than_a_frame_travels_all_the_same() -> None:
    messages = rows(["x" * 30_000, "y"])
    (frame,) = replies.opening(READY, messages, newest=False)
    assert (frame["messages"], frame["more"]) == (messages[:1], True)


def test_a_long_running_answer_leaves_the_newest_message_its_place() -> None:
    live = replies.Live("t", 1, 0, ["z" * 1_000] * 50)
    messages = rows(["x" * 4_000] * 6)
    frame, *deltas = replies.opening(READY, messages, newest=True, live=live)
    assert frame["messages"]
    assert frame["turn"]["i"] >= replies.LIVE_BYTES // 1_100
    assert len(deltas) == 50 - frame["turn"]["i"]
    assert size(frame) <= replies.FRAME_BYTES


def test_every_frame_says_its_version() -> None:
    assert json.loads(replies.encode(replies.pong("x"))) == {"v": 1, "type": "pong", "re": "x"}


def test_an_error_leaves_out_what_is_not_known() -> None:
    assert replies.error("busy", "Wait.", re="x", cid="c", retryable=True, retry_ms=5) == {
        "type": "error",
        "re": "x",
        "cid": "c",
        "retry_ms": 5,
        "code": "busy",
        "message": "Wait.",
        "retryable": True,
    }
    assert {"re", "cid", "retry_ms"}.isdisjoint(replies.error("internal", "No."))


def test_a_message_without_a_seq_is_one_that_is_not_durable() -> None:
    assert replies.message("c", {"seq": 3})["durable"] is True
    assert replies.message("c", {"seq": None})["durable"] is False


def test_committed_tells_of_another_row_only_where_there_is_one() -> None:
    assert replies.committed("c", "m", 3) == {
        "type": "committed",
        "cid": "c",
        "message_id": "m",
        "seq": 3,
    }
    told = replies.committed("c", "m", None, client_id="i", replaced=True)
    assert (told["seq"], told["client_id"], told["replaced"]) == (None, "i", True)


def test_a_tool_says_what_it_knows_and_no_more() -> None:
    started = replies.tool("c", "t", 1, call="x", name="orders", status="started")
    assert {"ms", "cached", "as_of"}.isdisjoint(started)
    done = replies.tool("c", "t", 1, call="x", name="orders", status="ok", ms=0, cached=False)
    assert (done["ms"], done["cached"]) == (0, False)


def test_what_a_retry_hides_is_told_as_a_range() -> None:
    told = replies.superseded("c", 3, 9)
    assert (told["type"], told["what"], told["data"]) == (
        "state",
        "superseded",
        {"from": 3, "by": 9},
    )
