"""From the consent page to the code, signed as Shopify signs."""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import httpx
import pytest

from local.shopify.app import Options, Simulator
from local.shopify.signing import sign_query
from tests.shopify_simulator.application import CANDLES, COFFEE, NOON, SCOPES, query_of

if TYPE_CHECKING:
    from tests.shopify_simulator.application import App


async def test_a_person_is_asked_and_sent_back_with_a_signed_code(app: App) -> None:
    page = await app.authorize(CANDLES)
    assert "Install CJ in Corner Candles?" in page.text
    assert "View orders of the last 60 days" in page.text
    answer = await app.decide(CANDLES, page, "approve")
    assert answer.status_code == 303
    assert answer.headers["location"].startswith(f"{app.callback}?")
    given = query_of(answer)
    assert set(given) == {"code", "hmac", "host", "shop", "state", "timestamp"}
    assert (given["shop"], given["state"], given["timestamp"]) == (
        CANDLES,
        "abc123",
        str(int(NOON)),
    )
    told = given.pop("hmac")
    message = "&".join(f"{name}={given[name]}" for name in sorted(given))  # nothing to encode
    assert (
        told
        == hmac.new(app.shopify.api_secret.encode(), message.encode(), hashlib.sha256).hexdigest()
    )


def test_what_is_signed_is_encoded_as_shopify_does_it() -> None:
    """The one vector that tells the rule from its neighbours: space, plus, tilde, star, slash."""
    signed = sign_query({"b": "a b+c~d*e/f", "a": "é&="}, "hush")
    message = b"a=%C3%A9%26%3D&b=a%20b%2Bc%7Ed*e%2Ff"
    assert signed == hmac.new(b"hush", message, hashlib.sha256).hexdigest()


async def test_a_moved_clock_does_not_stand_in_signed_messages(app: App) -> None:
    app.shopify.clock.move(days=2)
    page = await app.authorize(CANDLES)
    given = query_of(await app.decide(CANDLES, page, "approve"))
    assert given["timestamp"] == str(int(NOON))


async def test_whoever_cancels_stays_at_the_shop(app: App) -> None:
    answer = await app.decide(CANDLES, await app.authorize(CANDLES), "deny")
    assert answer.status_code == 200
    assert "Nothing was installed" in answer.text
    assert not app.shopify.world.shop(CANDLES).installed


async def test_a_consent_page_is_good_for_one_decision(app: App) -> None:
    page = await app.authorize(CANDLES)
    assert (await app.decide(CANDLES, page, "approve")).status_code == 303
    assert (await app.decide(CANDLES, page, "approve")).status_code == 400


async def test_a_consent_page_is_good_for_its_own_shop(app: App) -> None:
    page = await app.authorize(CANDLES)
    assert (await app.decide(COFFEE, page, "approve")).status_code == 400


@pytest.mark.parametrize("ending", ["/", "?a=b", "x", "/../callback"])
async def test_only_the_exact_callback_is_sent_a_code(app: App, ending: str) -> None:
    answer = await app.authorize(CANDLES, redirect_uri=app.callback + ending)
    assert answer.status_code == 400
    assert "redirect_uri is not whitelisted" in answer.text


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"client_id": "another"}, "Could not find Shopify API application"),
        ({"redirect_uri": "https://evil.example/"}, "redirect_uri is not whitelisted"),
        ({"scope": ""}, "access scope is invalid"),
        ({"scope": "read_orders,<script>"}, "access scope is invalid"),
    ],
)
async def test_a_request_that_is_not_right_is_refused(
    app: App, wrong: dict[str, str], said: str
) -> None:
    answer = await app.authorize(CANDLES, **wrong)
    assert answer.status_code == 400
    assert said in answer.text
    assert "<script>" not in answer.text


async def test_a_shop_that_is_not_there_has_a_page_and_no_consent(app: App) -> None:
    answer = await app.authorize("nobody.myshopify.com")
    assert answer.status_code == 404
    assert "nobody.myshopify.com" in answer.text


async def test_a_shop_that_granted_it_already_is_not_asked_again(app: App) -> None:
    await app.install(CANDLES)
    assert (await app.authorize(CANDLES)).status_code == 302
    more = await app.authorize(CANDLES, scope=f"{SCOPES},read_all_orders")
    assert more.status_code == 200
    app.shopify.control.uninstall(shop=CANDLES)
    assert (await app.authorize(CANDLES)).status_code == 200


async def test_consent_can_be_automatic() -> None:
    options = Options(app_url="http://127.0.0.1:9", auto_approve=True)
    async with Simulator(options) as shopify, httpx.AsyncClient(trust_env=False) as http:
        asked = {
            "client_id": shopify.api_key,
            "scope": SCOPES,
            "redirect_uri": "http://127.0.0.1:9/api/v1/shopify/callback",
            "state": "s",
        }
        url = f"{shopify.url}/{CANDLES}/admin/oauth/authorize?{urlencode(asked)}"
        assert (await http.get(url)).status_code == 302


async def test_a_second_of_two_equal_scopes_and_what_writing_implies_are_not_named(
    app: App,
) -> None:
    granted = await app.install(
        CANDLES, scope="write_orders,read_orders,read_products,read_products"
    )
    assert granted["scope"] == "write_orders,read_products"
