"""A store that is connected already: connected again, exchanged for another, let in anew."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
from playwright.async_api import expect

from local.shopify.control_client import ControlClient
from tests.e2e.counter import SUFFIX, counter

if TYPE_CHECKING:
    from playwright.async_api import BrowserContext

    from tests.e2e.counter import Counter
    from tests.e2e.running import Running

pytestmark = pytest.mark.browser

ASKED = "How many orders are there?"


@pytest.fixture
def shopify(cj: Running) -> ControlClient:
    return ControlClient(str(cj.state["shopify_url"]))


async def newest(at: Counter) -> str:
    return (await at.tab.read())[-1]


async def test_who_granted_too_little_connects_again_and_goes_on_in_the_same_conversation(
    visitor: BrowserContext, cj_url: str, shop: str, shopify: ControlClient
) -> None:
    at = await counter(visitor, cj_url)
    await at.connect(shop)
    shopify.set_scopes(shop=shop + SUFFIX, scopes=["read_products"])
    await at.tab.say("How was the last week?")
    assert "Choose your store at the top of this page, connect it again" in await newest(at)
    before, address = await at.tab.read(), at.tab.page.url

    await at.store.focus()  # without a mouse
    await at.store.press("Enter")
    await expect(at.again.get_by_label("Store name")).to_have_value(shop + SUFFIX)
    await expect(at.again.get_by_label("Store name")).to_be_focused()
    await at.tab.page.keyboard.press("Enter")
    await at.consent.click()
    await at.arrived(shop)
    assert at.tab.page.url == address
    assert await at.tab.read() == before
    await at.tab.say("And how was the last week?")
    assert "In the last 7 days" in await newest(at)
    assert at.tab.complaints == []


async def test_a_store_that_shopify_does_not_show_any_more_is_offered_to_be_connected_again(
    visitor: BrowserContext, cj_url: str, shop: str, shopify: ControlClient
) -> None:
    at = await counter(visitor, cj_url)
    await at.connect(shop)
    shopify.revoke_tokens(shop=shop + SUFFIX)
    await at.tab.say("How was the last week?")
    assert "Connect it again at the top of this page" in await newest(at)
    again = at.tab.page.get_by_role("button", name="Connect again")
    await expect(again).to_be_visible()
    await expect(at.store).to_have_count(0)
    address = at.tab.page.url
    await at.tab.page.reload()
    await again.click()
    await expect(at.again).to_contain_text(f"does not let CJ read {shop}{SUFFIX}")
    await at.again.get_by_role("button", name="Connect again").click()
    await at.arrived(shop)  # nobody is asked again for what was granted
    assert at.tab.page.url == address
    await at.tab.say("And how was the last week?")
    assert "In the last 7 days" in await newest(at)


async def test_another_store_has_a_page_of_its_own_and_the_first_one_is_there_again(
    visitor: BrowserContext, cj_url: str, shop: str, shopify: ControlClient
) -> None:
    other = f"shop-{uuid4().hex[:12]}"
    shopify.add_shop(shop=other + SUFFIX, like="empty-shelf" + SUFFIX)
    at = await counter(visitor, cj_url)
    await at.connect(shop)
    await at.tab.say(ASKED)
    said = await at.tab.read()
    await at.store.click()
    await at.again.get_by_role("button", name="Another store").click()
    await expect(at.again.get_by_label("Store name")).to_be_focused()
    await expect(at.again).to_contain_text(f"Those of {shop}{SUFFIX} are here again")
    await at.tab.page.keyboard.type(other)
    await at.tab.page.keyboard.press("Enter")
    await at.consent.click()
    await at.arrived(other)
    listed = at.tab.page.get_by_role("navigation").get_by_role("link")
    await expect(listed).to_have_count(1)
    await expect(listed).to_contain_text(f"First look at {other}")
    await at.store.click()
    await at.again.get_by_label("Store name").fill(shop)
    await at.again.get_by_role("button", name="Connect").click()
    await at.arrived(shop)
    await at.tab.page.get_by_role("link", name=ASKED).click()
    await expect(at.tab.texts).to_have_text(said)


async def test_escape_leaves_the_store_as_it_is_and_the_next_time_its_name_is_there(
    visitor: BrowserContext, cj_url: str, shop: str
) -> None:
    at = await counter(visitor, cj_url)
    await at.connect(shop)
    await at.store.click()
    field = at.again.get_by_label("Store name")
    await field.fill("something-else")
    await field.press("Escape")
    await expect(at.again).to_be_hidden()
    await expect(at.store).to_be_focused()
    await at.store.click()
    await expect(field).to_have_value(shop + SUFFIX)
