"""Many browsers at once through the whole local runtime: is anything lost, and how long is an ack?

    .venv/bin/python benchmarks/chat_load.py --connections 50 --messages 40

Each connection says its messages one after another, each as soon as the one before is acknowledged,
and at the end everybody reads their history. The limits on messages are raised, since people do not
type this fast. Processes are started by one answered message each before
the clock runs. Latencies are printed, never judged.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.e2e.browser import Browser  # noqa: E402
from tests.e2e.running import Running  # noqa: E402


async def warm_up(browser: Browser, everybody: asyncio.Barrier) -> None:
    """One answered message each, all at once, in a conversation of its own: processes start."""
    await browser.say("warm up")
    await browser.until("done")
    await everybody.wait()
    await browser.start()


async def talk(url: str, number: int, messages: int, everybody: asyncio.Barrier) -> dict[str, Any]:
    """One visitor: says everything, waits for the last answer, reads it all back."""
    acks_ms, answers_ms, seqs = [], [], []
    async with Browser(url) as browser:
        await browser.start()
        await warm_up(browser, everybody)
        for n in range(messages):
            begun = time.perf_counter()
            ack = await browser.say(f"visitor {number} message {n}")
            acks_ms.append((time.perf_counter() - begun) * 1000)
            seqs.append(ack["seq"])
            if n == 0:
                await browser.until("done")
                answers_ms.append((time.perf_counter() - begun) * 1000)
        rows = await browser.settled()
    texts = [row["text"] for row in rows if row["role"] == "user"]
    return {
        "acks_ms": acks_ms,
        "answers_ms": answers_ms,
        "lost": messages
        - len(set(texts) & {f"visitor {number} message {n}" for n in range(messages)}),
        "doubled": len(texts) - len(set(texts)),
        "reordered": texts != sorted(texts, key=lambda t: int(t.rsplit(" ", 1)[1])),
        "gaps": [row["seq"] for row in rows] != list(range(1, len(rows) + 1)),
        "acked_seqs_kept": seqs == [row["seq"] for row in rows if row["role"] == "user"],
    }


def quantile(values: list[float], q: int) -> float:
    """The q-th percentile."""
    return statistics.quantiles(values, n=100)[q - 1]


def tree_of(pid: int) -> list[int]:
    """A process and everything below it."""
    threads = Path(f"/proc/{pid}/task").glob("*/children")
    children = [int(child) for thread in threads for child in thread.read_text().split()]
    return [pid, *(below for child in children for below in tree_of(child))]


def rss_mb(pid: int) -> float:
    """What a process holds in memory alone, plus its share of what it holds with others."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) / 1024
    return 0.0


def name_of(pid: int) -> str:
    """What a process is, in a word."""
    command = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    return "function" if "gateway/child.py" in command else command.split("/")[-1].split()[0]


def report(
    args: argparse.Namespace,
    visitors: list[dict[str, Any]],
    processes: list[tuple[str, float]],
    took_s: float,
) -> int:
    """Print; 1 if anything was lost, doubled, reordered or renumbered."""
    acks = [ms for visitor in visitors for ms in visitor["acks_ms"]]
    answers = [ms for visitor in visitors for ms in visitor["answers_ms"]]
    wrong = {
        kind: sum(int(visitor[kind]) for visitor in visitors)
        for kind in ("lost", "doubled", "reordered", "gaps")
    }
    wrong["renumbered"] = sum(not visitor["acked_seqs_kept"] for visitor in visitors)
    functions = sum(name == "function" for name, _ in processes)
    print(f"{args.connections} connections x {args.messages} messages")
    print(f"LIMIT_WAITING and LIMIT_MESSAGES_BURST raised to {args.messages}, rates out of the way")
    print(f"{len(acks)} messages acked and answered in {took_s:.1f} s: {len(acks) / took_s:.0f}/s")
    print(f"frame to ack     p50 {quantile(acks, 50):7.1f} ms   p99 {quantile(acks, 99):7.1f} ms")
    print(
        f"frame to answer  p50 {quantile(answers, 50):7.1f} ms   (the first of each conversation)"
    )
    print(
        f"{functions} function processes; the whole runtime {sum(mb for _, mb in processes):.0f} MB"
    )
    print("; ".join(f"{kind} {count}" for kind, count in wrong.items()))
    return 1 if any(wrong.values()) else 0


async def main() -> int:
    """Start everything, let everybody talk, and tell."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--connections", type=int, default=50)
    parser.add_argument("--messages", type=int, default=40)
    args = parser.parse_args()
    raised = {
        **os.environ,
        "LIMIT_WAITING": str(args.messages),
        "LIMIT_MESSAGES_BURST": str(args.messages + 1),  # the first one warms up
    }
    with tempfile.TemporaryDirectory() as folder:
        running = Running(Path(folder) / "data", environ=raised, warm=True)
        running.start()
        try:
            everybody = asyncio.Barrier(args.connections + 1)
            talks = asyncio.gather(
                *(talk(running.url, n, args.messages, everybody) for n in range(args.connections))
            )
            await everybody.wait()
            begun = time.perf_counter()
            visitors = await talks
            took_s = time.perf_counter() - begun
            processes = [(name_of(pid), rss_mb(pid)) for pid in tree_of(running.pid)]
        finally:
            running.stop()
    return report(args, visitors, processes, took_s)


if __name__ == "__main__":
    with asyncio.Runner() as runner:
        sys.exit(runner.run(main()))
