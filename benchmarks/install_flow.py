"""From the shop's name to CJ's first message on the page: how long does a merchant wait?

    .venv/bin/python benchmarks/install_flow.py --shops 20 --again 10

The whole local runtime against the simulated Shopify, as a browser goes through it: install,
consent (approved at once), callback, page, session, socket, `start`, and `ready` with the greeting
in it. Then the merchant asks for the last week, twice. The first installation of all finds no
process started; some shops come again in another browser and find what was said before. The limit
is what Shopify's own answers take of it: the same questions to the simulator, asked bare.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import statistics
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from cj.shopify.operations import operation  # noqa: E402

from local.shopify.control_client import ControlClient  # noqa: E402
from tests.e2e.browser import Browser  # noqa: E402
from tests.e2e.merchant import Merchant, where  # noqa: E402
from tests.e2e.running import Running  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

SEEDED = ("corner-candles", "harbour-coffee", "northern-trails", "empty-shelf")
SUFFIX = ".myshopify.com"
COLD, NEW, AGAIN = "first of all, cold", "new shops", "the same shops again"
FLOW, FIRST, CACHED = "whole flow", "first data", "first data, cached"
SHOPIFY, WEEK = "Shopify's own answers (limit)", "one question to Shopify (limit)"
SEEN = "  till the page hears of "
# Of what it is a multiple, and what it should not exceed.
GOALS: dict[str, tuple[str, int]] = {
    f"{FLOW}, {NEW}": (SHOPIFY, 10_000),
    f"{FLOW}, {AGAIN}": (SHOPIFY, 10_000),
    FIRST: (WEEK, 500),
    CACHED: (WEEK, 100),
}
QUESTION = "How was the last week?"


@dataclass
class Times:
    """Milliseconds by what was measured, and what was not as it should be."""

    taken: dict[str, list[float]] = field(default_factory=dict)
    flows: int = 0
    waiting: int = 0  # greetings that were in the first `ready`
    found: list[str] = field(default_factory=list)

    def add(self, what: str, ms: float) -> None:
        self.taken.setdefault(what, []).append(ms)

    @contextmanager
    def of(self, what: str) -> Iterator[None]:
        began = time.perf_counter()
        yield
        self.add(what, (time.perf_counter() - began) * 1000)

    def p95(self, what: str) -> float:
        taken = self.taken[what]
        if len(taken) == 1:
            return taken[0]
        return statistics.quantiles(taken, n=100, method="inclusive")[94]

    @property
    def missed(self) -> list[str]:
        """The goals that were not met."""
        return [what for what, (_, goal) in GOALS.items() if self.p95(what) > goal]


@dataclass(frozen=True)
class Bench:
    """Shops that nobody has connected, in front of a running CJ."""

    cj: Running
    shopify: ControlClient
    times: Times = field(default_factory=Times)

    async def flow(self, shop: str, kind: str, before: Sequence[str]) -> str:
        """One installation in a browser of its own; gives its conversation."""
        times = self.times
        async with Merchant(self.cj.url) as merchant:
            with times.of(f"{FLOW}, {kind}"):
                steps = times if kind == NEW else Times()
                cid = await self._install(merchant, shop, steps)
                async with Browser(self.cj.url, merchant.cookie) as tab:
                    with steps.of("  socket, start, ready"):
                        ready = await tab.start(cid)
                    greeted = any(m["role"] == "assistant" for m in ready["messages"])
                    if not greeted:
                        await tab.until("done")
            times.flows += 1
            times.waiting += greeted
            await self._check(merchant, shop, [*before, cid])
        return cid

    async def _install(self, merchant: Merchant, shop: str, steps: Times) -> str:
        with steps.of("  install"):
            consent = await merchant.ask(shop)
        with steps.of("  consent, Shopify alone"):
            back = await merchant.agree(consent)
        with steps.of("  callback with the greeting"):
            landed = where(await merchant.http.get(back))
        with steps.of("  page, its files, session"):
            page = await merchant.http.get(landed)
            files = re.findall(r'(?:src|href)="(/assets/[^"]+)"', page.text)
            await asyncio.gather(*map(merchant.http.get, files))
            await merchant.http.get("/api/v1/session")
        found = re.search(r"conversation_id=([0-9a-f-]{36})", landed)
        assert found, landed
        return found[1]

    async def _check(self, merchant: Merchant, shop: str, cids: Sequence[str]) -> None:
        """Who it is, and that everything is there that was there before."""
        me = (await merchant.http.get("/api/v1/session")).json()
        listed = (await merchant.http.get("/api/v1/conversations")).json()["conversations"]
        if me["shop"] != {"domain": shop} or not me["user"]:
            self.times.found.append(f"{shop} is signed in as {me}")
        if {c["id"] for c in listed} != set(cids):
            self.times.found.append(f"{shop} finds {len(listed)} of {len(cids)} conversations")

    async def ask(self, shop: str) -> None:
        """A question that looks into the store, and the same question again."""
        async with Merchant(self.cj.url) as merchant:
            cid = (await merchant.connect(shop))["conversation_id"]
            async with Browser(self.cj.url, merchant.cookie) as tab:
                await tab.start(cid)
                for what in (FIRST, CACHED):
                    with self.times.of(SEEN + what):
                        await tab.send("message", cid=cid, text=QUESTION)
                        looked = await tab.until("tool", status="ok")
                    self.times.add(what, looked["ms"])
                    if looked["cached"] != (what == CACHED):
                        self.times.found.append(f"{shop}: {what}, but cached={looked['cached']}")
                    await tab.until("done")

    def new_shop(self, name: str, number: int) -> str:
        shop = f"{name}-{number}{SUFFIX}"
        self.shopify.add_shop(shop=shop, like=SEEDED[number % len(SEEDED)] + SUFFIX)
        return shop


async def bare(bench: Bench, shop: str) -> None:
    """What Shopify alone takes: consent, tokens, counts and orders; and one question of a week."""
    cj, times = bench.cj, bench.times
    known = json.loads((cj.data_dir / "shopify" / "state.json").read_text())
    app = {"client_id": known["api_key"], "client_secret": known["api_secret"]}
    base = f"{cj.state['shopify_url']}/{shop}/admin"
    asked = {
        "client_id": known["api_key"],
        "scope": "read_customers,read_orders,read_products",
        "redirect_uri": f"{cj.url}/api/v1/shopify/callback",
        "state": "bare",
    }
    since = f"created_at:>='{datetime.now(UTC) - timedelta(days=7):%Y-%m-%dT%H:%M:%SZ}'"
    async with httpx.AsyncClient(trust_env=False) as http:

        async def query(name: str, **variables: Any) -> None:
            body = {"query": operation(name).text, "variables": variables}
            answer = await http.post(f"{base}/api/2026-10/graphql.json", json=body)
            assert answer.json()["data"], answer.text

        with times.of(SHOPIFY):
            back = where(await http.get(f"{base}/oauth/authorize", params=asked))
            given = {**app, "code": httpx.URL(back).params["code"], "expiring": "1"}
            granted = (await http.post(f"{base}/oauth/access_token", json=given)).json()
            http.headers["X-Shopify-Access-Token"] = granted["access_token"]
            await asyncio.gather(query("store_counts"), query("recent_orders", first=10))
        with times.of(WEEK):
            await query("orders_between", query=since, first=40)


async def measure(cj: Running, shops: int, again: int, name: str = "bench") -> Times:
    """So many installations of each kind; between them Shopify alone is measured."""
    bench = Bench(cj, ControlClient(str(cj.state["shopify_url"])))
    bench.shopify.auto_approve(on=True)
    try:
        await bench.flow(bench.new_shop(f"{name}-cold", 0), COLD, ())
        known: dict[str, list[str]] = {}
        for number in range(shops):
            shop = bench.new_shop(name, number)
            known[shop] = [await bench.flow(shop, NEW, ())]
            await bare(bench, bench.new_shop(f"{name}-bare", number))
            await bench.ask(bench.new_shop(f"{name}-asked", number))
        for number in range(again):
            shop = f"{name}-{number % min(4, shops)}{SUFFIX}"
            known[shop].append(await bench.flow(shop, AGAIN, known[shop]))
    finally:
        bench.shopify.auto_approve(on=False)
    return bench.times


def lines(times: Times) -> list[str]:
    """For people."""
    told = []
    for what in sorted(times.taken, key=lambda what: what[0] != " "):
        taken, p95 = times.taken[what], times.p95(what)
        limit, goal = GOALS.get(what, ("", 0))
        ratio = f"   {p95 / times.p95(limit):5.1f}x the limit   goal {goal:,} ms" if goal else ""
        told.append(
            f"{what:<44} {len(taken):3} x   p50 {statistics.median(taken):8.1f} ms   "
            f"p95 {p95:8.1f} ms{ratio}"
        )
    told.append(f"the greeting was in the first ready: {times.waiting} of {times.flows}")
    return [*told, *times.found[:20], *(f"{what}: the goal is missed" for what in times.missed)]


async def main() -> int:
    """1 if a goal is missed, or anybody is somebody else."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shops", type=int, default=20)
    parser.add_argument("--again", type=int, default=10)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="cj-install-flow-") as folder:
        cj = Running(Path(folder, "data"), warm=True)
        try:
            await asyncio.to_thread(cj.start)
            times = await measure(cj, args.shops, args.again)
        finally:
            cj.stop()
    print("\n".join(lines(times)))
    return 1 if times.missed or times.found else 0


if __name__ == "__main__":
    with asyncio.Runner() as runner:
        sys.exit(runner.run(main()))
