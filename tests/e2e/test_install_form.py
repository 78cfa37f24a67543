"""The form in a real browser, whose policy the way to Shopify and back has to respect."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.async_api import expect

if TYPE_CHECKING:
    from playwright.async_api import BrowserContext

pytestmark = pytest.mark.browser


async def test_a_name_typed_into_the_form_leads_through_consent_into_the_chat(
    visitor: BrowserContext, cj_url: str
) -> None:
    page = await visitor.new_page()
    complaints: list[str] = []
    page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    await page.goto(f"{cj_url}/api/v1/shopify/install")
    name = page.get_by_label("Store name")
    await name.fill("no store at all")
    await name.press("Enter")
    await expect(page.get_by_role("alert")).to_contain_text("no Shopify store")
    complaints.clear()  # the browser says itself that it was a 400
    await name.fill("northern-trails")
    await name.press("Enter")
    approve = page.locator('button[value="approve"]')
    await page.wait_for_url(lambda url: "/chat?" in url or "/admin/oauth/authorize" in url)
    if "/admin/oauth/authorize" in page.url:  # a shop that is connected already is not asked
        await approve.click()
    await page.wait_for_url("**/chat?oauth=complete*")
    assert complaints == []


async def test_a_callback_that_is_refused_is_a_page_with_a_way_on(
    visitor: BrowserContext, cj_url: str
) -> None:
    page = await visitor.new_page()
    await page.goto(f"{cj_url}/api/v1/shopify/callback?shop=<script>alert(1)</script>")
    await expect(page.get_by_role("alert")).to_contain_text("This is no Shopify store")
    await page.get_by_role("link", name="Try again").click()
    await expect(page.get_by_role("heading")).to_have_text("Connect your Shopify store")
