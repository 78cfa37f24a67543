"""A line lost in the middle of an answer, a thousand times: does everybody end with the same text?

    .venv/bin/python benchmarks/resume.py --disconnects 1000 --conversations 12

Two tabs look at each conversation while CJ streams for one to three seconds. One of them loses its
line at random moments of running answers and comes back; the other one never does. At the end both
must show what is in PostgreSQL, to the letter. The limit is a ping on the same lines: what a
question and its answer take that asks for nothing.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.chaos import evidence  # noqa: E402
from tests.chaos.checker import findings  # noqa: E402
from tests.chaos.crowd import Crowd, Seat  # noqa: E402
from tests.chaos.stage import Stage  # noqa: E402
from tests.e2e.browser import Browser  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.chaos.page import Page

SETTLE_S = 60.0
PINGS = 100


@dataclass
class Quota:
    """How many disconnects are still to be made, by whoever comes first."""

    left: int


@dataclass(frozen=True)
class Result:
    """How often, how fast, and what did not come together."""

    disconnects: int
    turns: int
    resumed_s: list[float]
    pinged_s: list[float]
    found: list[str]


async def measure(stage: Stage, conversations: int, disconnects: int, seed: int) -> Result:
    """So many disconnects, each in the middle of an answer that the tab was hearing."""
    quota = Quota(disconnects)
    async with Crowd(stage.url, seed, 2 * conversations) as crowd:
        for seat in crowd.seats:
            seat.tab.backoff_s = (0.1, 0.1)  # what is measured begins when the line is back
        unlucky = [seat for seat in crowd.seats if seat.number % 2 == 0]
        await asyncio.gather(*(_lose_lines(seat, quota) for seat in unlucky))
        await crowd.settled(SETTLE_S)
        pinged_s = await _pings(stage.url)
    rooms = await evidence.rooms(stage, crowd)
    resumed = [s for seat in unlucky for s in seat.tab.page.record.caught_up_s[1:]]
    turns = sum(row["role"] == "assistant" for room in rooms for row in room.rows)
    found = [f"{finding.kind}: {finding.what}" for finding in findings(rooms)]
    return Result(disconnects - quota.left, turns, resumed, pinged_s, found)


async def _lose_lines(seat: Seat, quota: Quota) -> None:
    """Asks for one answer after the other and loses its line while it hears them."""
    random, tab = seat.random, seat.tab
    while quota.left:
        if not tab.page.awaiting and not tab.page.outbox:
            tab.say(f"{seat.number}: {quota.left} to go, stream {random.choice((1, 2, 3))} s")
        await tab.until(lambda page: _hears(page) or not (page.awaiting or page.outbox))
        await asyncio.sleep(random.random() * 0.5)
        back = len(tab.page.record.caught_up_s) + 1
        if quota.left and _hears(tab.page) and tab.drop():
            quota.left -= 1
            await tab.until(_came_back(back))


def _came_back(times: int) -> Callable[[Page], bool]:
    return lambda page: len(page.record.caught_up_s) >= times


def _hears(page: Page) -> bool:
    """CJ is in the middle of an answer, and some of it is here."""
    return page.joined and page.live is not None and page.live.next > 0


async def _pings(url: str) -> list[float]:
    took = []
    async with Browser(url) as browser:
        await browser.start()
        for _ in range(PINGS):
            began = time.perf_counter()
            await browser.until("pong", re=await browser.send("ping"))
            took.append(time.perf_counter() - began)
    return took


def lines(result: Result) -> list[str]:
    """For people."""
    ours, limit = (_quantiles(times) for times in (result.resumed_s, result.pinged_s))
    told = f"{result.disconnects} disconnects in {result.turns} answers"
    same = "all converge to the same transcript" if not result.found else "they do NOT converge"
    return [
        f"{told}: {same}",
        f"resume  p50 {ours[0]:7.1f} ms   p95 {ours[1]:7.1f} ms",
        f"limit   p50 {limit[0]:7.1f} ms   p95 {limit[1]:7.1f} ms   (ping)",
        f"ratio   p50 {ours[0] / limit[0]:7.1f}      p95 {ours[1] / limit[1]:7.1f}",
        *result.found[:20],
    ]


def _quantiles(times_s: list[float]) -> tuple[float, float]:
    hundredths = statistics.quantiles(times_s, n=100)
    return hundredths[49] * 1000, hundredths[94] * 1000


async def main() -> int:
    """1 if anybody ended with something else than everybody."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--disconnects", type=int, default=1000)
    parser.add_argument("--conversations", type=int, default=12)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    async with Stage() as stage:
        result = await measure(stage, args.conversations, args.disconnects, args.seed)
    print("\n".join(lines(result)))
    return 1 if result.found or result.disconnects < args.disconnects else 0


if __name__ == "__main__":
    with asyncio.Runner() as runner:
        sys.exit(runner.run(main()))
