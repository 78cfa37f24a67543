"""What a callback gets that did not come from this browser's visit to Shopify.

In every case: nothing is sent anywhere, nobody is signed in, a page for a person, an event.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

import asyncpg
import pytest
from cj.shopify.keys import KeyFile

from tests.integration.installing import (
    CANARIES,
    GRANT,
    PREVIOUS,
    SECRET,
    Browser,
    Shopify,
    answering,
    granted,
    is_safe_page,
    settings,
    signed,
    told,
)
from tests.integration.listening_aws import Functions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from local.servers.valkey import Valkey

SHOP = "corner-candles.myshopify.com"
COUNTS = (
    "SELECT (SELECT count(*) FROM events WHERE event_type = 'oauth_refused') AS refused, "
    "(SELECT count(*) FROM web_sessions WHERE user_id IS NOT NULL) AS sessions, "
    "(SELECT count(*) FROM merchants) + (SELECT count(*) FROM merchant_integrations) + "
    "(SELECT count(*) FROM users) AS rows"
)
HOSTS = (
    "evil.com",
    "a.myshopify.com.evil.com",
    "a.myshopify.com@evil",
    "a.myshopify.com/../",
    "a%00.myshopify.com",
    "a\0.myshopify.com",
    "a.myshopify.com\n",
    "ａ.myshopify.com",
    "169.254.169.254",
    "",
    "-a.myshopify.com",
    "https://a.myshopify.com",
)


@pytest.fixture(scope="module")
def shopify() -> Iterator[Shopify]:
    with Shopify() as running:
        yield running


@pytest.fixture(scope="module")
def functions(
    shopify: Shopify, shared_url: str, _valkey: Valkey, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Functions]:
    key_file = KeyFile.create(tmp_path_factory.mktemp("keys") / "keys.json").path
    environ = {
        "DATABASE_URL": shared_url,
        "REDIS_URL": _valkey.url,
        "WS_API_ENDPOINT": "http://127.0.0.1:9/ws",
        "TURN_WORKER_FUNCTION": "turn-worker",
        "AWS_DEFAULT_REGION": "us-east-1",
        **settings(shopify.url, key_file),
    }
    running = Functions(environ)
    yield running
    logged = running.close()
    assert not [secret for secret in (SECRET, PREVIOUS, *CANARIES) if secret in logged]


@pytest.fixture
def browser(functions: Functions, shopify: Shopify) -> Iterator[Browser]:
    shopify.answer = granted
    yield Browser(functions)


@pytest.fixture
def counts(shared_url: str) -> Callable[[], dict[str, int]]:
    async def ask() -> dict[str, int]:
        connection = await asyncpg.connect(shared_url)
        try:
            return dict(await connection.fetchrow(COUNTS))
        finally:
            await connection.close()

    return lambda: asyncio.run(ask())


class Refusal:
    """What was there before, to be compared with what is there after."""

    def __init__(self, browser: Browser, shopify: Shopify, counts: Any) -> None:
        self.browser, self.shopify, self.counts = browser, shopify, counts
        browser.begin(SHOP)
        self.cookie, self.connections, self.before = browser.cookie, shopify.connections, counts()

    def of(self, query: dict[str, str] | str, status: int, connections: int = 0) -> str:
        """The page, once everything else is as it was."""
        reply = self.browser.come_back(query)
        assert reply["statusCode"] == status, reply["body"]
        assert is_safe_page(reply), reply
        assert self.browser.cookie == self.cookie
        assert self.shopify.connections - self.connections == connections
        refused = self.before["refused"] + 1
        assert self.counts() == {**self.before, "refused": refused}
        return str(reply["body"])


@pytest.fixture
def refusal(browser: Browser, shopify: Shopify, counts: Any) -> Refusal:
    return Refusal(browser, shopify, counts)


def test_a_callback_without_a_signature_is_refused(refusal: Refusal) -> None:
    refusal.of(refusal.browser.query(SHOP), 400)


def test_a_signature_with_one_digit_off_is_refused(refusal: Refusal) -> None:
    query = signed(**refusal.browser.query(SHOP))
    last = "0" if query["hmac"][-1] != "0" else "1"
    refusal.of({**query, "hmac": query["hmac"][:-1] + last}, 401)


@pytest.mark.parametrize("change", [str.upper, lambda h: h[:-1], lambda h: "g" * 64, lambda h: "é"])
def test_a_signature_in_another_form_is_refused(
    refusal: Refusal, change: Callable[[str], str]
) -> None:
    query = signed(**refusal.browser.query(SHOP))
    if change is str.upper:
        query["hmac"] = "a" + query["hmac"][1:]  # or there might be no letter in it
    refusal.of({**query, "hmac": change(query["hmac"])}, 401)


@pytest.mark.parametrize("name", ["shop", "hmac", "code", "state", "timestamp", "unheard_of"])
def test_a_parameter_that_comes_twice_is_refused(refusal: Refusal, name: str) -> None:
    query = signed(**{**refusal.browser.query(SHOP), "unheard_of": "x"})
    refusal.of(f"{urlencode(query)}&{urlencode({name: query[name]})}", 400)


@pytest.mark.parametrize("state", ["", "f" * 64, "' or 1=1--"])
def test_a_state_that_nobody_was_given_is_refused(refusal: Refusal, state: str) -> None:
    refusal.of(signed(**refusal.browser.query(SHOP, state=state)), 403)


def test_a_callback_without_a_state_is_refused(refusal: Refusal) -> None:
    query = refusal.browser.query(SHOP)
    del query["state"]
    refusal.of(signed(**query), 403)


def test_the_state_of_another_browser_is_refused_and_stays_good_for_that_one(
    refusal: Refusal, browser: Browser
) -> None:
    other = Browser(browser.functions)
    other.begin(SHOP)
    refusal.of(signed(**browser.query(SHOP, state=other.state)), 403)
    assert other.come_back(signed(**other.query(SHOP)))["statusCode"] == 302


def test_a_browser_without_any_cookie_is_refused(refusal: Refusal, browser: Browser) -> None:
    browser.cookie = refusal.cookie = ""
    refusal.of(signed(**browser.query(SHOP)), 403)


def test_another_shop_than_the_one_that_was_begun_with_is_refused(refusal: Refusal) -> None:
    refusal.of(signed(**refusal.browser.query("harbour-coffee.myshopify.com")), 403)


@pytest.mark.parametrize("off_s", [-86_400, 86_400, -91, 120])
def test_a_callback_from_another_time_is_refused(refusal: Refusal, off_s: int) -> None:
    moment = str(int(time.time()) + off_s)
    refusal.of(signed(**refusal.browser.query(SHOP, timestamp=moment)), 400)


@pytest.mark.parametrize("moment", ["NaN", "123.45", "", "1e9", "-1", "٣", "9" * 40])
def test_a_timestamp_that_is_no_integer_is_refused(refusal: Refusal, moment: str) -> None:
    refusal.of(signed(**refusal.browser.query(SHOP, timestamp=moment)), 400)


@pytest.mark.parametrize("host", HOSTS)
def test_what_is_no_shop_is_refused_although_it_is_signed(refusal: Refusal, host: str) -> None:
    page = refusal.of(signed(**refusal.browser.query(host)), 400)
    assert not host or quote(host) not in page


def test_a_percent_in_a_shop_is_not_decoded_twice(refusal: Refusal) -> None:
    query = signed(**refusal.browser.query("a.myshopify.com%2F@evil.com"))
    refusal.of(query, 400)


def test_a_merchant_who_says_no_is_told_so(refusal: Refusal) -> None:
    page = refusal.of(signed(**refusal.browser.query(SHOP, error="access_denied")), 400)
    assert "cancelled" in page


def test_a_code_that_was_used_before_leads_to_try_again(refusal: Refusal, shopify: Shopify) -> None:
    shopify.answer = answering(b'{"error": "invalid_request"}', 400)
    page = refusal.of(signed(**refusal.browser.query(SHOP)), 400, connections=1)
    assert "Try again" in page


def hanging(handler: Any) -> None:
    """Until long after anybody waits."""
    time.sleep(15)
    granted(handler)


@pytest.mark.parametrize(
    "answer",
    [
        told(access_token="a" * 10_000_000),
        answering(b"<!doctype html><h1>Shopify</h1>", content_type="text/html"),
        answering(b"", 302, location="http://127.0.0.1:9/"),
        answering(b"", 503),
        told(expires_in=None),
        told(access_token=""),
        pytest.param(hanging, marks=pytest.mark.slow),
    ],
    ids=["10 MB", "HTML", "a redirect", "503", "for ever", "no token", "a hang"],
)
def test_an_answer_that_is_no_token_leads_to_a_page_and_no_row(
    refusal: Refusal, shopify: Shopify, answer: Any
) -> None:
    shopify.answer = answer
    refusal.of(signed(**refusal.browser.query(SHOP)), 502, connections=1)


def test_fewer_permissions_than_needed_are_named_and_the_token_is_thrown_away(
    refusal: Refusal, shopify: Shopify
) -> None:
    shopify.answer = told(scope="read_products,read_customers")
    page = refusal.of(signed(**refusal.browser.query(SHOP)), 403, connections=1)
    assert "read_orders" in page


def test_a_state_that_was_used_is_refused_the_second_time(
    browser: Browser, shopify: Shopify, counts: Callable[[], dict[str, int]]
) -> None:
    browser.begin(SHOP)
    query, anonymous = signed(**browser.query(SHOP)), browser.cookie
    assert browser.come_back(query)["statusCode"] == 302
    after, connections = counts(), shopify.connections
    for cookie in (browser.cookie, anonymous):
        again = Browser(browser.functions, cookie).come_back(query)
        assert (again["statusCode"], again.get("cookies", [])) == (403, [])
        assert is_safe_page(again)
    assert counts() == {**after, "refused": after["refused"] + 2}
    assert shopify.connections == connections


def test_a_state_is_used_up_even_if_shopify_refuses(browser: Browser, shopify: Shopify) -> None:
    browser.begin(SHOP)
    query = signed(**browser.query(SHOP))
    shopify.answer = answering(b"", 503)
    assert browser.come_back(query)["statusCode"] == 502
    shopify.answer = granted
    assert browser.come_back(query)["statusCode"] == 403


def test_what_the_previous_secret_signed_is_taken_while_it_is_replaced(browser: Browser) -> None:
    browser.begin(SHOP)
    reply = browser.come_back(signed(PREVIOUS, **browser.query(SHOP)))
    assert reply["statusCode"] == 302


def test_shopify_is_asked_for_an_expiring_token_with_the_newest_secret(
    browser: Browser, shopify: Shopify
) -> None:
    browser.connect(SHOP)
    asked = shopify.exchanges[-1]
    assert asked == {
        "path": f"/{SHOP}/admin/oauth/access_token",
        "client_id": "app-key",
        "client_secret": SECRET,
        "code": "0123456789abcdef",
        "expiring": "1",
    }
    assert GRANT["access_token"] not in str(browser.replies)
