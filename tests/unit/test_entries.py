"""Entries of the buffer: read back the same, and refused where PostgreSQL would refuse them."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import pytest
from cj.domain.entries import Entry
from hypothesis import given
from hypothesis import strategies as st

ID = UUID("01a1fc9f-f513-7b10-bcdd-7a9af10e1106")
AT = datetime(2026, 11, 21, 5, 41, 43, 828297, tzinfo=UTC)
INPUT = {
    "kind": "input",
    "id": str(ID),
    "client_id": str(ID),
    "text": "Hi",
    "at": AT.isoformat(),
    "status": "complete",
}
ANSWER = {
    **{name: value for name, value in INPUT.items() if name != "client_id"},
    "kind": "answer",
    "turn": str(ID),
    "model": "m",
    "latency_ms": 7,
    "content": {"v": 1, "blocks": [{"text": "Hi"}]},
    "answers": [str(ID)],
}

# What PostgreSQL takes as text: everything but NUL and halves of surrogate pairs.
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
moments = st.datetimes(timezones=st.just(UTC))
counts = st.none() | st.integers(0, 2**31 - 1)
contents = st.dictionaries(
    texts,
    st.recursive(
        st.none() | st.booleans() | st.integers() | texts,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
        max_leaves=8,
    ),
    max_size=3,
).map(lambda block: {"v": 1, "blocks": [block]})
inputs = st.builds(
    Entry, kind=st.just("input"), id=st.uuids(), client_id=st.uuids(), text=texts, at=moments
)
answers = st.builds(
    Entry,
    kind=st.just("answer"),
    id=st.uuids(),
    client_id=st.none(),
    text=texts,
    at=moments,
    turn=st.none() | st.uuids(),
    status=st.sampled_from(["complete", "stopped", "interrupted", "error"]),
    model=st.none() | texts,
    latency_ms=counts,
    ttft_ms=counts,
    content=st.none() | contents,
    sources=st.none() | st.lists(contents, max_size=2),
    answers=st.lists(st.uuids(), max_size=3).map(tuple),
)


@given(inputs | answers)
def test_an_entry_is_read_back_as_it_was_written(entry: Entry) -> None:
    assert Entry.from_json(json.loads(json.dumps(entry.to_json()))) == entry


def test_a_moment_is_read_in_utc() -> None:
    elsewhere = AT.astimezone(timezone(timedelta(hours=5)))
    assert Entry.from_json({**INPUT, "at": elsewhere.isoformat()}).at.tzinfo is UTC


def test_a_field_of_tomorrow_is_left_alone() -> None:
    assert Entry.from_json({**INPUT, "mood": "fine"}) == Entry.from_json(INPUT)


@pytest.mark.parametrize("stored", [None, [], "{}", 7], ids=repr)
def test_an_entry_is_an_object(stored: Any) -> None:
    with pytest.raises(ValueError):
        Entry.from_json(stored)


@pytest.mark.parametrize("lost", ["kind", "id", "client_id", "text", "at"])
def test_an_input_without_this_is_none(lost: str) -> None:
    with pytest.raises(ValueError):
        Entry.from_json({name: value for name, value in INPUT.items() if name != lost})


@pytest.mark.parametrize(
    "change",
    [
        {"client_id": str(ID)},
        {"kind": "input"},
        {"kind": "note"},
        {"kind": ["answer"]},
        {"id": "7"},
        {"id": 7},
        {"text": None},
        {"text": "a\0b"},
        {"text": "\ud800"},
        {"at": "yesterday"},
        {"at": 1},
        {"at": "2026-11-21T05:41:43"},
        {"status": "fine"},
        {"turn": "x"},
        {"model": 1},
        {"model": "\0"},
        {"latency_ms": -1},
        {"latency_ms": 2**31},
        {"latency_ms": True},
        {"ttft_ms": 1.5},
        {"content": []},
        {"sources": {"tool": "x"}},
        {"sources": [{"tool": "\0"}]},
        {"content": {"v": 1}},
        {"content": {"v": 1, "blocks": [float("nan")]}},
        {"content": {"v": 1, "blocks": [{"\0": 1}]}},
        {"content": {"v": 1, "blocks": ["\ud800"]}},
        {"answers": str(ID)},
        {"answers": [None]},
    ],
    ids=ascii,
)
def test_what_postgresql_could_not_take_is_refused(change: dict[str, Any]) -> None:
    Entry.from_json(ANSWER)
    with pytest.raises(ValueError):
        Entry.from_json({**ANSWER, **change})


def test_an_input_is_a_message_without_a_number() -> None:
    entry = Entry.from_json(INPUT)
    assert entry.as_message().role == "user"
    assert entry.as_message().seq == 0
    assert entry.public() == {
        "id": str(ID),
        "client_id": str(ID),
        "seq": None,
        "role": "user",
        "text": "Hi",
        "created_at": AT.isoformat(),
        "status": "complete",
    }


def test_an_answer_is_a_message_that_says_what_it_answers() -> None:
    entry = Entry.from_json(ANSWER)
    assert entry.as_message().blocks == [{"text": "Hi"}]
    assert entry.public() == {
        "id": str(ID),
        "seq": None,
        "role": "assistant",
        "text": "Hi",
        "created_at": AT.isoformat(),
        "status": "complete",
        "turn": str(ID),
        "model": "m",
        "latency_ms": 7,
        "answers": [str(ID)],
    }
