"""The Admin API: who may ask, which version answers, and what is in the answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.shopify_simulator.application import CANDLES, COFFEE, EMPTY, TRAILS

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.shopify_simulator.application import App, Session

    Enter = Callable[..., Awaitable[Session]]

SHOP = "{ shop { name } }"
ORDERS = """
query Orders($first: Int, $after: String, $query: String) {
  orders(first: $first, after: $after, query: $query, sortKey: CREATED_AT, reverse: true) {
    nodes {
      id name createdAt processedAt cancelledAt test
      displayFinancialStatus displayFulfillmentStatus
      totalPriceSet { shopMoney { amount currencyCode } }
      currentTotalPriceSet { shopMoney { amount currencyCode } }
      customer { id numberOfOrders }
      lineItems(first: 3) {
        nodes { title quantity currentQuantity product { id } variant { price sku } }
      }
    }
    pageInfo { hasNextPage endCursor }
  }
}
"""


@pytest.mark.parametrize("token", ["", "shpat_guessed"])
async def test_a_bad_token_is_401_with_a_string_for_errors(app: App, token: str) -> None:
    answer = await app.ask(CANDLES, token, SHOP)
    assert answer.status_code == 401
    assert answer.json() == {
        "errors": "[API] Invalid API key or access token (unrecognized login or wrong password)"
    }


async def test_a_shop_that_is_not_there_is_404(app: App) -> None:
    answer = await app.ask("nobody.myshopify.com", "shpat_x", SHOP)
    assert (answer.status_code, answer.json()) == (404, {"errors": "Not Found"})


@pytest.mark.parametrize(("status", "expected"), [("frozen", 402), ("locked", 423)])
async def test_a_shop_that_is_closed_says_so(
    enter: Enter, app: App, status: str, expected: int
) -> None:
    ask = await enter(CANDLES)
    app.shopify.control.set_status(shop=CANDLES, status=status)
    assert (await app.ask(CANDLES, ask.token, SHOP)).status_code == expected


@pytest.mark.parametrize(
    ("asked", "answers"),
    [
        ("2026-10", "2026-10"),
        ("2026-01", "2026-01"),
        ("2025-01", "2026-01"),
        ("2024-10", "2026-01"),
    ],
)
async def test_an_old_version_falls_forward_and_the_header_tells(
    enter: Enter, app: App, asked: str, answers: str
) -> None:
    ask = await enter(CANDLES)
    answer = await app.ask(CANDLES, ask.token, SHOP, version=asked)
    assert answer.status_code == 200
    assert answer.headers["X-Shopify-API-Version"] == answers
    assert ("X-Shopify-API-Deprecated-Reason" in answer.headers) == (asked != answers)


@pytest.mark.parametrize("asked", ["2027-01", "2026-11", "latest", "2026"])
async def test_a_version_that_never_was_is_404(enter: Enter, app: App, asked: str) -> None:
    ask = await enter(CANDLES)
    assert (await app.ask(CANDLES, ask.token, SHOP, version=asked)).status_code == 404


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"query": 1}', b"[" * 100_000])
async def test_a_body_without_a_query_is_400(enter: Enter, app: App, body: bytes) -> None:
    ask = await enter(CANDLES)
    answer = await app.http.post(
        f"/{CANDLES}/admin/api/2026-10/graphql.json",
        content=body,
        headers={"X-Shopify-Access-Token": ask.token},
    )
    assert answer.status_code == 400


async def test_the_overview_of_before_2025_is_refused_by_name(enter: Enter) -> None:
    ask = await enter(CANDLES)
    told = await ask("{ orders(first: 10) { nodes { customer { id ordersCount } } } }")
    assert "data" not in told
    assert told["errors"][0]["message"] == "Field 'ordersCount' doesn't exist on type 'Customer'"
    assert told["errors"][0]["extensions"]["code"] == "undefinedField"


async def test_a_missing_variable_and_an_unnamed_operation_are_named(enter: Enter) -> None:
    ask = await enter(CANDLES)
    told = await ask("query A($first: Int!) { orders(first: $first) { nodes { id } } }")
    assert "$first" in told["errors"][0]["message"]
    told = await ask("query A { shop { name } } query B { shop { id } }")
    assert "data" not in told


def expected(order: Any, store: Any) -> dict[str, Any]:
    """The node of a seeded order, written down by other code than the simulator's."""

    def money(amount: object) -> dict[str, Any]:
        return {"shopMoney": {"amount": f"{amount}", "currencyCode": order.currency}}

    orders = sum(o.customer_id == order.customer_id and not o.test for o in store.orders)
    products = {p.id: p for p in store.products}
    moment = order.created_at.isoformat().replace("+00:00", "Z")
    return {
        "id": f"gid://shopify/Order/{order.id}",
        "name": order.name,
        "createdAt": moment,
        "processedAt": moment,
        "cancelledAt": order.cancelled_at and order.cancelled_at.isoformat()[:-6] + "Z",
        "test": order.test,
        "displayFinancialStatus": order.financial_status,
        "displayFulfillmentStatus": order.fulfillment_status,
        "totalPriceSet": money(order.total),
        "currentTotalPriceSet": money(order.current_total),
        "customer": order.customer_id
        and {
            "id": f"gid://shopify/Customer/{order.customer_id}",
            "numberOfOrders": str(orders),
        },
        "lineItems": {"nodes": [expected_item(line, products) for line in order.lines[:3]]},
    }


