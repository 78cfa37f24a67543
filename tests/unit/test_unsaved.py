"""What waits for an answer while PostgreSQL is away, and what CJ reads before it answers."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

from cj.domain.entries import Entry
from cj.domain.messages import Message
from cj.domain.unsaved import waiting

if TYPE_CHECKING:
    from cj.domain.unsaved import Waiting

MOMENT = datetime(2026, 11, 1, tzinfo=UTC)


def row(seq: int, role: str, text: str, **more: Any) -> Message:
    return Message(uuid4(), seq, role, text, MOMENT, **{"status": "complete", **more})


def said(seq: int, text: str, client: UUID | None = None, **more: Any) -> Message:
    return row(seq, "user", text, client_id=client or uuid4(), **more)


def answer(seq: int, text: str, through: int, **more: Any) -> Message:
    return row(seq, "assistant", text, answers_from=through, answers_through=through, **more)


def entry(text: str, client: UUID | None = None) -> Entry:
    return Entry(kind="input", id=uuid4(), client_id=client or uuid4(), text=text, at=MOMENT)


def reply(text: str, *answers: UUID) -> Entry:
    return Entry(
        kind="answer",
        id=uuid4(),
        client_id=None,
        text=text,
        at=MOMENT,
        turn=uuid4(),
        status="complete",
        answers=answers,
    )


def texts(found: Waiting | None) -> list[str]:
    assert found is not None
    return [message.text for message in found.window]


def test_nothing_waits_where_everything_is_answered() -> None:
    client = uuid4()
    assert waiting([], []) is None
    assert waiting([said(1, "a"), answer(2, "A", 1)], []) is None
    assert waiting([], [entry("b", client), reply("B", client)]) is None


def test_a_row_that_was_committed_before_the_outage_waits() -> None:
    open_ = said(3, "c")
    found = waiting([said(1, "a"), answer(2, "A", 1), open_], [])
    assert found is not None
    assert (found.inputs, found.from_seq) == ((open_.client_id,), 3)
    assert texts(found) == ["a", "A", "c"]


def test_buffered_messages_are_read_after_the_rows_and_answered_together() -> None:
    one, two = uuid4(), uuid4()
    rows = [said(1, "a"), answer(2, "A", 1)]
    found = waiting(rows, [entry("b", one), entry("c", two)])
    assert found is not None
    assert (found.inputs, found.from_seq) == ((one, two), 3)
    assert texts(found) == ["a", "A", "b", "c"]


def test_what_was_answered_meanwhile_is_read_and_not_answered_again() -> None:
    one, two = uuid4(), uuid4()
    found = waiting([], [entry("b", one), entry("c", two), reply("B", one)])
    assert found is not None
    assert found.inputs == (two,)
    assert texts(found) == ["b", "B", "c"]  # the answer stands after what it answers


def test_a_buffered_answer_counts_for_the_row_it_answers() -> None:
    client, open_ = uuid4(), entry("b")
    found = waiting([said(1, "a", client)], [reply("A", client), open_])
    assert found is not None
    assert found.inputs == (open_.client_id,)
    assert texts(found) == ["a", "A", "b"]


def test_superseded_failed_and_wordless_rows_are_not_read() -> None:
    again = said(5, "", control="regenerate", supersedes_from=2)
    rows = [said(1, "a"), answer(2, "A", 1), said(3, "b"), answer(4, "B", 3), again]
    found = waiting(rows, [])
    assert found is not None
    assert [m.seq for m in found.window] == [1, 5]
    failed = [said(1, "a"), answer(2, "sorry", 1, status="error"), said(3, "b")]
    assert texts(waiting(failed, [])) == ["a", "b"]
    empty = [said(1, "a"), answer(2, "", 1, status="stopped"), said(3, "b")]
    assert texts(waiting(empty, [])) == ["a", "b"]


def test_a_control_row_is_read_only_by_the_turn_it_asks_for() -> None:
    trigger = row(1, "system", "greet", control="trigger", client_id=uuid4())
    found = waiting([trigger], [])
    assert found is not None
    assert found.inputs == (trigger.client_id,)
    assert texts(found) == ["greet"]
    assert texts(waiting([trigger, answer(2, "Hi", 1), said(3, "b")], [])) == ["Hi", "b"]


def test_an_answer_to_something_unknown_changes_nothing() -> None:
    open_ = entry("b")
    found = waiting([], [open_, reply("?", uuid4())])
    assert found is not None
    assert found.inputs == (open_.client_id,)
