"""A merchant in a real browser: connects a store from the page, and comes back into the chat."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.async_api import expect

from tests.e2e.counter import SUFFIX, counter

if TYPE_CHECKING:
    from playwright.async_api import BrowserContext, Route

pytestmark = pytest.mark.browser


async def test_a_merchant_types_a_name_agrees_and_the_greeting_is_there_at_once(
    visitor: BrowserContext, cj_url: str, shop: str
) -> None:
    at = await counter(visitor, cj_url)
    page = at.tab.page
    await page.get_by_role("button", name="Connect your Shopify store").click()
    await at.connect(shop)
    told = (frame for frame in at.tab.frames if frame.get("connected", {}).get("shop"))
    first = next(told)
    assert [m["role"] for m in first["messages"] if not m.get("hidden")] == ["assistant"]
    assert "turn" not in first
    await expect(at.tab.typing).to_have_count(0)
    assert await at.tab.read() == [first["messages"][-1]["text"]]
    await expect(page.get_by_text(re.compile("From your store, .+ · orders of"))).to_be_visible()
    await expect(page.get_by_role("button", name=re.compile("Connect "))).to_have_count(0)
    await expect(at.log_out).to_be_visible()
    await expect(page.get_by_role("button", name="Forget me")).to_have_count(0)
    await expect(at.tab.input).to_be_focused()
    assert at.tab.complaints == []


async def test_what_was_said_before_goes_along_and_the_greeting_comes_after_it(
    visitor: BrowserContext, cj_url: str, shop: str
) -> None:
    at = await counter(visitor, cj_url)
    await at.tab.say("Before I connect")
    before, address = await at.tab.read(), at.tab.page.url
    await at.connect(shop, f"https://{shop}{SUFFIX}/admin")
    assert at.tab.page.url == address
    assert (await at.tab.read())[:2] == before
    await expect(at.tab.texts).to_have_count(3)


async def test_the_same_store_elsewhere_and_after_logging_out_has_the_same_conversations(
    visitor: BrowserContext, cj_url: str, shop: str
) -> None:
    at = await counter(visitor, cj_url)
    await at.connect(shop)
    await at.tab.say("Remember the blue teapot")
    said = await at.tab.read()
    await at.log_out.click()
    await expect(at.tab.welcome).to_be_visible()
    await expect(at.button).to_be_visible()
    await expect(at.tab.page.get_by_role("link")).to_have_count(0)
    assert visitor.browser
    elsewhere = await visitor.browser.new_context()
    for again in (at, await counter(elsewhere, cj_url)):
        await again.type(f"admin.shopify.com/store/{shop}")
        await again.arrived(shop)  # nobody is asked again for what was granted
        await again.tab.page.get_by_role("link", name="Remember the blue teapot").click()
        await expect(again.tab.texts).to_have_text(said)


async def test_a_wrong_name_is_told_where_it_was_typed_and_the_page_stays(
    visitor: BrowserContext, cj_url: str, shop: str
) -> None:
    at = await counter(visitor, cj_url)
    await at.tab.page.evaluate("window.untouched = true")
    for typed, told in (
        ("", "Type the name of your store first."),
        ("my shop!", "This is no Shopify store."),
        (f"{shop}.example.com", "This is no Shopify store."),
    ):
        await at.type(typed)
        await expect(at.form.get_by_role("status")).to_have_text(told)
        await expect(at.field).to_have_value(typed)
        await expect(at.field).to_be_focused()
    assert await at.tab.page.evaluate("window.untouched")
    await at.connect(shop)


async def test_a_name_that_shopify_does_not_know_leads_to_its_page_and_back_again(
    visitor: BrowserContext, cj_url: str, shop: str
) -> None:
    at = await counter(visitor, cj_url)
    await at.type(f"{shop}-of-nobody")
    await expect(at.tab.page.get_by_text("This shop is not there")).to_be_visible()
    await at.tab.page.go_back()
    await at.connect(shop)


async def test_who_does_not_agree_is_as_before_and_may_begin_again(
    visitor: BrowserContext, cj_url: str, shop: str
) -> None:
    at = await counter(visitor, cj_url)
    await at.tab.say("Before I connect")
    before, address = await at.tab.read(), at.tab.page.url
    await at.type(shop)
    await expect(at.consent).to_be_visible()  # the button of that page, not the form's
    await at.tab.page.get_by_role("button", name="Cancel").click()
    await expect(at.tab.page.get_by_text("Nothing was installed")).to_be_visible()
    await at.tab.open(address)
    await expect(at.tab.texts).to_have_text(before)
    await at.connect(shop)


async def test_however_often_it_is_pressed_the_way_is_asked_for_once(
    visitor: BrowserContext, cj_url: str, shop: str
) -> None:
    at = await counter(visitor, cj_url)
    asked: list[Route] = []

    def on_question(route: Route) -> None:
        asked.append(route)

    await at.tab.page.route("**/api/v1/shopify/install?**", on_question)
    await at.type(shop)
    going = at.form.get_by_role("button", name="Going to Shopify…")
    await going.click(force=True)
    await at.field.press("Enter")
    await expect(going).to_be_visible()
    assert len(asked) == 1
    await asked[0].continue_()
    await at.consent.click()
    await at.arrived(shop)


async def test_escape_closes_the_form_and_stops_nobody(
    visitor: BrowserContext, cj_url: str
) -> None:
    at = await counter(visitor, cj_url)
    await at.tab.write("say 3 chunks every 500 ms")
    await at.button.click()
    await at.field.press("Escape")
    await expect(at.form).to_be_hidden()
    await expect(at.button).to_be_focused()
    await expect(at.tab.answers).to_have_count(1)
    await expect(at.tab.page.get_by_text("Stopped", exact=True)).to_have_count(0)


async def test_on_a_small_screen_there_is_room_for_the_store(
    visitor: BrowserContext, cj_url: str, shop: str
) -> None:
    at = await counter(visitor, cj_url)
    for width in (320, 390):
        await at.tab.page.set_viewport_size({"width": width, "height": 700})
        assert await at.tab.page.evaluate("document.documentElement.scrollWidth") == width
        await expect(at.button).to_be_in_viewport(ratio=1)
    await at.connect(shop)
    assert await at.tab.page.evaluate("document.documentElement.scrollWidth") == 390
    await expect(at.store).to_be_in_viewport(ratio=1)
    await expect(at.tab.page.get_by_role("button", name="New conversation")).to_be_in_viewport(
        ratio=1
    )
