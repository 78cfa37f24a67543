"""The checker finds each kind of damage, and nothing where there is none."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from tests.chaos.checker import Room, Span, findings
from tests.chaos.history import Record, Saying

if TYPE_CHECKING:
    from collections.abc import Callable


def question(seq: int, text: str) -> dict[str, Any]:
    row = {"seq": seq, "id": f"q{seq}", "client_id": f"c{seq}", "role": "user", "text": text}
    return {**row, "control": None, "turn_id": None, "model": None}


def answer(seq: int, first: int, through: int) -> dict[str, Any]:
    row = {"seq": seq, "id": f"a{seq}", "client_id": None, "role": "assistant", "text": "Aha."}
    covers = {"answers_from": first, "answers_through": through}
    return {**row, **covers, "control": None, "turn_id": f"t{seq}", "model": "rehearsed"}


def saying(seq: int, text: str, sent_at: float) -> Saying:
    """Durable half a second after it was sent."""
    return Saying(
        f"c{seq}",
        text,
        sent_at,
        sent_at=sent_at,
        durable_at=sent_at + 0.5,
        message_id=f"q{seq}",
        seq=seq,
    )


def room() -> Room:
    """Two tabs; two messages, their answer, one more and its answer."""
    rows = [
        question(1, "one"),
        question(2, "two"),
        answer(3, 1, 2),
        question(4, "four"),
        answer(5, 4, 4),
    ]
    records = [Record("a", "here"), Record("b", "here")]
    records[0].said = [saying(1, "one", 1.0), saying(4, "four", 6.0)]
    records[1].said = [saying(2, "two", 2.0)]
    for record in records:
        record.transcript = {row["seq"]: dict(row) for row in rows}
        for row in rows:
            record.claim(row["seq"], row["id"], "ready")
        record.chunk("t3", 1, 0, "Aha.")
    conversation = {"last_seq": 5, "turn_id": None}
    spans = [Span("here", "t3", 3.0, 4.0), Span("here", "t5", 7.0, 8.0)]
    return Room("here", conversation, rows, [dict(row) for row in rows], records, spans)


def kinds(*rooms: Room) -> set[str]:
    return {found.kind for found in findings(rooms)}


def test_a_conversation_as_it_should_be_is_found_to_be_so() -> None:
    assert findings([room()]) == []


def _without_row(seq: int) -> Callable[[Room], None]:
    def damage(here: Room) -> None:
        del here.rows[seq - 1]  # type: ignore[attr-defined]

    return damage


def _row(at: int, **members: Any) -> Callable[[Room], None]:
    return lambda here: here.rows[at - 1].update(members)


def _second_row(seq: int, **members: Any) -> Callable[[Room], None]:
    def damage(here: Room) -> None:
        here.rows.append({**here.rows[seq - 1], "seq": 6, **members})  # type: ignore[attr-defined]

    return damage


def _swap(here: Room) -> None:
    here.rows[0]["seq"], here.rows[1]["seq"] = 2, 1
    here.rows.sort(key=lambda row: row["seq"])  # type: ignore[attr-defined]


def _other_way_round(here: Room) -> None:
    said = here.records[0].said
    said[0], said[1] = said[1], said[0]


def _other_chunk(here: Room) -> None:
    here.records[1].chunks["t3", 1, 0] = "Oho."


def _other_end(here: Room) -> None:
    here.records[0].ends["t3"] = {"a3"}
    here.records[1].ends["t3"] = {"a5"}


def _other_transcript(here: Room) -> None:
    here.records[1].transcript[3]["text"] = "Oho."


def _still_waits(here: Room) -> None:
    here.records[1].said[0].durable_at = None


@pytest.mark.parametrize(
    ("damage", "kind"),
    [
        (_without_row(4), "lost"),
        (_without_row(4), "gap"),
        (_without_row(5), "lost"),
        (_without_row(5), "answers"),
        (_second_row(1), "duplicated"),
        (_second_row(5, id="a6", turn_id="t6"), "answers"),
        (_second_row(5, id="a6"), "two turns at once"),
        (_row(4, seq=7), "gap"),
        (_row(5, seq=7), "renumbered"),
        (_swap, "renumbered"),
        (_swap, "durable order"),
        (_other_way_round, "own order"),
        (_row(5, answers_from=2), "answers"),
        (_row(5, answers_through=5), "answers"),
        (_row(1, client_id="c9"), "foreign"),
        (_row(1, text="said otherwise"), "foreign"),
        (_other_chunk, "two turns at once"),
        (_other_end, "two turns at once"),
        (_other_transcript, "diverged"),
        (lambda here: here.shown.pop(), "diverged"),
        (_still_waits, "unsettled"),
        (lambda here: here.conversation.update(last_seq=6), "gap"),
        (lambda here: here.conversation.update(turn_id="t7"), "answers"),
        (lambda here: here.records[0].troubles.append(("foreign", "a frame")), "foreign"),
    ],
)
def test_this_damage_is_found(damage: Callable[[Room], None], kind: str) -> None:
    here = room()
    damage(here)
    assert kind in kinds(here)


def test_a_turn_that_begins_to_speak_before_the_one_before_it_has_ended_is_found() -> None:
    early = replace(room(), spans=[Span("here", "t3", 3.0, 7.5), Span("here", "t5", 7.0, 8.0)])
    assert kinds(early) == {"two turns at once"}


def test_a_stale_worker_that_speaks_on_is_no_second_turn() -> None:
    """Its turn was taken over and ended by another before the next one began."""
    spans = [Span("here", "t3", 2.5, 9.0), Span("here", "t3", 3.0, 4.0), Span("here", "t5", 7, 8)]
    assert kinds(replace(room(), spans=spans)) == set()


def test_a_frozen_worker_of_a_turn_that_died_for_good_is_no_second_turn() -> None:
    """Its third lease ran out while it was frozen; nobody spoke until it was over."""
    spans = [Span("here", "t3", 3.0, 9.0), Span("here", "t5", 7.0, 8.0)]
    here = replace(room(), spans=spans)
    here.rows[2]["model"] = None
    assert kinds(here) == set()


def test_a_message_in_another_conversation_is_found() -> None:
    here, there = room(), replace(room(), cid="there")
    there.records[0].said[0].client_id = "c-elsewhere"
    there.rows[0]["client_id"] = "c-elsewhere"
    here.records[0].said.append(Saying("c-elsewhere", "one", 9.0))
    assert "foreign" in kinds(here, there)


def _dead(here: Room, *, accepted_at: float | None, durable_at: float | None) -> Room:
    """The tab that said the second message is gone, and so is the message."""
    record = here.records[1]
    record.died_at, record.claims = 3.0, {}
    said = record.said[0]
    said.accepted_at, said.durable_at, said.message_id, said.seq = accepted_at, durable_at, None, 2
    here.records[0].claims.pop((2, "q2"))
    here.rows[1].update(client_id=None, role="assistant", answers_from=1, answers_through=1)
    return here


@pytest.mark.parametrize(
    ("accepted_at", "durable_at", "redis_lost_at", "lost"),
    [
        (None, 2.5, (2.7,), True),  # durable is durable
        (2.5, None, (), True),  # Redis had it and lived
        (2.5, None, (2.2,), True),  # Redis died before it got it
        (2.5, None, (2.7,), False),  # both died: the one case that is not promised
        (None, None, (), False),  # nobody but the tab ever had it
    ],
)
def test_what_is_lost_with_its_tab_is_judged_by_who_had_it(
    accepted_at: float | None,
    durable_at: float | None,
    redis_lost_at: tuple[float, ...],
    lost: bool,
) -> None:
    here = _dead(room(), accepted_at=accepted_at, durable_at=durable_at)
    found = findings([replace(here, redis_lost_at=redis_lost_at)])
    assert any(f.kind == "lost" and "'two'" in f.what for f in found) is lost


def test_a_message_refused_for_good_is_lost() -> None:
    here = room()
    here.records[0].said.append(Saying("c8", "eight", 8.0, refused="internal"))
    assert [(f.kind, "internal" in f.what) for f in findings([here])] == [("lost", True)]
