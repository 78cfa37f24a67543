"""What a cold start pays: CPU of importing each handler, against what it cannot do without.

    .venv/bin/python benchmarks/imports.py --rounds 7

Each import runs in a process of its own; rounds are shuffled, medians are printed. The floor is
asyncpg, redis, pydantic and the Powertools Logger and Metrics; goal: at most 1.35 times the floor.
"""

from __future__ import annotations

import argparse
import random
import statistics
import subprocess
import sys

FLOOR = "asyncpg, redis.asyncio, pydantic, aws_lambda_powertools"
WEBSOCKET = ["ws_connect", "ws_message", "ws_disconnect"]
OTHERS = ["turn_worker", "archiver", "migrate", "api"]
CODE = "import time; t = time.process_time(); import {}; print(time.process_time() - t)"


def cpu_ms(modules: str) -> float:
    """CPU milliseconds of importing, in a fresh process."""
    done = subprocess.run(
        [sys.executable, "-c", CODE.format(modules)], capture_output=True, text=True, check=True
    )
    return float(done.stdout) * 1000


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    rounds = parser.parse_args().rounds
    asked = {name: f"functions.{name}.app" for name in WEBSOCKET + OTHERS} | {"floor": FLOOR}
    seen: dict[str, list[float]] = {name: [] for name in asked}
    for _ in range(rounds):
        for name in random.sample(list(asked), len(asked)):
            seen[name].append(cpu_ms(asked[name]))
    floor = statistics.median(seen["floor"])
    print(f"{'floor':<14} {floor:6.0f} ms   {FLOOR}")
    for name in WEBSOCKET + OTHERS:
        ms = statistics.median(seen[name])
        print(f"{name:<14} {ms:6.0f} ms   {ms / floor:.2f}x the floor")


if __name__ == "__main__":
    main()
