"""Does a model that takes a minute hold up the acks?

    .venv/bin/python benchmarks/slow_model.py --stream 60 --messages 200

In some conversations CJ streams for a minute, in as many others it answers at once. People say
the same things in both, at the same time, and wait for each ack: the limit are the acks beside the
instant model. At the end the long answers are there, each from one turn.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.chaos import evidence  # noqa: E402
from tests.chaos.checker import findings  # noqa: E402
from tests.chaos.crowd import Crowd, Seat  # noqa: E402
from tests.chaos.stage import Stage  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.chaos.checker import Room

PAIRS = 3  # of a slow conversation and an instant one: half of a function's processes are slow
WARM = 5  # messages that nobody measures: processes start


@dataclass(frozen=True)
class Result:
    """The acks beside each model, and whether the long answers came."""

    slow_s: list[float]
    instant_s: list[float]
    long_answers: int  # complete ones, each the only row of its turn
    found: list[str]

    @property
    def ratio(self) -> float:
        """Of the 99th percentiles."""
        return _p99(self.slow_s) / _p99(self.instant_s)


async def measure(stage: Stage, stream_s: int, messages: int, seed: int) -> Result:
    """So many messages beside each model, spread over the time that the slow one takes."""
    async with Crowd(stage.url, seed, 4 * PAIRS) as crowd:
        seats = [seat for seat in crowd.seats if seat.number % 2 == 0]
        await asyncio.gather(*(_talk(seat, WARM, 0.0) for seat in crowd.seats))
        await crowd.settled(within_s=60)  # so that what is asked next has a turn of its own
        slow, instant = seats[::2], seats[1::2]
        for seat in slow:
            seat.tab.say(f"{seat.number}: stream {stream_s} s")
            await seat.tab.until(lambda page: page.live is not None)
        each = max(messages // PAIRS, 1)
        await asyncio.gather(*(_talk(seat, each, 0.8 * stream_s / each) for seat in seats))
        await crowd.settled(within_s=stream_s + 60)
    rooms = await evidence.rooms(stage, crowd)
    found = [f"{finding.kind}: {finding.what}" for finding in findings(rooms)]
    cids = {seat.tab.page.cid for seat in slow}
    long = sum(_has_long_answer(room, stream_s) for room in rooms if room.cid in cids)
    return Result(_acks(slow, each), _acks(instant, each), long, found)


async def _talk(seat: Seat, count: int, pause_s: float) -> None:
    for n in range(count):
        seat.tab.say(f"{seat.number}/{n}: instant")
        await seat.tab.until(lambda page: not page.outbox)
        await asyncio.sleep(pause_s * 2 * seat.random.random())


def _acks(seats: Sequence[Seat], count: int) -> list[float]:
    """The last so many of each."""
    said = [one for seat in seats for one in seat.tab.page.record.said[-count:]]
    return [one.acked_at - one.sent_at for one in said if one.acked_at and one.sent_at]


def _has_long_answer(room: Room, stream_s: int) -> bool:
    """One complete answer, as long as the model spoke, to the one message that asked for it."""
    asked = [row["seq"] for row in room.rows if f"stream {stream_s} s" in row["text"]]
    answers = [row for row in room.rows if row["answers_through"] in asked]
    return [row["status"] for row in answers] == ["complete"] and all(
        row["latency_ms"] >= stream_s * 900 for row in answers
    )


def lines(result: Result) -> list[str]:
    """For people."""
    rows = [("streaming", result.slow_s), ("instant (limit)", result.instant_s)]
    return [
        *(
            f"ack beside {name:<16} p50 {statistics.median(times) * 1000:7.1f} ms   "
            f"p99 {_p99(times) * 1000:7.1f} ms   ({len(times)} messages)"
            for name, times in rows
        ),
        f"ratio of the p99   {result.ratio:.2f}",
        f"{result.long_answers} of {PAIRS} long answers complete, each from one turn",
        *result.found[:20],
    ]


def _p99(times_s: list[float]) -> float:
    return statistics.quantiles(times_s, n=100)[98]


async def main() -> int:
    """1 if a long answer is missing, or anything is wrong."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--stream", type=int, default=60, help="seconds")
    parser.add_argument("--messages", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    async with Stage() as stage:
        result = await measure(stage, args.stream, args.messages, args.seed)
    print("\n".join(lines(result)))
    return 1 if result.found or result.long_answers < PAIRS else 0


if __name__ == "__main__":
    with asyncio.Runner() as runner:
        sys.exit(runner.run(main()))
