"""Webhooks as they arrive: signed, repeated, late, and in both families of headers."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from local.shopify.webhooks import RETRY_S
from tests.shopify_simulator.application import CANDLES, EMPTY, NOON, until

if TYPE_CHECKING:
    from tests.shopify_simulator.application import App, Inbox, Wall

TRIGGERED = datetime.fromtimestamp(NOON, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


async def test_an_uninstall_is_told_with_a_signature_over_the_raw_body(
    sending: App, inbox: Inbox
) -> None:
    await sending.install(CANDLES)
    sending.shopify.control.uninstall(shop=CANDLES)
    await sending.shopify.webhooks.settled()
    ((headers, body),) = inbox.received
    secret = sending.shopify.api_secret.encode()
    signed = base64.b64encode(hmac.new(secret, body, hashlib.sha256).digest()).decode()
    assert headers["x-shopify-hmac-sha256"] == signed
    assert headers["x-shopify-topic"] == "app/uninstalled"
    assert headers["x-shopify-shop-domain"] == CANDLES
    assert headers["x-shopify-api-version"] == "2026-10"
    assert headers["x-shopify-triggered-at"] == TRIGGERED
    assert headers["x-shopify-webhook-id"] != headers["x-shopify-event-id"]
    assert json.loads(body)["myshopify_domain"] == CANDLES


@pytest.mark.parametrize(
    ("family", "prefixes"),
    [
        ("x-shopify", {"x-shopify-"}),
        ("shopify", {"shopify-"}),
        ("both", {"x-shopify-", "shopify-"}),
    ],
)
async def test_both_families_of_headers_can_be_had(
    sending: App, inbox: Inbox, family: str, prefixes: set[str]
) -> None:
    sending.shopify.control.do("webhook_delivery", {"family": family})
    sending.shopify.control.redact_shop(shop=CANDLES)
    await sending.shopify.webhooks.settled()
    headers, _ = inbox.received[0]
    names = ["topic", "hmac-sha256", "shop-domain", "api-version", "webhook-id", "triggered-at"]
    there = {p for p in ("x-shopify-", "shopify-") if all(f"{p}{n}" in headers for n in names)}
    assert there == prefixes


async def test_the_privacy_requests_carry_shopify_s_fields(sending: App, inbox: Inbox) -> None:
    control, store = sending.shopify.control, sending.shopify.store(CANDLES)
    control.request_customer_data(shop=CANDLES)
    control.redact_customer(shop=CANDLES)
    control.redact_shop(shop=CANDLES)
    control.redact_customer(shop=EMPTY)
    await sending.shopify.webhooks.settled()
    asked, customer, shop, nobody = [json.loads(body) for _, body in inbox.received]
    assert inbox.topics()[:3] == ["customers/data_request", "customers/redact", "shop/redact"]
    assert shop == {"shop_id": store.id, "shop_domain": CANDLES}
    orders = [o.id for o in store.orders if o.customer_id == customer["customer"]["id"]]
    assert orders
    assert customer["orders_to_redact"] == asked["orders_requested"] == orders
    assert set(asked) == {"shop_id", "shop_domain", "customer", "orders_requested", "data_request"}
    assert nobody["orders_to_redact"] == []


async def test_changed_scopes_are_told_with_those_before(sending: App, inbox: Inbox) -> None:
    await sending.install(CANDLES)
    sending.shopify.control.set_scopes(shop=CANDLES, scopes=["read_products"])
    await sending.shopify.webhooks.settled()
    body = json.loads(inbox.received[0][1])
    assert body["previous"] == ["read_customers", "read_orders", "read_products"]
    assert body["current"] == ["read_products"]


async def test_a_failure_is_tried_again_eight_times_within_four_hours(
    sending: App, inbox: Inbox
) -> None:
    assert sum(RETRY_S) == 4 * 3_600
    inbox.answers = [500] * 9
    sending.shopify.control.redact_shop(shop=CANDLES)
    await sending.shopify.webhooks.settled()
    for tried, wait in enumerate(RETRY_S, 1):
        assert len(inbox.received) == tried
        sending.shopify.control.move_clock(s=wait - 1)
        await sending.shopify.webhooks.settled()
        assert len(inbox.received) == tried
        sending.shopify.control.move_clock(s=1)
        await sending.shopify.webhooks.settled()
    sending.shopify.control.move_clock(days=1)
    await sending.shopify.webhooks.settled()
    assert len(inbox.received) == 9
    assert len({(h["x-shopify-webhook-id"], body) for h, body in inbox.received}) == 1


async def test_one_that_is_accepted_in_the_end_is_not_sent_again(
    sending: App, inbox: Inbox
) -> None:
    inbox.answers = [302, 200]
    sending.shopify.control.redact_shop(shop=CANDLES)
    await sending.shopify.webhooks.settled()
    sending.shopify.control.move_clock(hours=5)
    await sending.shopify.webhooks.settled()
    assert [a.status for a in sending.shopify.webhooks.attempts] == [302, 200]
    assert not sending.shopify.world.memory.deliveries


async def test_a_duplicate_has_the_same_id(sending: App, inbox: Inbox) -> None:
    sending.shopify.control.webhook_delivery(copies=2)
    sending.shopify.control.redact_shop(shop=CANDLES)
    await sending.shopify.webhooks.settled()
    one, other = [headers["x-shopify-webhook-id"] for headers, _ in inbox.received]
    assert one == other


async def test_one_that_was_held_back_arrives_after_the_next_installation(
    sending: App, inbox: Inbox, wall: Wall
) -> None:
    await sending.install(CANDLES)
    sending.shopify.control.webhook_delivery(hold=True)
    sending.shopify.control.uninstall(shop=CANDLES)
    await sending.shopify.webhooks.settled()
    assert not inbox.received
    wall.at += 60
    await sending.install(CANDLES)
    sending.shopify.control.release_webhooks()
    await sending.shopify.webhooks.settled()
    assert inbox.topics() == ["app/uninstalled"]
    assert inbox.received[0][0]["x-shopify-triggered-at"] == TRIGGERED


async def test_two_days_after_an_uninstall_the_shop_is_to_be_forgotten(
    sending: App, inbox: Inbox
) -> None:
    await sending.install(CANDLES)
    sending.shopify.control.uninstall(shop=CANDLES)
    sending.shopify.control.move_clock(hours=47)
    await sending.shopify.webhooks.settled()
    assert inbox.topics() == ["app/uninstalled"]
    sending.shopify.control.move_clock(hours=1)
    await sending.shopify.webhooks.settled()
    assert inbox.topics() == ["app/uninstalled", "shop/redact"]


async def test_a_shop_that_came_back_is_not_to_be_forgotten(sending: App, inbox: Inbox) -> None:
    await sending.install(CANDLES)
    sending.shopify.control.uninstall(shop=CANDLES)
    await sending.install(CANDLES)
    sending.shopify.control.move_clock(days=3)
    await sending.shopify.webhooks.settled()
    assert inbox.topics() == ["app/uninstalled"]


async def test_a_clock_that_walks_by_itself_is_noticed(
    sending: App, inbox: Inbox, wall: Wall
) -> None:
    inbox.answers = [500]
    sending.shopify.control.redact_shop(shop=CANDLES)
    await sending.shopify.webhooks.settled()
    wall.at += RETRY_S[0]
    await until(lambda: len(inbox.received) == 2)
