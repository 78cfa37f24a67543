"""Messages: read back the same from rows and archive, shown without what is not known."""

import json
from datetime import UTC, datetime
from uuid import UUID

import pytest
from cj.domain.messages import Message, message_from_json, message_to_json, title_of
from hypothesis import given
from hypothesis import strategies as st

ID = UUID("01a1fc9f-f513-7b10-bcdd-7a9af10e1106")
STORED = {
    "id": str(ID),
    "seq": 3,
    "role": "assistant",
    "text": "Hi",
    "status": "complete",
    "created_at": "2026-11-21T07:41:43.828297+02:00",
}
SHOWN = {
    "id": str(ID),
    "seq": 3,
    "role": "assistant",
    "text": "Hi",
    "status": "complete",
    "created_at": "2026-11-21T05:41:43.828297+00:00",
}


def test_a_bare_message_shows_what_every_message_has() -> None:
    assert message_from_json(STORED).public() == SHOWN


def test_absent_and_null_read_the_same() -> None:
    assert message_from_json({**STORED, "model": None, "client_id": None}) == message_from_json(
        STORED
    )


def test_a_column_of_tomorrow_is_left_alone() -> None:
    assert message_from_json({**STORED, "mood": "fine"}) == message_from_json(STORED)


def test_what_is_known_is_shown_and_what_cj_did_inside_is_not() -> None:
    message = message_from_json(
        {
            **STORED,
            "client_id": str(ID),
            "turn_id": str(ID),
            "answers_from": 1,
            "answers_through": 2,
            "model": "m",
            "input_tokens": 7,
            "output_tokens": 0,
            "ttft_ms": 9,
            "content": {"v": 1, "blocks": [{"toolUse": {}}]},
            "sources": [],
        }
    )
    assert message.public() == {
        **SHOWN,
        "client_id": str(ID),
        "turn": str(ID),
        "answers_from": 1,
        "answers_through": 2,
        "model": "m",
        "usage": {"input": 7, "output": 0, "cache": None},
        "sources": [],
    }


def test_a_control_row_is_hidden() -> None:
    assert message_from_json({**STORED, "control": "trigger"}).public()["hidden"] is True
    assert not message_from_json(STORED).hidden


def test_words_alone_are_one_text_block() -> None:
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    plain = Message(id=ID, seq=1, role="user", text="Hi", created_at=moment, status="complete")
    assert plain.blocks == [{"text": "Hi"}]
    steps = message_from_json({**STORED, "content": {"v": 1, "blocks": [{"toolUse": {}}]}})
    assert steps.blocks == [{"toolUse": {}}]


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("  Hello\n\n there ", "Hello there"),
        (" \n ", None),
        ("x" * 60, "x" * 60),
        ("x" * 61, "x" * 59 + "…"),
        ("word " * 20, "word " * 10 + "word…"),
        ("a " + "x" * 80, "a " + "x" * 57 + "…"),
    ],
)
def test_a_title_is_the_first_words(text: str, title: str | None) -> None:
    assert title_of(text) == title


_maybe_count = st.none() | st.integers(0, 2**31 - 1)
_json = st.none() | st.lists(st.integers() | st.text(), max_size=3)


@given(
    st.builds(
        Message,
        id=st.uuids(),
        seq=st.integers(0, 2**31 - 1),
        role=st.sampled_from(["user", "assistant", "system"]),
        text=st.text(),
        created_at=st.datetimes(timezones=st.just(UTC)),
        status=st.sampled_from(["complete", "error"]),
        client_id=st.none() | st.uuids(),
        control=st.none() | st.just("trigger"),
        content=st.none() | st.dictionaries(st.text(), _json, max_size=3),
        answers_from=_maybe_count,
        turn_id=st.none() | st.uuids(),
        latency_ms=_maybe_count,
        sources=_json,
    )
)
def test_a_message_is_read_back_as_it_was_written(message: Message) -> None:
    assert message_from_json(json.loads(json.dumps(message_to_json(message)))) == message


@given(st.text())
def test_a_title_is_one_short_line_or_nothing(text: str) -> None:
    title = title_of(text)
    assert title is None or (0 < len(title) <= 60 and title == " ".join(title.split()))
