"""What must never be, looked for in what the tabs were told and in what is stored at the end.

Pure: evidence in, findings out. It trusts nobody: each promise is checked against the rows.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from tests.chaos.history import Frame, Record, Saying

Kind = Literal[
    "lost",
    "duplicated",
    "gap",
    "renumbered",
    "own order",
    "durable order",
    "answers",
    "two turns at once",
    "foreign",
    "diverged",
    "unsettled",
]
Row = dict[str, Any]  # a row of `messages`


class Finding(NamedTuple):
    """Something that must not be."""

    kind: str
    cid: str
    what: str


class Span(NamedTuple):
    """A worker spoke for a turn. `until` is None where nobody could write it down."""

    cid: str
    turn: str
    since: float
    until: float | None


@dataclass(frozen=True)
class Room:
    """One conversation: what PostgreSQL holds, what the API shows, who was in it."""

    cid: str
    conversation: Row
    rows: Sequence[Row]  # by seq
    shown: Sequence[Frame]  # by the API
    records: Sequence[Record]
    spans: Sequence[Span] = ()
    redis_lost_at: Sequence[float] = field(default_factory=tuple)


def findings(rooms: Iterable[Room]) -> list[Finding]:
    """Everything wrong, of every kind."""
    rooms = list(rooms)
    at_home = {row["client_id"]: room.cid for room in rooms for row in room.rows}
    checks = (
        _numbering,
        _duplicates,
        _sayings,
        _claims,
        _own_order,
        _durable_order,
        _answers,
        _turns,
        _strangers,
        _transcripts,
    )
    found = [
        Finding(kind, room.cid, what)
        for room in rooms
        for check in checks
        for kind, what in check(room)
    ]
    found += [
        Finding("foreign", room.cid, f"{said.client_id} is in {at_home[said.client_id]}")
        for room in rooms
        for said in _said(room)
        if at_home.get(said.client_id, room.cid) != room.cid
    ]
    return found


def _said(room: Room) -> Iterator[Saying]:
    return (said for record in room.records for said in record.said)


def _numbering(room: Room) -> Iterator[tuple[Kind, str]]:
    seqs = [row["seq"] for row in room.rows]
    if seqs != list(range(1, len(seqs) + 1)):
        holes = sorted(set(range(1, max(seqs, default=0) + 1)) - set(seqs))
        twice = [seq for seq, count in Counter(seqs).items() if count > 1]
        yield "gap", f"no rows {holes}, more than one of {twice}"
    if room.conversation["last_seq"] != max(seqs, default=0):
        yield "gap", f"last_seq is {room.conversation['last_seq']}, the rows end at {seqs[-1:]}"


def _duplicates(room: Room) -> Iterator[tuple[Kind, str]]:
    for name in ("client_id", "id"):
        for value, count in Counter(row[name] for row in room.rows if row[name]).items():
            if count > 1:
                yield "duplicated", f"{count} rows with the {name} {value}"


def _sayings(room: Room) -> Iterator[tuple[Kind, str]]:
    """Everything said is there, but for what its tab and Redis took with them.

    What a living tab still waits for may come yet: that is `unsettled`.
    """
    there = {row["client_id"] for row in room.rows}
    for record in room.records:
        for said in record.said:
            if said.waits and record.died_at is None:
                continue
            if said.refused is not None:
                yield "lost", f"{said.text!r} was refused for good: {said.refused}"
            elif said.client_id not in there and not _may_be_lost(room, record, said):
                told = "acked" if said.durable_at else "accepted" if said.accepted_at else "said"
                yield "lost", f"{said.text!r} was {told} and is not there"


def _may_be_lost(room: Room, record: Record, said: Saying) -> bool:
    """Never once it was durable. Before that it takes the tab, and Redis if that had it."""
    if said.durable_at is not None or record.died_at is None:
        return False
    accepted = said.accepted_at
    return accepted is None or any(lost > accepted for lost in room.redis_lost_at)


def _claims(room: Room) -> Iterator[tuple[Kind, str]]:
    """Whoever said durably that a row has a seq was right, and stays right."""
    seq_of = {row["id"]: row["seq"] for row in room.rows}
    told = {claim: source for record in room.records for claim, source in record.claims.items()}
    for (seq, message_id), source in told.items():
        if message_id not in seq_of:
            yield "lost", f"{message_id}, told by {source} as row {seq}, is not there"
        elif seq_of[message_id] != seq:
            yield (
                "renumbered",
                f"{message_id}, told by {source} as row {seq}, is {seq_of[message_id]}",
            )


def _places(room: Room) -> dict[str, int]:
    return {row["client_id"]: row["seq"] for row in room.rows if row["client_id"]}


def _own_order(room: Room) -> Iterator[tuple[Kind, str]]:
    place = _places(room)
    for record in room.records:
        kept = [said for said in record.said if said.client_id in place]
        for one, next_one in pairwise(kept):
            if place[one.client_id] > place[next_one.client_id]:
                yield "own order", f"{record.tab}: {next_one.text!r} came before {one.text!r}"


def _durable_order(room: Room) -> Iterator[tuple[Kind, str]]:
    """What was durable before something else was sent stands before it, whoever said them."""
    place = _places(room)
    kept = [said for said in _said(room) if said.client_id in place]
    saved = sorted((s.durable_at, place[s.client_id]) for s in kept if s.durable_at is not None)
    highest = [0]
    for _, seq in saved:
        highest.append(max(highest[-1], seq))
    for said in kept:
        if said.sent_at is None:
            continue
        before = highest[bisect_left(saved, (said.sent_at, 0))]
        if before > place[said.client_id]:
            yield "durable order", f"{said.text!r} came before row {before}, durable before it left"


def _answers(room: Room) -> Iterator[tuple[Kind, str]]:
    """Every input has one answer, which comes after it."""
    answers = [row for row in room.rows if row["role"] == "assistant"]
    answered = Counter(
        seq for row in answers for seq in range(row["answers_from"], row["answers_through"] + 1)
    )
    for row in room.rows:
        wants = row["role"] == "user" or row["control"] is not None
        if wants and answered[row["seq"]] != 1:
            yield "answers", f"row {row['seq']} has {answered[row['seq']]} answers"
    for row in answers:
        if not row["answers_from"] <= row["answers_through"] < row["seq"]:
            told = f"{row['answers_from']} to {row['answers_through']}"
            yield "answers", f"row {row['seq']} answers {told}"
    if room.conversation["turn_id"] is not None:
        yield "answers", "a turn is taken and nobody works on it"


def _turns(room: Room) -> Iterator[tuple[Kind, str]]:
    """One turn at a time: one row each, and none begins to speak before the one before it ended."""
    turns = [str(row["turn_id"]) for row in room.rows if row["turn_id"] is not None]
    for turn, count in Counter(turns).items():
        if count > 1:
            yield "two turns at once", f"{count} rows of the turn {turn}"
    ended = {t: [s.until for s in room.spans if s.turn == t and s.until] for t in turns}
    begun = {t: [s.since for s in room.spans if s.turn == t] for t in turns}
    for one in (str(row["turn_id"]) for row in room.rows if _died_for_good(row)):
        ended[one] = []  # by nobody who spoke for it: its last worker may be frozen yet
    for one, next_one in pairwise(turns):
        if ended[one] and begun[next_one] and min(begun[next_one]) < min(ended[one]):
            yield "two turns at once", f"{next_one} began while {one} spoke"
    for record in room.records:
        yield from record.troubles  # type: ignore[misc]
    yield from _two_voices(room.records)
    yield from _two_ends(room.records)


def _died_for_good(row: Row) -> bool:
    """The row that ends a turn after its third worker was lost; no model made it."""
    return row["role"] == "assistant" and row["model"] is None


def _two_ends(records: Sequence[Record]) -> Iterator[tuple[Kind, str]]:
    """A turn has one end, whoever tells of it."""
    ends: dict[str, set[str]] = {}
    for record in records:
        for turn, answers in record.ends.items():
            ends.setdefault(turn, set()).update(answers)
    for turn, answers in ends.items():
        if len(answers) > 1:
            yield "two turns at once", f"{turn} ended with {len(answers)} answers"


def _two_voices(records: Sequence[Record]) -> Iterator[tuple[Kind, str]]:
    """The same chunk of the same attempt is the same text in every tab."""
    texts: dict[tuple[str, int, int], str] = {}
    for record in records:
        for (turn, gen, i), text in record.chunks.items():
            if texts.setdefault((turn, gen, i), text) != text:
                yield "two turns at once", f"chunk {i} of {turn}/{gen} differs between tabs"


def _strangers(room: Room) -> Iterator[tuple[Kind, str]]:
    """Nobody said it here."""
    said = {one.client_id: one.text for one in _said(room)}
    for row in room.rows:
        if row["client_id"] and row["client_id"] not in said:
            yield "foreign", f"nobody said row {row['seq']} in this conversation"
        elif row["client_id"] and row["text"] != said[row["client_id"]]:
            yield "foreign", f"row {row['seq']} has another text than was said"


def _transcripts(room: Room) -> Iterator[tuple[Kind, str]]:
    """The API and every tab that lived to the end show the rows, and nothing else."""
    rows = [_seen(row) for row in room.rows]
    if [_seen(message) for message in room.shown] != rows:
        yield "diverged", "the API shows something else than the rows"
    for record in room.records:
        if record.died_at is not None:
            continue
        if any(said.waits for said in record.said):
            yield "unsettled", f"{record.tab} still waits"
        mine = [_seen(message) for _, message in sorted(record.transcript.items())]
        if mine != rows:
            yield "diverged", f"{record.tab}: {_first_difference(mine, rows)}"


def _seen(message: Row) -> tuple[int, str, str, str]:
    return message["seq"], str(message["id"]), message["role"], message["text"]


def _first_difference(mine: list[Any], rows: list[Any]) -> str:
    at = next((n for n, (a, b) in enumerate(zip(mine, rows, strict=False)) if a != b), None)
    if at is None:
        return f"shows {len(mine)} rows of {len(rows)}"
    return f"shows {mine[at]} for {rows[at]}"
