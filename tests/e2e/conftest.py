"""One running system for the tests that only talk to it; those that hurt it start their own."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from local.shopify.control_client import ControlClient
from tests.e2e.counter import SUFFIX
from tests.e2e.running import Running
from tests.e2e.tab import FLAGS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from pathlib import Path

    from playwright.async_api import BrowserContext


@pytest.fixture(scope="session")
def cj(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    running = Running(tmp_path_factory.mktemp("cj") / "data")
    running.start()
    yield running
    running.stop()


@pytest.fixture(scope="session")
def cj_url(cj: Running) -> str:
    return cj.url


@pytest.fixture
def own_cj(tmp_path: Path) -> Iterator[Callable[..., Running]]:
    """Starts a system that the test may stop, start again, and hurt."""
    made: list[Running] = []

    def start(**options: object) -> Running:
        running = Running(tmp_path / f"data{len(made)}", **options)  # type: ignore[arg-type]
        running.start()
        made.append(running)
        return running

    yield start
    for running in made:
        running.stop()


@pytest.fixture
def shop(cj: Running) -> str:
    """A store that nobody has connected yet, by its name."""
    name = f"shop-{uuid4().hex[:12]}"
    shopify = ControlClient(str(cj.state["shopify_url"]))
    shopify.add_shop(shop=name + SUFFIX, like="corner-candles" + SUFFIX)
    return name


@pytest.fixture
async def visitor(chromium: str) -> AsyncIterator[BrowserContext]:
    """Somebody with a browser of their own and no cookie yet."""
    from playwright.async_api import async_playwright

    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield await browser.new_context()
        await browser.close()
