"""The way into a shop in a real browser: its policies let the merchant through, and no further."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from playwright.async_api import async_playwright
from starlette.applications import Starlette
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from local.gateway.limits import Limits
from local.gateway.server import Server, listen
from local.shopify.app import Options, Simulator
from tests.shopify_simulator.application import CANDLES, SCOPES

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from playwright.async_api import Page
    from starlette.requests import Request

pytestmark = pytest.mark.browser


class Merchant:
    """A browser's page, the application it is sent to, and the simulator between them."""

    def __init__(self, page: Page, shopify: Simulator) -> None:
        self.page = page
        self.shopify = shopify
        self.complaints: list[str] = []
        page.on("console", lambda message: self.complaints.append(message.text))


def application(simulators: list[Simulator], here: str) -> Starlette:
    """Sends the merchant to Shopify, and from the callback on to another page, as CJ does."""

    async def install(request: Request) -> Response:
        (shopify,) = simulators
        return RedirectResponse(
            f"{shopify.url}/{request.query_params['shop']}/admin/oauth/authorize"
            f"?client_id={shopify.api_key}&scope={SCOPES}&state=s"
            f"&redirect_uri={here}/api/v1/shopify/callback"
        )

    async def callback(request: Request) -> Response:
        (shopify,) = simulators
        shopify.world.shop(request.query_params["shop"]).installed = True
        return RedirectResponse(f"/chat?arrived={request.query_params['shop']}")

    async def chat(_: Request) -> Response:
        return HTMLResponse("<h1>Chat</h1>")

    prefix = "/api/v1/shopify"
    return Starlette(
        routes=[
            Route(f"{prefix}/install", install),
            Route(f"{prefix}/callback", callback),
            Route("/chat", chat),
            Route("/favicon.ico", lambda _: Response(status_code=204)),
        ]
    )


@pytest.fixture
async def merchant(chromium: str) -> AsyncIterator[Merchant]:
    listener = listen("127.0.0.1", 0)
    here = f"http://127.0.0.1:{listener.getsockname()[1]}"
    simulators: list[Simulator] = []
    options = Options(app_url=here, webhook_path=None)
    async with (
        async_playwright() as playwright,
        Server(application(simulators, here), listener, Limits()),
        Simulator(options) as shopify,
    ):
        simulators.append(shopify)
        browser = await playwright.chromium.launch(
            executable_path=chromium, args=["--no-sandbox"] if os.geteuid() == 0 else []
        )
        page = await browser.new_page(viewport={"width": 1200, "height": 1000})
        yield Merchant(page, shopify)
        await browser.close()
    listener.close()


async def test_a_merchant_installs_and_lands_in_the_application(
    merchant: Merchant, tmp_path: Path
) -> None:
    page = merchant.page
    await page.goto(merchant.shopify.url)
    await page.screenshot(path=tmp_path / "shops.png", full_page=True)
    row = page.locator("tr", has_text="Corner Candles")
    await row.get_by_role("link", name="Install app").click()
    await page.wait_for_selector("text=Install CJ in Corner Candles?")
    await page.screenshot(path=tmp_path / "consent.png", full_page=True)
    await page.get_by_role("button", name="Install app").click()
    await page.wait_for_url(f"**/chat?arrived={CANDLES}")
    await page.goto(f"{merchant.shopify.url}/shops/{CANDLES}")
    await page.screenshot(path=tmp_path / "shop.png", full_page=True)
    assert await page.get_by_role("link", name="Open app").is_visible()
    assert merchant.complaints == []


async def test_buttons_of_the_pages_work_and_lead_back(merchant: Merchant) -> None:
    page = merchant.page
    await page.goto(merchant.shopify.url)
    await page.get_by_role("button", name="+ 1 day").click()
    await page.wait_for_selector("text=+24.0 h")
    await page.get_by_label("Fault").select_option("throttled/graphql")
    await page.get_by_role("button", name="Switch on").click()
    await page.wait_for_selector("text=throttled on graphql, 1")
    await page.goto(f"{merchant.shopify.url}/shops/{CANDLES}")
    await page.get_by_label("Total of #1008").fill("1234.50")
    await page.get_by_role("button", name="Change", exact=True).first.click()
    await page.wait_for_selector('input[value="1234.50"]')
    assert str(merchant.shopify.store(CANDLES).orders[0].current_total) == "1234.50"
    assert merchant.complaints == []
