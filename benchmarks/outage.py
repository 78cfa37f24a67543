"""PostgreSQL is killed under open chats and stays away for a minute: what do people notice?

    .venv/bin/python benchmarks/outage.py --seconds 60 --conversations 10

Everybody goes on saying something every few seconds, with the timing of a real page. Printed: how
long an answer took before, during and after, and how long after PostgreSQL was back everything was
saved. At the end every message must be in PostgreSQL once, in order, with one answer.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.chaos.history import Record  # noqa: E402
from tests.chaos.page import Pace, Page  # noqa: E402
from tests.chaos.stage import LIMITS, Stage  # noqa: E402
from tests.chaos.tab import Tab, new_cookie  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

EVERY_S = 4.0
SETTLE_S = 60.0
REAL_LEASE: Mapping[str, str] = {**LIMITS, "TURN_LEASE_S": "20"}


@dataclass
class Talk:
    """One person's conversation, and how long each answer took to come, by phase."""

    tab: Tab
    phase: str = "before"
    answered_s: dict[str, list[float]] = field(default_factory=dict)
    asked: int = 0
    unanswered: int = 0

    async def run(self, over: asyncio.Event) -> None:
        """Says something, waits for the answer, and again, until it is over."""
        random = self.tab.random
        while not over.is_set():
            await asyncio.sleep(random.random() * EVERY_S)
            phase, began, heard = self.phase, time.monotonic(), len(self._turns)
            self.tab.say(f"{self.asked}: say 3 chunks every 40 ms")
            self.asked += 1
            if await self.tab.until(lambda _, heard=heard: len(self._turns) > heard, 60):
                self.answered_s.setdefault(phase, []).append(time.monotonic() - began)
            else:
                self.unanswered += 1

    @property
    def _turns(self) -> set[str]:
        return self.tab.page.over


async def measure(stage: Stage, conversations: int, seconds: float) -> tuple[list[Talk], float]:
    """Everybody's talk, and how long after PostgreSQL's return the last thing was saved."""
    talks = [await _open(stage.url, number) for number in range(conversations)]
    over = asyncio.Event()
    try:
        talking = [asyncio.create_task(talk.run(over)) for talk in talks]
        await asyncio.sleep(2 * EVERY_S)
        await _phase(talks, "during")
        await stage.kill_postgres()
        await asyncio.sleep(seconds)
        await stage.start_postgres()
        back = time.monotonic()
        await _phase(talks, "after")
        waiting = [said for talk in talks for said in talk.tab.page.outbox]
        owed = [(talk, set(talk.tab.page.unsaved)) for talk in talks]
        await _until(lambda: not any(said.waits for said in waiting))
        await _until(lambda: not any(ids & talk.tab.page.unsaved.keys() for talk, ids in owed))
        saved_s = time.monotonic() - back
        await asyncio.sleep(2 * EVERY_S)
        over.set()
        await asyncio.gather(*talking)
        await _until(lambda: all(talk.tab.page.settled for talk in talks))
    finally:
        await asyncio.gather(*(talk.tab.close() for talk in talks))
    return talks, saved_s


async def _open(url: str, number: int) -> Talk:
    page = Page(Record(f"tab {number}"), Pace(), lambda: str(uuid.uuid4()))
    tab = Tab(url, await new_cookie(url), page, Random(number))
    tab.open()
    assert await tab.until(lambda page: page.joined)
    return Talk(tab)


async def _phase(talks: list[Talk], name: str) -> None:
    for talk in talks:
        talk.phase = name


async def _until(true: Callable[[], bool]) -> None:
    ends = time.monotonic() + SETTLE_S
    while not true() and time.monotonic() < ends:  # noqa: ASYNC110 - nothing tells
        await asyncio.sleep(0.05)


async def faults(stage: Stage, talks: list[Talk]) -> list[str]:
    """What is not as it should be in PostgreSQL."""
    found = [f"{talk.unanswered} answers never came" for talk in talks if talk.unanswered]
    for talk in talks:
        rows = await stage.sql(
            "SELECT seq, role, text, answers_from, answers_through FROM messages "
            "WHERE conversation_id = $1 ORDER BY seq",
            uuid.UUID(talk.tab.page.cid),
        )
        said = [row["text"] for row in rows if row["role"] == "user"]
        answered = [
            seq
            for row in rows
            if row["role"] == "assistant"
            for seq in range(row["answers_from"], row["answers_through"] + 1)
        ]
        if said != [one.text for one in talk.tab.page.record.said]:
            found.append("what was said is not what is there")
        if [row["seq"] for row in rows] != list(range(1, len(rows) + 1)):
            found.append("seq has gaps")
        if len(answered) != len(set(answered)) or not {
            row["seq"] for row in rows if row["role"] == "user"
        } <= set(answered):
            found.append("an answer is missing or double")
    return found


def lines(talks: list[Talk], saved_s: float, seconds: float) -> list[str]:
    """For people."""
    told = [f"PostgreSQL away for {seconds:.0f} s under {len(talks)} open chats"]
    for phase in ("before", "during", "after"):
        times = sorted(s for talk in talks for s in talk.answered_s.get(phase, ()))
        if times:
            told.append(
                f"  asked {phase:<7} {len(times):4} answered, "
                f"p50 {statistics.median(times):6.2f} s, slowest {times[-1]:6.2f} s"
            )
    return [*told, f"everything saved {saved_s:.1f} s after its return"]


async def main() -> int:
    """1 if anything is missing, double or out of order."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--conversations", type=int, default=10)
    args = parser.parse_args()
    async with Stage(REAL_LEASE) as stage:
        talks, saved_s = await measure(stage, args.conversations, args.seconds)
        found = await faults(stage, talks)
    print("\n".join([*lines(talks, saved_s, args.seconds), *found]))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
