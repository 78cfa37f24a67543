"""Shop names: exactly Shopify's, whatever is sent or typed; scopes as a grant covers them."""

import pytest
from cj.domain.shops import missing_scopes, scopes_of, shop_domain, shop_name, typed_shop
from hypothesis import given
from hypothesis import strategies as st

A = "a.myshopify.com"
NO_SHOP = [
    "",
    "a",
    "evil.com",
    "a.myshopify.com.evil.com",
    "a.myshopify.com@evil.com",
    "evil.com/a.myshopify.com",
    "evil.com#.myshopify.com",
    "a.myshopify.com/../",
    "a.myshopify.com%00",
    "a.myshopify.com\x00",
    "a.myshopify.com\n",
    " a.myshopify.com",
    "a.b.myshopify.com",
    "-a.myshopify.com",
    ".myshopify.com",
    "a_b.myshopify.com",
    "ａ.myshopify.com",
    "a.myshopify。com",
    "\u212a.myshopify.com",  # the Kelvin sign, which lowers to k
    "169.254.169.254",
    "169.254.169.254.myshopify.com",
    "http://a.myshopify.com",
    f"{'a' * 61}.myshopify.com",
]


@pytest.mark.parametrize("text", NO_SHOP)
def test_what_is_not_exactly_a_shops_domain_is_none(text: str) -> None:
    assert shop_domain(text) is None


@pytest.mark.parametrize(
    "text", [A, "0-9.myshopify.com", "b-.myshopify.com", f"{'a' * 60}.myshopify.com"]
)
def test_a_shops_domain_is_taken_as_it_is(text: str) -> None:
    assert shop_domain(text) == text


def test_capital_letters_are_lowered() -> None:
    assert shop_domain("A.MyShopify.COM") == A


@given(st.text())
def test_no_text_gets_past_that_could_lead_anywhere_else(text: str) -> None:
    for found in (shop_domain(text), typed_shop(text)):
        assert found is None or (found.isascii() and found.endswith(".myshopify.com"))
        assert found is None or set(found) <= set("abcdefghijklmnopqrstuvwxyz0123456789-.")


@pytest.mark.parametrize(
    "typed",
    [
        "a",
        " A \t",
        "a.myshopify.com",
        "https://a.myshopify.com/",
        "HTTP://A.myshopify.com",
        "https://a.myshopify.com/admin",
        "https://a.myshopify.com/admin/products?sort=title",
        "admin.shopify.com/store/a",
        "https://admin.shopify.com/store/a/",
        "https://admin.shopify.com/store/a/orders/1?b=c",
    ],
)
def test_what_a_person_types_or_pastes_is_understood(typed: str) -> None:
    assert typed_shop(typed) == A


ALSO_TYPED = {"a", f" {A}", f"http://{A}"}


@pytest.mark.parametrize(
    "typed", [*(t for t in NO_SHOP if t not in ALSO_TYPED), "a b", "https://a", f"{A}/evil"]
)
def test_what_means_no_shop_is_asked_for_again(typed: str) -> None:
    assert typed_shop(typed) is None


def test_a_merchants_name_is_the_domain_without_its_end() -> None:
    assert shop_name(A) == "a"


def test_to_write_covers_to_read() -> None:
    assert missing_scopes(["read_orders"], ["write_orders"]) == ()
    asked = ["unauthenticated_read_content"]
    assert missing_scopes(asked, ["unauthenticated_write_content"]) == ()


def test_what_was_not_granted_is_named_in_order() -> None:
    asked = ["read_customers", "read_orders", "write_products"]
    assert missing_scopes(asked, ["read_orders", "read_products"]) == (
        *("read_customers", "write_products"),
    )


def test_scopes_are_read_as_shopify_writes_them() -> None:
    assert scopes_of("read_orders, read_products,,write_x") == (
        *("read_orders", "read_products", "write_x"),
    )
    assert scopes_of("") == ()
