"""From the form to Shopify and back into the chat, through the functions."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlencode, urlsplit
from uuid import uuid4

import pytest
from cj.shopify.cipher import TokenCipher
from cj.shopify.keys import KeyFile
from cj.store.integrations import Integrations

from tests.integration.installing import (
    CALLER,
    CANARIES,
    HERE,
    INITIATE,
    INSTALL,
    SCOPES,
    Browser,
    Shopify,
    http_event,
    is_safe_page,
    settings,
    signed,
)
from tests.integration.listening_aws import Aws, Functions
from tests.integration.statements import sql

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from cj.store import Database

SHOP = "corner-candles.myshopify.com"


@pytest.fixture
def shopify() -> Iterator[Shopify]:
    with Shopify() as running:
        yield running


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    return KeyFile.create(tmp_path / "keys.json").path


@pytest.fixture
def start(
    environ: dict[str, str], shopify: Shopify, key_file: Path
) -> Iterator[Callable[..., Browser]]:
    """A browser in front of functions with these settings."""
    started: list[Functions] = []

    def browser(**changed: str) -> Browser:
        running = Functions({**environ, **settings(shopify.url, key_file), **changed})
        started.append(running)
        return Browser(running)

    yield browser
    for running in started:
        running.close()


@pytest.fixture
def browser(start: Callable[..., Browser]) -> Browser:
    return start()


def test_the_browser_is_sent_to_the_shop_s_consent_page(browser: Browser, shopify: Shopify) -> None:
    reply = browser.begin("corner-candles")
    url = urlsplit(reply["headers"]["location"])
    assert f"{url.scheme}://{url.netloc}{url.path}" == f"{shopify.url}/{SHOP}/admin/oauth/authorize"
    query = parse_qs(url.query)
    assert query.pop("state")[0] == browser.state
    assert len(bytes.fromhex(browser.state)) == 32
    assert query == {
        "client_id": ["app-key"],
        "scope": [SCOPES],
        "redirect_uri": [f"{HERE}/api/v1/shopify/callback"],
    }
    (cookie,) = reply["cookies"]
    assert cookie.startswith("cj_session=")
    assert "HttpOnly" in cookie
    assert shopify.connections == 0


def test_on_this_machine_s_other_name_the_browser_is_sent_to_the_one_with_the_cookies(
    browser: Browser,
) -> None:
    """What Shopify sends back comes to PUBLIC_URL, where a cookie of localhost is not."""
    query = "shop=corner-candles&return_to=%2Fchat%3Fa%3Db"
    for host in ("localhost:8000", "localhost"):
        reply = browser.get(INSTALL, query, host=host)
        assert (reply["statusCode"], reply.get("cookies", [])) == (302, []), host
        assert reply["headers"]["location"] == f"{HERE}{INSTALL}?{query}"
    reply = browser.get(INSTALL, f"{query}&mode=json", host="localhost:8000")
    assert json.loads(reply["body"]) == {"url": f"{HERE}{INSTALL}?{query}"}
    for host in ("evil.com", "localhost.evil.com", "", "127.0.0.1:1"):
        reply = browser.get(INSTALL, query, host=host)
        assert "/admin/oauth/authorize?" in reply["headers"]["location"], host


def test_the_page_s_script_is_told_where_to_go(browser: Browser) -> None:
    reply = browser.get(INSTALL, "shop=corner-candles&mode=json")
    assert reply["statusCode"] == 200
    assert set(json.loads(reply["body"])) == {"url"}
    assert f"/{SHOP}/admin/oauth/authorize?" in json.loads(reply["body"])["url"]
    refused = browser.get(INSTALL, "shop=evil.com&mode=json")
    assert refused["statusCode"] == 400
    assert json.loads(refused["body"])["error"]["code"] == "invalid_shop"


def test_a_shop_is_understood_however_a_person_types_it(browser: Browser) -> None:
    for typed in (
        "corner-candles",
        " Corner-Candles ",
        "https://corner-candles.myshopify.com/",
        "https://admin.shopify.com/store/corner-candles/orders",
    ):
        assert f"/{SHOP}/admin/" in browser.begin(typed)["headers"]["location"], typed


def test_without_a_shop_there_is_a_form_that_takes_along_where_one_came_from(
    browser: Browser,
) -> None:
    cid = str(uuid4())
    query = urlencode({"conversation_id": cid, "return_to": '/chat?a="><script>'})
    reply = browser.get(INSTALL, query)
    assert (reply["statusCode"], reply.get("cookies", [])) == (200, [])
    assert is_safe_page(reply)
    assert f'name="conversation_id" value="{cid}"' in reply["body"]
    assert "return_to" not in reply["body"]


def test_what_is_no_shop_leads_back_to_the_form(browser: Browser, shopify: Shopify) -> None:
    for typed in ("evil.com", '"><script>alert(1)</script>', "a" * 5_000, "Ｋ"):
        reply = browser.get(INSTALL, urlencode({"shop": typed}))
        assert (reply["statusCode"], reply.get("cookies", [])) == (400, []), typed
        assert is_safe_page(reply), typed
        assert "<form" in reply["body"]
        assert len(reply["body"]) < 5_000
    assert shopify.connections == 0


def test_one_installation_too_many_in_a_minute_has_to_wait(start: Callable[..., Browser]) -> None:
    browser = start(LIMIT_INSTALLS_PER_MINUTE="2")
    for _ in range(2):
        browser.begin(SHOP)
    reply = browser.get(INSTALL, f"shop={SHOP}")
    assert reply["statusCode"] == 429
    assert 0 < int(reply["headers"]["retry-after"]) <= 60
    assert is_safe_page(reply)
    browser.address = "192.0.2.2"
    browser.begin(SHOP)


def test_after_a_double_click_both_ways_lead_to_the_chat(browser: Browser) -> None:
    browser.begin(SHOP)
    first = browser.state
    browser.begin(SHOP)
    assert first != browser.state
    assert browser.come_back(signed(**browser.query(SHOP)))["statusCode"] == 302


def test_a_merchant_lands_in_the_chat_as_a_user_whose_name_stands_nowhere(
    browser: Browser,
) -> None:
    browser.begin(SHOP)
    anonymous = browser.cookie
    reply = browser.come_back(signed(**browser.query(SHOP)))
    assert reply["statusCode"] == 302
    where = urlsplit(reply["headers"]["location"])
    assert (where.scheme, where.netloc, where.path) == ("", "", "/chat")
    told = parse_qs(where.query)
    assert (told["oauth"], told["is_new"]) == (["complete"], ["true"])
    assert set(told) == {"oauth", "is_new", "conversation_id"}
    me = browser.session()
    assert me == {"user": {"id": "usr_da5cc410"}, "shop": {"domain": SHOP}}
    assert browser.cookie != anonymous
    again = browser.connect(SHOP)
    assert again["is_new"] == "false"
    assert browser.session() == me


def test_only_a_path_of_our_own_is_returned_to(browser: Browser) -> None:
    for return_to, start in (
        ("/chat?theme=dark", "/chat?theme=dark&oauth="),
        ("/", "/?oauth="),
        ("/settings", "/chat?oauth="),
        ("//evil", "/chat?oauth="),
        ("https:evil", "/chat?oauth="),
        ("/\\evil", "/chat?oauth="),
        ("javascript:alert(1)", "/chat?oauth="),
        ("/\t/evil", "/chat?oauth="),
        ("https://evil.com/chat", "/chat?oauth="),
        ("/x\r\nSet-Cookie: a=b", "/chat?oauth="),
        ("/" + "a" * 600, "/chat?oauth="),
    ):
        browser.begin(SHOP, return_to=return_to)
        reply = browser.come_back(signed(**browser.query(SHOP)))
        assert reply["headers"]["location"].startswith(start), return_to


async def test_the_tokens_are_stored_sealed_for_this_shop_and_written_down_nowhere(
    browser: Browser, own_db: Database, key_file: Path
) -> None:
    browser.connect(SHOP)
    row = await Integrations(own_db).find(SHOP)
    assert row is not None
    assert row.api_key is not None
    assert row.refresh_token is not None
    assert not [c for c in CANARIES if c in f"{row.api_key} {row.refresh_token}"]
    cipher = TokenCipher(KeyFile(key_file))
    assert await cipher.open(row.api_key, row.merchant_id, "api_key") == CANARIES[0]
    assert await cipher.open(row.refresh_token, row.merchant_id, "refresh_token") == CANARIES[1]
    assert (row.scopes, row.is_active) == (SCOPES, True)
    assert row.expires_at is not None
    logged = browser.functions.close()
    secrets = [*CANARIES, browser.cookie.partition("=")[2], browser.state, "0123456789abcdef"]
    assert "shop connected" in logged
    assert not [secret for secret in secrets if secret in logged]
    dumped = sql("SELECT string_agg(t::text, ' ') FROM web_sessions t")
    stored = (await own_db.row(dumped))[0]
    assert browser.cookie.partition("=")[2] not in stored


def test_a_hand_off_that_fails_is_critical_and_the_merchant_goes_on(browser: Browser) -> None:
    assert browser.connect(SHOP)["oauth"] == "complete"
    logged = [json.loads(line) for line in browser.functions.close().splitlines() if "{" in line]
    (failed,) = [line for line in logged if line.get("message") == "hand-off failed"]
    assert (failed["level"], failed["kind"]) == ("CRITICAL", "ConnectError")
    assert [line["HandOffFailed"] for line in logged if "HandOffFailed" in line] == [[1.0]]


def test_with_postgresql_gone_there_is_a_clear_page_and_nothing_is_sent(
    start: Callable[..., Browser], shopify: Shopify
) -> None:
    browser = start(DATABASE_URL="postgresql://cj_app:secret-word@127.0.0.1:9/cj")
    browser.cookie, browser.state = "cj_session=any", "f" * 64
    for reply in (
        browser.get(INSTALL, f"shop={SHOP}"),
        browser.come_back(signed(**browser.query(SHOP))),
    ):
        assert (reply["statusCode"], reply.get("cookies", [])) == (503, [])
        assert is_safe_page(reply)
        assert int(reply["headers"]["retry-after"]) > 0
        assert "memory" in reply["body"]
    assert shopify.connections == 0
    assert "secret-word" not in browser.functions.close()


def test_with_redis_gone_a_shop_is_connected_all_the_same(start: Callable[..., Browser]) -> None:
    browser = start(REDIS_URL="redis://127.0.0.1:9")
    assert browser.connect(SHOP)["is_new"] == "true"
    assert browser.session()["shop"] == {"domain": SHOP}


def test_a_setting_that_is_missing_is_named_for_the_operator_alone(
    start: Callable[..., Browser],
) -> None:
    browser = start(SHOPIFY_API_SECRET="")
    reply = browser.get(INSTALL, f"shop={SHOP}")
    assert (reply["statusCode"], "SHOPIFY" in reply["body"]) == (500, False)
    assert is_safe_page(reply)
    assert "SHOPIFY_API_SECRET: is not set" in browser.functions.close()


async def test_the_greeting_waits_after_the_hand_off_and_is_made_once(
    browser: Browser, aws: Aws, own_db: Database
) -> None:
    """Nobody runs the worker meanwhile: whether it is late is not the merchant's business."""
    cid = browser.connect(SHOP)["conversation_id"]
    assert aws.events == []
    body = json.dumps({"shop_domain": SHOP, "is_new": True, "conversation_id": cid})
    late = http_event("POST", INITIATE, body=body, caller=CALLER)
    late["requestContext"]["timeEpoch"] -= 60_000
    reply = browser.functions.invoke("session_initiate", late)
    assert reply["statusCode"] == 200
    assert json.loads(reply["body"]) == {"conversation_id": cid, "greeted": False}
    browser.functions.invoke("turn_worker", aws.events[-1])
    again = browser.functions.invoke("session_initiate", late)
    assert json.loads(again["body"])["greeted"] is True
    rows = await own_db.rows(sql("SELECT role, control, text FROM messages ORDER BY seq"))
    assert [(r["role"], r["control"]) for r in rows] == [("system", "trigger"), ("assistant", None)]
    assert not [digit for digit in rows[1]["text"] if digit.isdigit()]
