"""The pages on which a person runs it: everything has a button, and text stays text."""

from __future__ import annotations

import re
from html import unescape
from typing import TYPE_CHECKING

import pytest

from local.shopify.html import el, joined
from tests.shopify_simulator.application import CANDLES, COFFEE, EMPTY, TRAILS

if TYPE_CHECKING:
    import httpx

    from tests.shopify_simulator.application import App


async def press(app: App, path: str, button: str, **typed: str) -> httpx.Response:
    """Sends the form that holds this button, with what was typed into it."""
    page = await app.http.get(path)
    for form in re.findall(r"<form .*?</form>", page.text, re.DOTALL):
        if f">{button}</button>" in form:
            hidden = re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', form)
            action = re.search(r'action="([^"]+)"', form)
            assert action
            fields = {name: unescape(value) for name, value in hidden} | typed
            return await app.http.post(action[1], data=fields)
    raise AssertionError(f"there is no button {button} in {page.text}")


async def test_the_first_page_lists_the_shops_and_starts_installations(app: App) -> None:
    page = (await app.http.get("/")).text
    for domain in (EMPTY, CANDLES, COFFEE, TRAILS):
        assert f'href="http://127.0.0.1:9/api/v1/shopify/install?shop={domain}"' in page
        assert f'href="/shops/{domain}"' in page
    assert "not installed" in page
    assert "No shop, order or merchant here is real" in page


@pytest.mark.parametrize("path", ["/", f"/shops/{CANDLES}", f"/shops/{EMPTY}"])
async def test_pages_load_nothing_from_elsewhere_and_run_no_scripts(app: App, path: str) -> None:
    page = await app.http.get(path)
    policy = page.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "form-action 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert not re.search(r"<script|\sstyle=|\son\w+=|\ssrc=", page.text)
    assert (await app.http.get("/style.css")).headers["Content-Type"].startswith("text/css")


async def test_the_consent_page_may_lead_to_the_application_and_nowhere_else(app: App) -> None:
    policy = (await app.authorize(CANDLES)).headers["Content-Security-Policy"]
    assert "form-action 'self' http://127.0.0.1:9" in policy


async def test_a_shop_is_uninstalled_and_its_scopes_are_changed_by_button(app: App) -> None:
    await app.install(CANDLES)
    here = f"/shops/{CANDLES}"
    answer = await press(app, here, "Change scopes", scopes="read_products, read_orders")
    assert (answer.status_code, answer.headers["location"]) == (303, here)
    assert app.shopify.world.shop(CANDLES).scopes == ["read_products", "read_orders"]
    await press(app, here, "Uninstall")
    assert not app.shopify.world.shop(CANDLES).installed
    assert "Uninstall" not in (await app.http.get(here)).text


@pytest.mark.parametrize(
    ("button", "topic"),
    [
        ("Request a customer&#x27;s data", "customers/data_request"),
        ("Redact a customer", "customers/redact"),
        ("Redact the shop", "shop/redact"),
    ],
)
async def test_privacy_requests_have_buttons(app: App, button: str, topic: str) -> None:
    await press(app, f"/shops/{CANDLES}", button)
    await app.shopify.webhooks.settled()
    assert [attempt.topic for attempt in app.shopify.webhooks.attempts] == [topic]
    assert topic in (await app.http.get("/")).text


async def test_plan_status_and_an_order_are_changed_by_button(app: App) -> None:
    here = f"/shops/{CANDLES}"
    await press(app, here, "Change plan", plan="plus")
    await press(app, here, "Change status", status="frozen")
    shop = app.shopify.world.shop(CANDLES)
    assert (shop.plan, shop.status) == ("plus", "frozen")
    await press(app, here, "Change", current_total="77.7")
    assert str(app.shopify.store(CANDLES).orders[0].current_total) == "77.70"
    assert 'value="77.70"' in (await app.http.get(here)).text


async def test_clock_faults_and_webhooks_are_set_by_button(app: App) -> None:
    await press(app, "/", "+ 1 hour")
    assert app.shopify.clock.offset_s == 3_600
    assert "+1.0 h" in (await app.http.get("/")).text
    await press(app, "/", "Reset")
    assert app.shopify.clock.offset_s == 0
    await press(app, "/", "Switch on", fault="throttled/graphql", times="3")
    (fault,) = app.shopify.world.faults.switched_on
    assert (fault.kind, fault.on, fault.times) == ("throttled", "graphql", 3)
    await press(app, "/", "Clear all")
    assert not app.shopify.world.faults.switched_on
    await press(app, "/", "Apply", family="both", hold="on", copies="2")
    sent = app.shopify.webhooks
    assert (sent.family, sent.holding, sent.copies) == ("both", True, 2)
    await press(app, f"/shops/{CANDLES}", "Redact the shop")
    assert "held back" in (await app.http.get("/")).text
    await press(app, "/", "Send what is held back")
    await app.shopify.webhooks.settled()
    assert [attempt.topic for attempt in sent.attempts] == ["shop/redact"] * 2


async def test_a_shop_is_added_by_button(app: App) -> None:
    await press(app, "/", "Add shop", shop="my-shop.myshopify.com", like=CANDLES)
    assert "My Shop" in (await app.http.get("/")).text


@pytest.mark.parametrize(
    ("button", "typed"),
    [
        ("Add shop", {"shop": "<script>alert(1)</script>", "like": CANDLES}),
        ("Switch on", {"fault": "<b>/token", "times": "1"}),
        ("Switch on", {"fault": "throttled/graphql", "times": "many"}),
    ],
)
async def test_what_cannot_be_done_is_told_on_a_page_as_text(
    app: App, button: str, typed: dict[str, str]
) -> None:
    answer = await press(app, "/", button, **typed)
    assert answer.status_code == 400
    assert "That was not possible" in answer.text
    assert "<script>" not in answer.text
    assert "<b>" not in answer.text


@pytest.mark.parametrize("back", ["//evil.example", "https://evil.example", "/shops/\\evil", "x"])
async def test_a_button_leads_back_to_these_pages_only(app: App, back: str) -> None:
    answer = await app.http.post("/do/reset_clock", data={"back": back})
    assert (answer.status_code, answer.headers["location"]) == (303, "/")


async def test_a_shop_that_is_not_there_is_named_as_text(app: App) -> None:
    answer = await app.http.get("/shops/%3Cimg%20src=x%3E")
    assert answer.status_code == 404
    assert "<img" not in answer.text
    assert "&lt;img" in answer.text


def test_text_and_attributes_are_escaped_and_markup_is_not() -> None:
    inner = el("b", "<i>", title='a"b')
    assert el("p", inner, " & ", None, class_="x", hidden=True, id=None) == (
        '<p class="x" hidden><b title="a&quot;b">&lt;i&gt;</b> &amp; </p>'
    )
    assert joined("<", None, el("input", name="n")) == '&lt;<input name="n">'
