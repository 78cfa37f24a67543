"""python -m tests.chaos: seeds, messages and connections in; 1 if anything was found."""

from __future__ import annotations

import argparse
import asyncio
import sys
import time

from tests.chaos.run import Outcome, Plan, play


def main() -> int:
    """Every seed, one after the other."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--seeds", default="1 2 3")
    parser.add_argument("--messages", type=int, default=10_000)
    parser.add_argument("--connections", type=int, default=200)
    parser.add_argument("--pause", type=float, default=4.0, help="seconds between messages")
    given = parser.parse_args()
    outcomes = []
    for seed in map(int, given.seeds.split()):
        plan = Plan(seed, given.messages, given.connections, given.pause)
        outcomes.append(asyncio.run(play(plan, _tell)))
        _say("\n".join(outcomes[-1].lines()))
    return max(map(_status, outcomes))


def _tell(line: str) -> None:
    _say(f"{time.strftime('%H:%M:%S')} {line}")


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _status(outcome: Outcome) -> int:
    for kind in outcome.missed:
        _say(f"seed {outcome.plan.seed}: {kind} hit no running turn: it showed nothing")
    return 1 if outcome.found or outcome.missed else 0


if __name__ == "__main__":
    sys.exit(main())
