"""How long until CJ has told a merchant the first figures of a store?

    .venv/bin/python benchmarks/first_data.py --rounds 100

Processes that have just started greet the four simulated stores: nothing is cached, and no
connection is open. Each greets a second time, from the cache, and then a new one does so. The limit
is the question for the counts alone, asked bare on an open connection. The simulator's own work is
in all of it.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
import tempfile
import time
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import httpx

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from cj.agent.scripted import Scripted  # noqa: E402
from cj.agent.store import Store  # noqa: E402
from cj.parts import App  # noqa: E402
from cj.settings import Settings  # noqa: E402
from cj.shopify.keys import KeyFile  # noqa: E402
from cj.shopify.operations import operation  # noqa: E402
from cj.store import Database  # noqa: E402
from cj.store.migrate import migrate  # noqa: E402

from local.servers.postgres import Postgres  # noqa: E402
from local.servers.postgres_folder import APP, OWNER  # noqa: E402
from local.servers.valkey import Valkey  # noqa: E402
from local.shopify.app import Options, Simulator  # noqa: E402
from tests.shopify.side import CANDLES, COFFEE, EMPTY, TRAILS, VERSION, Side  # noqa: E402
from tests.unit.asked import said  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

SHOPS = (EMPTY, CANDLES, COFFEE, TRAILS)
TURN_S = 30.0
GOALS_MS = {"first data": 500, "first data, cached": 100}
TRIGGER = [said("system", "", 1, control="trigger")]


@dataclass
class Times:
    """Milliseconds by what was measured."""

    taken: dict[str, list[float]] = field(default_factory=dict)

    def add(self, what: str, began: float) -> None:
        self.taken.setdefault(what, []).append((time.perf_counter() - began) * 1000)

    def p95(self, what: str) -> float:
        return statistics.quantiles(self.taken[what], n=100)[94]

    @property
    def missed(self) -> list[str]:
        """The goals that were not met."""
        return [what for what, goal in GOALS_MS.items() if self.p95(what) > goal]


@dataclass(frozen=True)
class Stage:
    """Stores with connected shops in them."""

    shopify: Simulator
    side: Side
    settings: Settings

    def fill_buckets(self) -> None:
        """Nobody waits for points: that is another measurement."""
        for shop in SHOPS:
            self.shopify.control.set_plan(shop=shop, plan="plus")


async def greet(parts: App, shop: str, times: Times, suffix: str) -> None:
    """Takes the time of the first figures and of the last."""
    began, looked, first = time.perf_counter(), False, True
    store = Store(parts.shopify.tools, shop, time.monotonic() + TURN_S)
    async for step in Scripted().stream(TRIGGER, 1, store):
        if not isinstance(step, str):
            if step.status == "error":
                raise SystemExit(f"{step.name} failed in {shop}: {step.result}")
            looked = looked or step.status == "ok"
        elif looked and first:
            times.add(f"first data{suffix}", began)
            first = False
    times.add(f"whole greeting{suffix}", began)


@asynccontextmanager
async def process(stage: Stage) -> AsyncIterator[App]:
    """One that has just started: its parts are built when they are needed."""
    parts = App(stage.settings, "first-data")
    yield parts
    await parts.shopify.http.aclose()
    await parts.db.close()
    await (await parts.ephemeral.connect()).aclose()


async def bare(stage: Stage, rounds: int, times: Times) -> None:
    """The counts, and nothing around them."""
    token = await stage.side.access.token(CANDLES, TURN_S)
    url = f"{stage.shopify.url}/{CANDLES}/admin/api/{VERSION}/graphql.json"
    headers = {"X-Shopify-Access-Token": token.token}
    async with httpx.AsyncClient(headers=headers, trust_env=False) as client:
        for _ in range(rounds):
            stage.fill_buckets()
            began = time.perf_counter()
            answer = await client.post(url, json={"query": operation("store_counts").text})
            times.add("counts, bare (limit)", began)
            assert answer.json()["data"]["ordersCount"]["count"]


async def measure(stage: Stage, rounds: int) -> Times:
    """So many greetings of each kind; one before them is not measured."""
    times = Times()
    await bare(stage, rounds, times)
    async with process(stage) as keeper:
        for n in range(-1, rounds):
            shop, taken = SHOPS[n % len(SHOPS)], times if n >= 0 else Times()
            stage.fill_buckets()
            await keeper.shopify.tools.cache.forget(shop)
            async with process(stage) as parts:
                await greet(parts, shop, taken, "")
                await greet(parts, shop, taken, ", cached")
            async with process(stage) as parts:
                await greet(parts, shop, taken, ", cached, new process")
    return times


def lines(times: Times) -> list[str]:
    """For people."""
    limit = times.p95("counts, bare (limit)")
    told = []
    for what, taken in times.taken.items():
        p95 = times.p95(what)
        goal = f"   goal {GOALS_MS[what]} ms" if what in GOALS_MS else ""
        told.append(
            f"{what:<35} p50 {statistics.median(taken):7.1f} ms   p95 {p95:7.1f} ms   "
            f"{p95 / limit:5.1f}x the limit{goal}"
        )
    return told


async def main(arguments: Sequence[str] | None = None) -> int:
    """1 if a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=100)
    rounds = parser.parse_args(arguments).rounds
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="cj-first-data-")))
        postgres = stack.enter_context(Postgres(folder / "postgres", fsync=False))
        redis = stack.enter_context(Valkey(folder / "valkey"))
        await migrate(postgres.url(OWNER))
        shopify = await stack.enter_async_context(Simulator(Options(webhook_path=None)))
        keys = KeyFile.create(folder / "keys.json").path
        db = Database(postgres.url(APP))
        side = Side.of(shopify, db, keys)
        stack.push_async_callback(side.http.aclose)
        stack.push_async_callback(db.close)
        for shop in SHOPS:
            await side.install(shop)
        given = {
            "public_url": "http://127.0.0.1:8000",
            "database_url": postgres.url(APP),
            "redis_url": redis.url,
            "shopify_api_key": shopify.api_key,
            "shopify_api_secret": shopify.api_secret,
            "shopify_base_url": shopify.url,
            "token_key_file": keys,
            "log_level": "ERROR",
        }
        times = await measure(Stage(shopify, side, Settings.model_validate(given)), rounds)
    print("\n".join(lines(times)))
    for what in times.missed:
        print(f"{what}: the goal is missed")
    return 1 if times.missed else 0


if __name__ == "__main__":
    with asyncio.Runner() as runner:
        sys.exit(runner.run(main()))
