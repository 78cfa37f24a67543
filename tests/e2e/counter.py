"""The page as somebody uses it who has a store."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from playwright.async_api import expect

from tests.e2e.tab import Tab, tab_of

if TYPE_CHECKING:
    from playwright.async_api import BrowserContext, Locator

SUFFIX = ".myshopify.com"


@dataclass
class Counter:
    """One tab, and the ways through it."""

    tab: Tab

    @property
    def button(self) -> Locator:
        """Leads to the form, while no store is connected."""
        return self.tab.page.get_by_role("button", name="Connect store")

    @property
    def form(self) -> Locator:
        return self.tab.page.get_by_role("dialog", name="Connect your Shopify store")

    @property
    def store(self) -> Locator:
        """The store that is connected, which leads to the form too."""
        return self.tab.page.get_by_role("button", name="Connected store:")

    @property
    def again(self) -> Locator:
        """The form of a store that is known."""
        return self.tab.page.get_by_role("dialog", name="Your Shopify store")

    @property
    def field(self) -> Locator:
        return self.form.get_by_label("Store name")

    @property
    def consent(self) -> Locator:
        """Shopify asks."""
        return self.tab.page.get_by_role("button", name="Install app")

    @property
    def greeting(self) -> Locator:
        return self.tab.texts.filter(has_text="Welcome! I'm CJ")

    @property
    def log_out(self) -> Locator:
        return self.tab.page.get_by_role("button", name="Log out")

    def named(self, shop: str) -> Locator:
        """The store's name in the header."""
        return self.tab.page.get_by_role("banner").get_by_text(shop + SUFFIX, exact=True)

    async def type(self, shop: str) -> None:
        """The store's name into the form, and Enter."""
        if not await self.form.is_visible():
            await self.button.click()
        await expect(self.field).to_be_focused()
        await self.field.fill(shop)
        await self.field.press("Enter")

    async def connect(self, shop: str, typed: str | None = None) -> None:
        """From the page over Shopify's to the greeting."""
        await self.type(typed or shop)
        await self.consent.click()
        await self.arrived(shop)

    async def arrived(self, shop: str) -> None:
        await expect(self.tab.page).to_have_url(re.compile(r"/chat/[0-9a-f-]{36}$"))
        await expect(self.named(shop)).to_be_visible()
        await expect(self.greeting).to_have_count(1)


async def counter(visitor: BrowserContext, url: str) -> Counter:
    return Counter(await tab_of(visitor, url))
