"""The database goes away under an open page and comes back; somebody types faster than allowed."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from playwright.async_api import expect

from tests.chaos.stage import Stage
from tests.e2e.tab import tab_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.async_api import BrowserContext

    from tests.e2e.running import Running

pytestmark = pytest.mark.browser

UNSAVED = "Not saved yet"
NOTICE = "CJ can’t reach its memory."


async def test_a_chat_goes_on_through_an_outage_and_everything_finds_its_place(
    visitor: BrowserContext,
) -> None:
    async with Stage() as stage:
        one = await tab_of(visitor, stage.url)
        await one.write("before")
        await expect(one.texts).to_have_count(2)
        await expect(one.typing).to_have_count(0)
        two = await tab_of(visitor, one.page.url)
        await stage.kill_postgres()
        await one.write("first")
        await expect(one.page.get_by_text(NOTICE)).to_be_visible()
        await expect(one.page.get_by_text(UNSAVED)).to_have_count(2)
        await one.write("second")
        await expect(one.page.get_by_text(UNSAVED)).to_have_count(4)
        shown = await one.read()
        assert [text for text in shown if not text.startswith("Piece")] == [
            "before",
            "first",
            "second",
        ]
        assert len(shown) == 6
        await expect(two.texts).to_have_text(shown)
        await expect(one.page.get_by_role("button", name="Edit")).to_have_count(0)
        await two.page.reload()
        await expect(two.texts).to_have_text(shown)
        await expect(two.page.get_by_text(NOTICE)).to_be_visible()

        await stage.start_postgres()
        for tab in (one, two):
            await expect(tab.page.get_by_text(UNSAVED)).to_have_count(0)
            await expect(tab.page.get_by_text(NOTICE)).to_have_count(0)
            await expect(tab.texts).to_have_text(shown)
        await one.write("after")
        await expect(one.texts).to_have_count(8)
        await one.page.reload()
        await expect(one.texts).to_have_count(8)
        assert (await one.read())[:6] == shown


async def test_what_is_said_too_fast_waits_on_the_page_and_is_lost_nowhere(
    visitor: BrowserContext, own_cj: Callable[..., Running]
) -> None:
    limits = {"LIMIT_MESSAGES_BURST": "2", "LIMIT_MESSAGES_PER_MINUTE": "60"}
    running = own_cj(environ={**os.environ, **limits})
    tab = await tab_of(visitor, running.url)
    said = [f"number {n}" for n in range(6)]
    for text in said:
        await tab.write(text)
    await expect(tab.page.get_by_text("Sending in a moment…").first).to_be_visible()
    await expect(tab.page.locator("[data-status=sending]")).to_have_count(0)
    await expect(tab.typing).to_have_count(0)
    await expect(tab.page.get_by_role("alert")).to_have_text("")
    await tab.page.reload()
    await expect(tab.page.locator(".mine .text")).to_have_text(said)
