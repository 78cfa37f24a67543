"""The simulated Shopify in a thread of its own, for tests that have no event loop."""

from __future__ import annotations

import asyncio
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Thread
from typing import TYPE_CHECKING

from local.shopify.app import Simulator
from local.shopify.control_client import ControlClient

if TYPE_CHECKING:
    from collections.abc import Iterator

    from local.shopify.app import Options

_START_S = 10


@dataclass(frozen=True, slots=True)
class Threaded:
    """What the application needs of it, and its controls."""

    url: str
    api_key: str
    api_secret: str
    control: ControlClient


@contextmanager
def simulator_in_thread(options: Options) -> Iterator[Threaded]:
    """Serving when it begins, gone when it ends. Raises what the start raised."""
    started: Future[asyncio.AbstractEventLoop] = Future()
    simulator, end = Simulator(options), asyncio.Event()

    async def serve() -> None:
        async with simulator:
            started.set_result(asyncio.get_running_loop())
            await end.wait()

    def run() -> None:
        try:
            asyncio.run(serve())
        except Exception as error:
            if started.done():
                raise
            started.set_exception(error)

    thread = Thread(target=run, name="simulated-shopify", daemon=True)
    thread.start()
    loop = started.result(_START_S)
    try:
        control = ControlClient(simulator.url)
        yield Threaded(simulator.url, simulator.api_key, simulator.api_secret, control)
    finally:
        loop.call_soon_threadsafe(end.set)
        thread.join()
