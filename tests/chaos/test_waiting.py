"""A run in which somebody waits for ever fails, and says who waits for what."""

from __future__ import annotations

from dataclasses import dataclass
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from redis.asyncio import Redis

from tests.chaos.run import Outcome, Plan, settle
from tests.chaos.test_page import ack, delta, done, opened, row
from tests.chaos.waiting import waits_for

if TYPE_CHECKING:
    from tests.chaos.page import Page

CID = "0198f6c2-7a3b-7c3d-8e4f-0123456789ab"
TURN = {
    "id": CID,
    "turn_id": "t",
    "turn_fence": 7,
    "begun": True,
    "turn_attempts": 2,
    "lease_s": -3.25,
    "last_seq": 4,
    "last_input_seq": 3,
    "answered_through": 1,
}


@dataclass
class Stores:
    """What is left of a stage when everything is quiet."""

    url: str
    rows: list[dict[str, Any]]
    sweeps: int = 0

    @property
    def valkey(self) -> Stores:
        return self

    async def sweep(self) -> None:
        self.sweeps += 1

    async def sql(self, _query: str, cids: list[str]) -> list[dict[str, Any]]:
        return [row for row in self.rows if row["id"] in cids]


class Patient:
    """A crowd of such pages, who look up a few times."""

    def __init__(self, *pages: Page) -> None:
        self.seats = [SimpleNamespace(tab=SimpleNamespace(page=page)) for page in pages]
        self.looks = 0

    async def settled(self, within_s: float) -> bool:
        self.looks += 1
        return all(seat.tab.page.settled for seat in self.seats)


async def settled(url: str, rows: list[dict[str, Any]], *pages: Page) -> Outcome:
    outcome = Outcome(Plan(1, 0, len(pages), settle_s=0.01))
    await settle(Stores(url, rows), Patient(*pages), outcome)  # type: ignore[arg-type]
    return outcome


def test_a_page_says_everything_it_waits_for() -> None:
    page = opened(messages=[row(1)], last_seq=1)
    accepted, sent = page.say("one", 1), page.say("two", 1)
    page.due(1)
    page.hear(ack(accepted.client_id, None), 2)
    page.hear(done(2, None), 2)
    page.hear({**delta(0, "words"), "turn": "t2"}, 2)
    page.transcript.hear_of(3)
    assert "; ".join(waits_for(page, 4)) == (
        f"its messages {accepted.client_id} ('one', accepted, offered again in 3.0 s), "
        f"{sent.client_id} ('two', not acked, offered again in 7.0 s); "
        "answer to be saved; the end of the turn t2/1, at chunk 1; "
        "an answer to row 1, has those through 0; a hole to be filled: holds 1 rows of 3; "
        "on a line, asks again in 13.0 s"
    )


async def test_whoever_does_not_come_to_rest_is_a_finding_with_what_the_stores_say(
    redis_url: str,
) -> None:
    page = opened(messages=[row(1)], last_seq=1)
    page.cid = page.record.cid = CID
    async with Redis.from_url(redis_url) as redis:
        await redis.set(f"{{{CID}}}:lease", "d:t")
        await redis.xadd(f"{{{CID}}}:buf", {"e": "{}"})
    (finding,) = (await settled(redis_url, [TURN], page, opened())).found
    assert (finding.kind, finding.cid) == ("unsettled", CID)
    assert finding.what.startswith("a waits for an answer to row 1, has those through 0; ")
    assert finding.what.endswith(
        "; PostgreSQL: turn t/7 begun, lease -3.2 s, attempt 2, 4 rows, answered through 1 of 3"
        "; Redis: lease d:t, -1 ms, 1 entries not saved"
    )


async def test_a_conversation_that_is_nowhere_is_said_to_be(redis_url: str) -> None:
    page = opened(messages=[row(1)], last_seq=1)
    page.cid = page.record.cid = CID
    (finding,) = (await settled(redis_url, [], page)).found
    assert "PostgreSQL does not know the conversation; Redis: no lease, 0 entries" in finding.what


async def test_when_everybody_has_come_to_rest_nothing_is_found(redis_url: str) -> None:
    assert (await settled(redis_url, [], opened(), opened())).found == []
