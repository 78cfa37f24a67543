"""A webhook as it arrives: who signed it, what it is about, when it happened."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from cj.domain.signatures import sign_body
from cj.domain.webhooks import Left, Webhook, WebhookRefused, read_webhook

SHOP = "corner-candles.myshopify.com"
SECRET, PREVIOUS = "shpss_new", "shpss_old"
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
HEADERS = {
    "topic": "app/uninstalled",
    "shop-domain": SHOP,
    "webhook-id": "b54557e4-bdd9-4b37-8a5f-bf7d70bcd043",
    "triggered-at": "2026-11-20T18:00:27.877041743Z",
}


def read(
    said: object = None, *, secret: str = SECRET, family: str = "x-shopify-", **changed: str
) -> Webhook:
    body = said if isinstance(said, bytes) else json.dumps({} if said is None else said).encode()
    told = {**HEADERS, "hmac-sha256": sign_body(body, secret)}
    told |= {name.replace("_", "-"): value for name, value in changed.items()}
    headers = {f"{family}{name}": value for name, value in told.items()}
    return read_webhook(body, headers, (SECRET, PREVIOUS), NOW)


@pytest.mark.parametrize("family", ["x-shopify-", "shopify-"])
@pytest.mark.parametrize("secret", [SECRET, PREVIOUS])
def test_either_secret_and_either_family_of_headers_is_good(family: str, secret: str) -> None:
    webhook = read({"myshopify_domain": SHOP}, secret=secret, family=family)
    assert (webhook.topic, webhook.shop) == ("app/uninstalled", SHOP)
    assert webhook.id == HEADERS["webhook-id"]
    assert webhook.triggered_at == datetime(2026, 11, 20, 18, 0, 27, 877041, tzinfo=UTC)


@pytest.mark.parametrize("hmac", ["", "A" * 43 + "=", "x", "é", "0" * 64])
def test_what_nobody_signed_is_refused_unread(hmac: str) -> None:
    for body in (b"{}", b"", b"not JSON"):
        with pytest.raises(WebhookRefused) as refused:
            read(body, hmac_sha256=hmac)
        assert refused.value.status == 401


def test_an_empty_body_is_refused_whoever_signed_it() -> None:
    with pytest.raises(WebhookRefused) as refused:
        read(b"")
    assert refused.value.status == 401


@pytest.mark.parametrize(
    "changed",
    [
        {"topic": ""},
        {"topic": "app uninstalled"},
        {"webhook_id": ""},
        {"webhook_id": "x" * 201},
        {"shop_domain": ""},
        {"shop_domain": "evil.com"},
        {"shop_domain": f"{SHOP}.evil.com"},
    ],
)
def test_a_missing_or_senseless_header_is_refused(changed: dict[str, str]) -> None:
    with pytest.raises(WebhookRefused) as refused:
        read(**changed)
    assert refused.value.status == 401


@pytest.mark.parametrize("name", ["myshopify_domain", "shop_domain"])
def test_a_body_about_another_shop_than_the_header_says_is_refused(name: str) -> None:
    """The headers are not signed: a body caught elsewhere is worth nothing here."""
    with pytest.raises(WebhookRefused):
        read({name: "harbour-coffee.myshopify.com"})


@pytest.mark.parametrize("body", [b"[]", b"null", b'"x"', b"{", b"\xff", b"[" * 100_000])
def test_a_signed_body_that_is_no_object_is_a_bad_request(body: bytes) -> None:
    with pytest.raises(WebhookRefused) as refused:
        read(body)
    assert refused.value.status == 400


def test_a_moment_in_whole_seconds_is_the_last_one_of_its_second() -> None:
    found = read(triggered_at="2026-11-20T18:00:27Z").triggered_at
    assert found == datetime(2026, 11, 20, 18, 0, 27, 999_999, tzinfo=UTC)


@pytest.mark.parametrize("text", ["", "yesterday", "2026-11-20T18:00:27.5"])
def test_without_a_moment_it_is_now(text: str) -> None:
    assert read(triggered_at=text).triggered_at == NOW


@pytest.mark.parametrize(
    "current", [["read_orders", "write_products"], "read_orders, write_products"]
)
def test_changed_scopes_are_read_as_a_list_or_as_a_text(current: object) -> None:
    webhook = read({"current": current}, topic="app/scopes_update")
    assert webhook.facts == {"scopes": "read_orders,write_products"}


def test_of_a_customer_only_the_number_is_kept() -> None:
    customer = {"id": 191167, "email": "john@example.com", "phone": "555-625-1199"}
    said: dict[str, Any] = {"shop_domain": SHOP, "customer": customer, "orders_requested": [1]}
    asked = read({**said, "data_request": {"id": 9999}}, topic="customers/data_request")
    assert asked.facts == {"customer": "gid://shopify/Customer/191167", "request": 9999}
    assert read(said, topic="customers/redact").facts["request"] is None


@pytest.mark.parametrize(
    ("topic", "said"),
    [
        ("app/scopes_update", {}),
        ("app/scopes_update", {"current": 5}),
        ("customers/redact", {}),
        ("customers/redact", {"customer": {"id": "x"}}),
        ("customers/data_request", {"customer": {"id": 1}, "data_request": 5}),
    ],
)
def test_a_body_that_lacks_what_its_topic_needs_is_a_bad_request(topic: str, said: object) -> None:
    with pytest.raises(WebhookRefused) as refused:
        read(said, topic=topic)
    assert refused.value.status == 400


def test_a_topic_nobody_asked_for_is_read_like_any_other() -> None:
    assert read({"id": 1}, topic="orders/create").facts == {}


def test_what_is_left_to_do_is_read_as_it_was_written_down() -> None:
    assert Left.from_json({"shop": SHOP}) == Left(SHOP)
