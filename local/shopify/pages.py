"""The pages a person meets on the way into a shop: consent, and what went wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from local.shopify.html import document, el

if TYPE_CHECKING:
    from starlette.responses import Response

    from local.shopify.html import Markup
    from local.shopify.oauth import Asked
    from local.shopify.world import Shop

_WORDS = {
    "read_customers": "View customers",
    "read_orders": "View orders of the last 60 days",
    "read_all_orders": "View all orders, however old",
    "read_products": "View products",
}


def banner() -> Markup:
    """On every page: nobody shall take this for the real one."""
    return el(
        "p",
        el("strong", "Simulated Shopify"),
        ": runs on this computer only. No shop, order or merchant here is real.",
        class_="banner",
    )


def consent(asked: Asked, ticket: str) -> Response:
    """Approve or cancel. The application's address may be reached from here, and no other."""
    target = urlsplit(asked.redirect_uri)
    origin = f"{target.scheme}://{target.netloc}"
    scopes = [el("li", _WORDS.get(scope, scope)) for scope in asked.scopes]
    return document(
        f"Install app · {asked.shop.name}",
        banner(),
        el(
            "section",
            el("p", asked.shop.domain, class_="quiet"),
            el("h1", f"Install CJ in {asked.shop.name}?"),
            el("p", "The app at ", el("code", origin), " will be able to:"),
            el("ul", *scopes, class_="scopes"),
            el(
                "form",
                el("input", type="hidden", name="ticket", value=ticket),
                el("button", "Install app", name="decision", value="approve", class_="main"),
                el("button", "Cancel", name="decision", value="deny"),
                method="post",
                action=f"/{asked.shop.domain}/admin/oauth/authorize",
                class_="row",
            ),
            class_="card narrow",
        ),
        form_targets=origin,
    )


def refused(shop: Shop, why: str) -> Response:
    """400, as Shopify answers a request for access that is not right."""
    return _message(f"{shop.name} was not asked", why, 400)


def cancelled(shop: Shop) -> Response:
    """The merchant is back in the shop; the application hears nothing of it."""
    return _message("Nothing was installed", f"{shop.name} has not let the app in.", 200)


def no_shop(domain: str) -> Response:
    return _message(
        "This shop is not there",
        f"Shopify has no shop {domain[:100]}. These pages list the shops there are, and add more.",
        404,
    )


def failed(why: str) -> Response:
    return _message("That was not possible", why, 400)


def _message(title: str, text: str, status: int) -> Response:
    return document(
        title,
        banner(),
        el(
            "section",
            el("h1", title),
            el("p", text),
            el("p", el("a", "All shops", href="/")),
            class_="card narrow",
        ),
        status=status,
    )