def expected_item(line: Any, products: dict[int, Any]) -> dict[str, Any]:
    product = products.get(line.product_id)
    return {
        "title": line.title,
        "quantity": line.quantity,
        "currentQuantity": line.current_quantity,
        "product": product and {"id": f"gid://shopify/Product/{product.id}"},
        "variant": product and {"price": str(product.price), "sku": f"SKU-{product.id % 1000}"},
    }


@pytest.mark.parametrize("shop", [EMPTY, CANDLES, COFFEE, TRAILS])
async def test_the_newest_orders_are_the_seeded_ones_field_by_field(
    enter: Enter, app: App, shop: str
) -> None:
    ask = await enter(shop)
    store = app.shopify.store(shop)
    orders = (await ask.data(ORDERS, first=20))["orders"]
    newest = sorted(store.orders, key=lambda o: o.created_at, reverse=True)[:20]
    assert orders["nodes"] == [expected(order, store) for order in newest]
    assert orders["pageInfo"]["hasNextPage"] == (len(store.orders) > 20)


async def test_pages_follow_one_another_without_gap_or_repetition(enter: Enter, app: App) -> None:
    ask = await enter(COFFEE, "read_orders,read_all_orders,read_customers,read_products")
    names: list[str] = []
    after = None
    while True:
        page = (await ask.data(ORDERS, first=35, after=after))["orders"]
        names += [node["name"] for node in page["nodes"]]
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break
    assert names == [order.name for order in app.shopify.store(COFFEE).orders]
    assert len(names) == 120


async def test_the_last_ones_before_a_cursor_are_found_from_the_other_end(enter: Enter) -> None:
    ask = await enter(CANDLES)
    query = "query($b: String) { orders(last: 2, before: $b) { nodes { name } } }"
    assert [n["name"] for n in (await ask.data(query))["orders"]["nodes"]] == ["#1007", "#1008"]
    first = await ask.data("{ orders(first: 4) { pageInfo { endCursor } } }")
    before = first["orders"]["pageInfo"]["endCursor"]
    found = (await ask.data(query, b=before))["orders"]["nodes"]
    assert [n["name"] for n in found] == ["#1002", "#1003"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("", "you must provide one of first or last"),
        ("(first: 1, last: 1)", "you must provide one of first or last"),
        ("(first: 251)", "between 1 and 250"),
        ("(first: 0)", "between 1 and 250"),
        ('(first: 1, after: "x")', "Invalid cursor"),
        ('(first: 1, after: "bnVsbA==")', "Invalid cursor"),
        ("(first: 1, sortKey: RELEVANCE)", "cannot sort by RELEVANCE"),
    ],
)
async def test_a_page_that_cannot_be_cut_is_a_bad_request(
    enter: Enter, arguments: str, said: str
) -> None:
    ask = await enter(CANDLES)
    error = (await ask(f"{{ orders{arguments} {{ nodes {{ id }} }} }}"))["errors"][0]
    assert said in error["message"]
    assert error["extensions"]["code"] == "BAD_REQUEST"


async def test_the_best_stocked_products_come_first(enter: Enter, app: App) -> None:
    ask = await enter(COFFEE)
    data = await ask.data(
        '{ products(first: 5, sortKey: INVENTORY_TOTAL, reverse: true, query: "status:active") {'
        " nodes { title totalInventory tracksInventory status"
        " priceRangeV2 { minVariantPrice { amount currencyCode } }"
        " featuredMedia { preview { image { url altText } } } } } }"
    )
    active = [p for p in app.shopify.store(COFFEE).products if p.status == "ACTIVE"]
    best = sorted(active, key=lambda p: (p.inventory, p.id), reverse=True)[:5]
    assert [n["title"] for n in data["products"]["nodes"]] == [p.title for p in best]
    for node, product in zip(data["products"]["nodes"], best, strict=True):
        image = node["featuredMedia"] and node["featuredMedia"]["preview"]["image"]["url"]
        assert image == product.image
        price = {"amount": str(product.price), "currencyCode": "USD"}
        assert node["priceRangeV2"]["minVariantPrice"] == price


async def test_the_shop_and_the_application_describe_themselves(enter: Enter) -> None:
    ask = await enter(TRAILS)
    data = await ask.data(
        "{ shop { name myshopifyDomain ianaTimezone currencyCode email plan { shopifyPlus } }"
        " currentAppInstallation { accessScopes { handle } }"
        " publicApiVersions { handle supported } }"
    )
    assert data["shop"]["myshopifyDomain"] == TRAILS
    assert data["shop"]["ianaTimezone"] == "America/Vancouver"
    assert data["shop"]["plan"]["shopifyPlus"] is True
    handles = [s["handle"] for s in data["currentAppInstallation"]["accessScopes"]]
    assert handles == ["read_customers", "read_orders", "read_products"]
    versions = [v["handle"] for v in data["publicApiVersions"]]
    assert versions == ["2026-01", "2026-04", "2026-07", "2026-10"]


async def test_a_changed_order_is_what_the_api_tells(enter: Enter, app: App) -> None:
    ask = await enter(CANDLES)
    app.shopify.control.change_order(shop=CANDLES, name="#1008", current_total="999.5", test=True)
    node = (await ask.data(ORDERS, first=1))["orders"]["nodes"][0]
    assert node["currentTotalPriceSet"]["shopMoney"]["amount"] == "999.50"
    assert node["test"] is True
