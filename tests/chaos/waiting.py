"""Who still waits at the end, for what, and what the stores say of it: where to look first."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from redis.asyncio import Redis

from tests.chaos.checker import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.chaos.crowd import Crowd
    from tests.chaos.history import Saying
    from tests.chaos.page import Page
    from tests.chaos.stage import Stage

_TURNS = """
SELECT id::text, turn_id::text, turn_fence, turn_worker IS NOT NULL AS begun, turn_attempts,
       extract(epoch FROM turn_until - clock_timestamp())::float AS lease_s,
       last_seq, last_input_seq, answered_through
  FROM conversations WHERE id = ANY($1::text[]::uuid[])
"""


async def waiting(stage: Stage, crowd: Crowd) -> list[Finding]:
    """One finding for each tab that has not come to rest. Empty: everybody has."""
    pages = [seat.tab.page for seat in crowd.seats if not seat.tab.page.settled]
    now = time.monotonic()
    told = {page.record.tab: "; ".join(waits_for(page, now)) for page in pages}
    servers = await _servers(stage, {page.cid for page in pages if page.cid is not None})
    return [
        Finding(
            "unsettled",
            page.cid or "no conversation",
            f"{page.record.tab} waits for {told[page.record.tab]}; {servers.get(page.cid)}",
        )
        for page in pages
    ]


def waits_for(page: Page, now: float) -> Iterator[str]:
    """Everything that keeps this page from resting, and when it asks again."""
    if page.outbox:
        yield "its messages " + ", ".join(_saying(said, now) for said in page.outbox)
    if page.unsaved:
        yield f"{', '.join(page.unsaved)} to be saved"
    if page.live is not None:
        yield f"the end of the turn {page.live.turn}/{page.live.gen}, at chunk {page.live.next}"
    shown = page.transcript
    if shown.awaits_answer:
        yield f"an answer to row {shown.asked_through}, has those through {shown.answered_through}"
    if shown.has_hole:
        yield f"a hole to be filled: holds {shown.held_through} rows of {shown.last_seq}"
    line = "on a line" if page.joined else "on no line"
    yield f"{line}, asks again in {page.asks_at - now:.1f} s"


def _saying(said: Saying, now: float) -> str:
    how = "accepted" if said.accepted_at is not None else "not acked"
    return f"{said.client_id} ({said.text!r}, {how}, offered again in {said.due - now:.1f} s)"


async def _servers(stage: Stage, cids: set[str]) -> dict[str | None, str]:
    """What PostgreSQL and Redis say of these conversations."""
    rows = {row["id"]: row for row in await stage.sql(_TURNS, sorted(cids))}
    async with Redis.from_url(stage.valkey.url, decode_responses=True) as redis:
        return {cid: f"{_turn(rows.get(cid))}; {await _buffer(redis, cid)}" for cid in cids}


def _turn(row: Any) -> str:
    if row is None:
        return "PostgreSQL does not know the conversation"
    inputs = f"answered through {row['answered_through']} of {row['last_input_seq']}"
    rows = f"{row['last_seq']} rows, {inputs}"
    if row["turn_id"] is None:
        return f"PostgreSQL: no turn, {rows}"
    begun = "begun" if row["begun"] else "not begun"
    turn = f"{row['turn_id']}/{row['turn_fence']} {begun}, lease {row['lease_s']:.1f} s"
    return f"PostgreSQL: turn {turn}, attempt {row['turn_attempts']}, {rows}"


async def _buffer(redis: Redis, cid: str) -> str:
    lease: Any = await redis.get(f"{{{cid}}}:lease")
    left_ms = await redis.pttl(f"{{{cid}}}:lease")
    held = f"lease {lease}, {left_ms} ms" if lease else "no lease"
    return f"Redis: {held}, {await redis.xlen(f'{{{cid}}}:buf')} entries not saved"
