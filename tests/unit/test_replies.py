"""Frames to the browser stay inside API Gateway's frame, whatever the messages hold."""

import json

from cj.domain import replies
from hypothesis import given
from hypothesis import strategies as st

texts = st.lists(st.text(max_size=200).map(lambda t: t * 40), max_size=12)


def page(texts: list[str], *, newest: bool) -> tuple[dict[str, object], list[dict[str, object]]]:
    messages = [{"seq": seq, "text": text} for seq, text in enumerate(texts, 1)]
    return replies.fit({"type": "ready", "cid": "c"}, messages, newest=newest), messages


@given(texts)
def test_an_opening_frame_holds_the_newest_messages_that_fit(texts: list[str]) -> None:
    frame, messages = page(texts, newest=True)
    taken = frame["messages"]
    assert isinstance(taken, list)
    assert len(replies.encode(frame)) <= replies.FRAME_BYTES
    assert taken == messages[len(messages) - len(taken) :]
    assert frame["more"] == (len(taken) < len(messages))


@given(texts)
def test_a_frame_that_goes_on_from_a_seq_leaves_no_hole(texts: list[str]) -> None:
    frame, messages = page(texts, newest=False)
    taken = frame["messages"]
    assert isinstance(taken, list)
    assert len(replies.encode(frame)) <= replies.FRAME_BYTES
    assert taken == messages[: len(taken)]


def test_what_does_not_fit_is_left_for_the_next_page() -> None:
    texts = ["x" * 8_000] * 5
    newest, messages = page(texts, newest=True)
    oldest, _ = page(texts, newest=False)
    assert (newest["messages"], newest["more"]) == (messages[2:], True)
    assert (oldest["messages"], oldest["more"]) == (messages[:3], True)


def test_more_that_the_database_already_knows_of_stays() -> None:
    assert replies.fit({"more": True}, [], newest=True)["more"] is True


def test_every_frame_says_its_version() -> None:
    assert json.loads(replies.encode(replies.pong("x"))) == {"v": 1, "type": "pong", "re": "x"}


def test_an_error_leaves_out_what_is_not_known() -> None:
    assert replies.error("busy", "Wait.", re="x", retryable=True, retry_ms=5) == {
        "type": "error",
        "re": "x",
        "retry_ms": 5,
        "code": "busy",
        "message": "Wait.",
        "retryable": True,
    }
    assert "re" not in replies.error("internal", "No.")
