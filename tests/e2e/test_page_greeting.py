"""CJ's first message as a merchant sees it who is there before it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.async_api import expect

from tests.e2e.counter import counter
from tests.e2e.late_worker import template_with

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from playwright.async_api import BrowserContext

    from tests.e2e.running import Running

pytestmark = pytest.mark.browser

LOOKING = "CJ is looking at your store…"
NAME = "corner-candles"


async def test_a_greeting_that_is_late_is_announced_and_streams_in(
    visitor: BrowserContext, own_cj: Callable[..., Running], tmp_path: Path
) -> None:
    gate = tmp_path / "gate"
    at = await counter(visitor, own_cj(template=template_with(gate)).url)
    await at.type(NAME)
    await at.consent.click()
    await expect(at.tab.typing).to_contain_text(LOOKING)
    await expect(at.tab.page).to_have_url(re.compile(r"/chat/[0-9a-f-]{36}$"))
    await expect(at.tab.page.get_by_test_id("announcer")).to_have_text(LOOKING)
    await expect(at.tab.welcome).to_have_count(0)
    await expect(at.tab.texts).to_have_count(0)
    await expect(at.tab.input).to_be_editable()

    gate.unlink()
    await at.arrived(NAME)
    await expect(at.tab.typing).to_have_count(0)
    assert "has 7 customers" in (await at.tab.read())[0]
    assert await at.tab.hears("delta", 1)
    listed = at.tab.page.get_by_role("link", name=f"First look at {NAME}")
    await expect(listed).to_be_visible()
    assert at.tab.complaints == []


async def test_what_is_said_while_the_greeting_is_late_is_answered_after_it(
    visitor: BrowserContext, own_cj: Callable[..., Running], tmp_path: Path
) -> None:
    gate = tmp_path / "gate"
    at = await counter(visitor, own_cj(template=template_with(gate)).url)
    await at.type(NAME)
    await at.consent.click()
    await expect(at.tab.typing).to_contain_text(LOOKING)
    await at.tab.write("thanks")
    await expect(at.tab.texts).to_have_text(["thanks"])
    gate.unlink()
    await expect(at.tab.texts.last).to_contain_text("You're welcome.")
    await expect(at.greeting).to_have_count(1)
