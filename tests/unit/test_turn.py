"""A turn comes to its end once: answered, interrupted, or given up to whoever took it over."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

from cj.domain.messages import Message
from cj.domain.turns import Begun, Ended, Renewed
from cj.errors import StoreBusy
from cj.flows.turn import TurnEvent, Turns

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from cj.domain.replies import Reply

MOMENT = datetime(2026, 11, 1, tzinfo=UTC)
EVENT = TurnEvent(uuid4(), uuid4(), 1)


class Rows:
    """The store of one conversation: who holds the turn, and what was committed."""

    def __init__(self, *, ours: bool = True, held: Any = None, next_turn: UUID | None = None):
        self.ours, self.next_turn, self.ends = ours, next_turn, []
        self.held = held or (lambda: Renewed(stop=False, connections=("late",)))
        self.renewals = 0

    async def begin(self, *ids: object, **given: object) -> Begun | None:
        said = Message(uuid4(), 1, "user", "hello", MOMENT, "complete")
        begun = Begun(2, 1, 1, 1, "anon_1", None, None, "ad_hoc_support", ("a",), [said])
        return begun if self.ours else None

    async def renew(self, *ids: object, **given: object) -> Renewed | None:
        self.renewals += 1
        held: Renewed | None = self.held()
        return held

    async def end(self, *ids: object, **given: Any) -> Ended | None:
        self.ends.append(given)
        return Ended(2, given["answer"], MOMENT, self.next_turn, 3, ("b",))


class Outside:
    """Browsers, Redis, the worker's queue and the journal, as far as a turn knows them."""

    correlation_id = "from the browser"

    def __init__(self) -> None:
        self.told: list[tuple[str, Reply]] = []
        self.woken: list[tuple[object, ...]] = []

    async def broadcast(self, connections: Sequence[str], frame: Reply) -> list[str]:
        self.told += [(connection, frame) for connection in connections]
        return []

    async def append_chunk(self, *chunk: object) -> set[str]:
        return set()

    async def wake(self, *turn: object) -> None:
        self.woken.append(turn)

    async def forget(self, connection_id: str) -> None: ...
    def count(self, *metric: object) -> None: ...
    def took(self, *metric: object) -> None: ...


class Speaker:
    """A model that says its words and then, perhaps, is silent for ever."""

    name = "speaker"

    def __init__(self, *words: str, hangs: bool = False) -> None:
        self.words, self.hangs = words, hangs

    async def stream(self, window: Sequence[Message], from_seq: int) -> AsyncIterator[str]:
        for word in self.words:
            yield word
        if self.hangs:
            await asyncio.Event().wait()


async def run(
    rows: Rows, model: Speaker, *, lease_s: float = 60, deadline_s: float = 60
) -> Outside:
    outside: Any = Outside()
    turns = Turns(
        rows,  # type: ignore[arg-type]
        model,  # type: ignore[arg-type]
        outside,
        outside,
        outside.forget,
        outside,
        outside,
        lease_s=lease_s,
        deadline_s=deadline_s,
    )
    await turns.run(EVENT, time_left_s=120)
    told: Outside = outside
    return told


async def test_an_answer_is_committed_and_then_told() -> None:
    rows = Rows()
    outside = await run(rows, Speaker("Hello ", "there"))
    assert [(end["text"], end["status"], end["model"]) for end in rows.ends] == [
        ("Hello there", "complete", "speaker")
    ]
    done = [(who, frame) for who, frame in outside.told if frame["type"] == "done"]
    assert {who for who, _ in done} == {"a", "b"}
    assert done[0][1]["message_id"] == str(rows.ends[0]["answer"])
    assert done[0][1]["n"] == sum(f["type"] == "delta" and w == "a" for w, f in outside.told)
    assert outside.woken == []


async def test_a_turn_that_is_not_ours_says_nothing() -> None:
    rows = Rows(ours=False)
    outside = await run(rows, Speaker("never"))
    assert (rows.ends, outside.told) == ([], [])


async def test_what_came_meanwhile_is_answered_by_a_new_event_of_the_same_trail() -> None:
    following = uuid4()
    outside = await run(Rows(next_turn=following), Speaker("hi"))
    assert outside.woken == [(EVENT.cid, following, 3, "from the browser")]


async def test_at_the_deadline_the_partial_answer_is_kept_as_interrupted() -> None:
    rows = Rows()
    await run(rows, Speaker("so far", hangs=True), deadline_s=0.05)
    assert [(end["text"], end["status"]) for end in rows.ends] == [("so far", "interrupted")]


async def test_a_worker_that_lost_its_lease_stops_and_commits_nothing() -> None:
    rows = Rows(held=lambda: None)
    outside = await run(rows, Speaker("half", hangs=True), lease_s=0.02)
    assert rows.ends == []
    assert all(frame["type"] == "delta" for _, frame in outside.told)


async def test_a_renewal_that_fails_does_not_end_the_turn() -> None:
    answers = iter([StoreBusy(), Renewed(stop=False, connections=("late",))])

    def held() -> Renewed | None:
        answer = next(answers, None)
        if isinstance(answer, StoreBusy):
            raise answer
        return answer or Renewed(stop=False, connections=())

    rows = Rows(held=held)
    outside = await run(rows, Speaker("so far", hangs=True), lease_s=0.02, deadline_s=0.2)
    assert rows.renewals >= 2
    assert [end["status"] for end in rows.ends] == ["interrupted"]
    assert "late" in {who for who, _ in outside.told}
