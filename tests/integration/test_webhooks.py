"""The webhook route as API Gateway calls it: who is let in, and what is written down of it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from cj.domain.signatures import sign_body
from cj.shopify.keys import KeyFile

from tests.integration.installing import (
    CANARIES,
    PREVIOUS,
    SECRET,
    Browser,
    Shopify,
    http_event,
    settings,
)
from tests.integration.listening_aws import Functions
from tests.integration.statements import sql
from tests.integration.webhooking import PATH, Sent, dump, everything_in, redacted, uninstalled

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from cj.store import Database

    from tests.conftest import Database as OwnDatabase
    from tests.integration.listening_aws import Aws

SHOP = "corner-candles.myshopify.com"


@pytest.fixture
def shopify() -> Iterator[Shopify]:
    with Shopify() as running:
        yield running


@pytest.fixture
def start(
    environ: dict[str, str], shopify: Shopify, tmp_path: Path
) -> Iterator[Callable[..., Functions]]:
    key_file = KeyFile.create(tmp_path / "keys.json").path
    started: list[Functions] = []

    def functions(**changed: str) -> Functions:
        started.append(Functions({**environ, **settings(shopify.url, key_file), **changed}))
        return started[-1]

    yield functions
    for running in started:
        running.close()


@pytest.fixture
def functions(start: Callable[..., Functions]) -> Functions:
    return start()


def receive(functions: Functions, event: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    reply = functions.invoke("shopify_webhooks", event)
    return reply["statusCode"], json.loads(reply["body"])


def outcome(functions: Functions, sent: Sent, **how: Any) -> str:
    status, said = receive(functions, sent.event(**how))
    assert status == 200, said
    return str(said["outcome"])


def logged(functions: Functions) -> list[dict[str, Any]]:
    return [json.loads(line) for line in functions.close().splitlines() if line.startswith("{")]


async def test_an_uninstall_closes_the_sockets_and_ends_the_session(
    functions: Functions, aws: Aws, own_db: Database
) -> None:
    browser = Browser(functions)
    browser.connect(SHOP)
    context = {"connectionId": "c1=", "requestId": "s", "identity": {"sourceIp": "192.0.2.1"}}
    headers = {"Cookie": browser.cookie, "Origin": "http://127.0.0.1:8000"}
    opened = functions.invoke("ws_connect", {"requestContext": context, "headers": headers})
    assert opened["statusCode"] == 200
    assert outcome(functions, uninstalled(SHOP)) == "done"
    assert aws.closed == ["c1="]
    assert browser.get("/api/v1/conversations", "", "api")["statusCode"] == 401
    row = await own_db.row(sql("SELECT api_key, is_active FROM merchant_integrations"))
    assert row is not None
    assert (row["api_key"], row["is_active"]) == (None, False)


def test_every_way_a_body_may_arrive_is_understood(functions: Functions) -> None:
    sent = uninstalled(SHOP)
    assert outcome(functions, sent, encoded=True) == "unknown_shop"
    for family, secret in (("x-shopify-", PREVIOUS), ("shopify-", SECRET)):
        event = Sent("app/uninstalled", SHOP, {"name": "Bougies & Café ☕"}).event()
        told = {k: v for k, v in event["headers"].items() if not k.startswith("x-shopify-")}
        body = event["body"].encode()
        sent = Sent("app/uninstalled", SHOP)
        told |= sent.headers(secret, family) | {f"{family}hmac-sha256": sign_body(body, secret)}
        assert receive(functions, {**event, "headers": told})[0] == 200


async def test_what_is_not_from_shopify_is_refused_counted_and_changes_nothing(
    functions: Functions, own_db: Database
) -> None:
    browser = Browser(functions)
    browser.connect(SHOP)
    cookie = browser.cookie.partition("=")[2]
    sent = uninstalled(SHOP)
    empty = http_event("POST", PATH)
    empty["headers"] |= {**sent.headers(), "x-shopify-hmac-sha256": sign_body(b"", SECRET)}
    refused = [
        sent.event({"x-shopify-hmac-sha256": sign_body(sent.body, "another-secret")}),
        sent.event({"x-shopify-hmac-sha256": sign_body(sent.body + b" ", SECRET)}),
        sent.event({"x-shopify-hmac-sha256": cookie}),
        sent.event({"x-shopify-hmac-sha256": sign_body(cookie.encode(), SECRET)}),
        sent.event({"x-shopify-hmac-sha256": ""}),
        sent.event({"x-shopify-topic": ""}),
        sent.event({"x-shopify-webhook-id": ""}),
        sent.event({"x-shopify-shop-domain": "evil.com"}),
        sent.event({"x-shopify-shop-domain": "harbour-coffee.myshopify.com"}),
        empty,
    ]
    for event in refused:
        status, said = receive(functions, {**event, "cookies": [browser.cookie]})
        assert (status, said["error"]["code"]) == (401, "webhook_refused")
    assert browser.session()["shop"] == {"domain": SHOP}
    rows = await own_db.row(sql("SELECT count(*) FROM webhook_deliveries"))
    assert rows is not None
    assert rows[0] == 0
    counted = [line["WebhooksRefused"] for line in logged(functions) if "WebhooksRefused" in line]
    assert counted == [[1.0]] * len(refused)


def test_a_topic_nobody_asked_for_is_taken_and_told_of(functions: Functions) -> None:
    assert outcome(functions, Sent("orders/create", SHOP, {"id": 1})) == "unknown_topic"
    lines = [line for line in logged(functions) if line["message"] == "a webhook nobody asked for"]
    assert [(line["level"], line["kind"]) for line in lines] == [("WARNING", "orders/create")]


def test_with_postgresql_away_shopify_is_asked_to_come_again(
    start: Callable[..., Functions],
) -> None:
    functions = start(DATABASE_URL="postgresql://cj_app:secret-word@127.0.0.1:9/cj")
    reply = functions.invoke("shopify_webhooks", uninstalled(SHOP).event())
    assert reply["statusCode"] == 503
    assert int(reply["headers"]["retry-after"]) > 0
    assert "secret-word" not in functions.close()


def test_with_redis_away_the_effect_is_there_and_the_rest_is_written_down(
    start: Callable[..., Functions],
) -> None:
    functions = start(REDIS_URL="redis://127.0.0.1:9")
    browser = Browser(functions)
    browser.connect(SHOP)
    assert outcome(functions, uninstalled(SHOP)) == "done"
    assert browser.get("/api/v1/conversations", "", "api")["statusCode"] == 401
    assert [
        line["WebhooksUnfinished"] for line in logged(functions) if "WebhooksUnfinished" in line
    ]


async def test_from_the_installation_to_the_last_trace_no_token_is_anywhere(
    functions: Functions, database: OwnDatabase, redis_url: str
) -> None:
    browser = Browser(functions)
    browser.connect(SHOP)
    held = await dump(database.owner_url) + await everything_in(redis_url)
    assert SHOP in held
    customer = {"customer": {"id": 7, "email": "john@example.com", "phone": "+1 555 0100"}}
    for sent in (
        Sent("app/scopes_update", SHOP, {"current": ["read_orders"]}),
        Sent("customers/data_request", SHOP, {**customer, "data_request": {"id": 1}}),
        Sent("customers/redact", SHOP, customer),
        uninstalled(SHOP),
    ):
        assert outcome(functions, sent) == "done"
    held += await dump(database.owner_url) + await everything_in(redis_url)
    assert outcome(functions, redacted(SHOP)) == "done"
    after = await dump(database.owner_url) + await everything_in(redis_url)
    assert "corner-candles" not in after
    lines = functions.close()
    for secret in (*CANARIES, SECRET, PREVIOUS, "john@example.com", "555 0100"):
        assert secret not in held + after + lines, secret
