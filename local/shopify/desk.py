"""The pages on which a person runs the simulated Shopify: shops, clock, faults, webhooks."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from starlette.responses import RedirectResponse

from local.shopify.clock import iso
from local.shopify.control import ControlRefused
from local.shopify.faults import KINDS
from local.shopify.html import document, el, form, joined
from local.shopify.oauth import form_of
from local.shopify.pages import banner, failed
from local.shopify.seeds import RECIPES
from local.shopify.shop_page import installed, orders_table, settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request
    from starlette.responses import Response

    from local.shopify.control import Control
    from local.shopify.html import Markup
    from local.shopify.world import Shop

_SHOWN = 10
_MOVES: dict[str, dict[str, Any]] = {
    "10 minutes": {"minutes": 10},
    "1 hour": {"hours": 1},
    "1 day": {"days": 1},
    "60 days": {"days": 60},
}


@dataclass(frozen=True, slots=True)
class Desk:
    """`install_url` is the application's; it starts an installation."""

    control: Control
    install_url: str

    async def home(self, _: Request) -> Response:
        shops = self.control.world.memory.shops.values()
        return document(
            "Simulated Shopify",
            banner(),
            el("h1", "Shops"),
            el("section", self._shops(list(shops)), _add_shop(), class_="card"),
            el("div", self._clock(), self._faults(), self._webhooks(), class_="grid"),
            self._deliveries(),
        )

    async def shop(self, request: Request) -> Response:
        world = self.control.world
        shop = world.shop(request.path_params["shop"])
        orders = world.store(shop.domain).orders[:_SHOWN]
        return document(
            f"{shop.name} · Simulated Shopify",
            banner(),
            el("p", el("a", "All shops", href="/")),
            el("h1", shop.name),
            el("div", self._app(shop), settings(shop), class_="grid"),
            el("h1", "Newest orders"),
            el("section", orders_table(shop, list(orders)), class_="card"),
        )

    async def act(self, request: Request) -> Response:
        """A button was pressed."""
        form = await form_of(request)
        back = form.pop("back", "/")
        try:
            self.control.do(request.path_params["verb"], _typed(form))
        except ControlRefused as error:
            return failed(str(error))
        own = back if back.startswith("/shops/") and "\\" not in back else "/"
        return RedirectResponse(own, 303)

    def _shops(self, shops: list[Shop]) -> Markup:
        head = [el("th", text) for text in ("Shop", "", "Orders", "Plan", "App", "")]
        rows = [
            el(
                "tr",
                el("td", el("a", shop.name, href=f"/shops/{shop.domain}")),
                el("td", el("code", shop.domain)),
                el("td", str(RECIPES[shop.like].orders), class_="number"),
                el("td", shop.plan),
                el("td", installed(shop)),
                el("td", self._install(shop)),
            )
            for shop in shops
        ]
        return el("table", el("thead", el("tr", *head)), el("tbody", *rows))

    def _install(self, shop: Shop) -> Markup:
        address = f"{self.install_url}?{urlencode({'shop': shop.domain})}"
        again = "Open app" if shop.installed else "Install app"
        return el("a", again, href=address, class_="button" if shop.installed else "button main")

    def _app(self, shop: Shop) -> Markup:
        """What its owner can do with the application."""
        here = f"/shops/{shop.domain}"
        scopes = el("input", name="scopes", value=",".join(shop.scopes), aria_label="Scopes")
        buttons = [
            form(verb, el("button", text), back=here, shop=shop.domain)
            for verb, text in (
                ("request_customer_data", "Request a customer's data"),
                ("redact_customer", "Redact a customer"),
                ("redact_shop", "Redact the shop"),
            )
        ]
        while_installed = joined(
            form("set_scopes", scopes, el("button", "Change scopes"), back=here, shop=shop.domain),
            form("uninstall", el("button", "Uninstall"), back=here, shop=shop.domain),
        )
        return el(
            "section",
            el("h2", "App"),
            el("p", installed(shop), " · ", self._install(shop)),
            while_installed if shop.installed else None,
            el("div", *buttons, class_="row"),
            class_="card",
        )

    def _clock(self) -> Markup:
        clock = self.control.world.clock
        moved = f"{clock.offset_s / 3_600:+.1f} h" if clock.offset_s else "not moved"
        moves = [
            form("move_clock", el("button", f"+ {text}"), **step) for text, step in _MOVES.items()
        ]
        return el(
            "section",
            el("h2", "Clock"),
            el("p", iso(clock.today()), " ", el("span", moved, class_="quiet")),
            el("div", *moves, form("reset_clock", el("button", "Reset")), class_="row"),
            class_="card",
        )

    def _faults(self) -> Markup:
        on = self.control.world.faults.switched_on
        listed = [
            el("li", f"{f.kind} on {f.on}, {'until cleared' if f.times is None else f.times}")
            for f in on
        ]
        choices = [
            el("option", f"{kind} on {place}: {what}", value=f"{kind}/{place}")
            for kind, (places, what) in KINDS.items()
            for place in places
        ]
        return el(
            "section",
            el("h2", "Faults"),
            el("ul", *listed) if listed else el("p", "Everything works.", class_="quiet"),
            form(
                "add_fault",
                el("select", *choices, name="fault", aria_label="Fault"),
                el("input", type="number", name="times", value=1, min=1, aria_label="Times"),
                el("button", "Switch on"),
            ),
            form("clear_faults", el("button", "Clear all")) if on else None,
            class_="card",
        )

    def _webhooks(self) -> Markup:
        sent = self.control.webhooks
        families = [
            el("option", family, selected=family == sent.family)
            for family in ("x-shopify", "shopify", "both")
        ]
        return el(
            "section",
            el("h2", "Webhooks"),
            form(
                "webhook_delivery",
                el("select", *families, name="family", aria_label="Header family"),
                el("label", _check("hold", sent.holding), " hold back"),
                el("label", "copies ", _number("copies", sent.copies)),
                el("button", "Apply"),
            ),
            form("release_webhooks", el("button", "Send what is held back")),
            class_="card",
        )

    def _deliveries(self) -> Markup | None:
        waiting = [
            (d.topic, d.shop, "held back" if d.held else f"due {_at(d.due_at)}, try {d.tries + 1}")
            for d in self.control.world.memory.deliveries
        ]
        sent = [
            (a.topic, a.shop, f"{a.status or 'no answer'} at {a.at}")
            for a in list(self.control.webhooks.attempts)[: -_SHOWN - 1 : -1]
        ]
        if not waiting and not sent:
            return None
        rows = [el("tr", *(el("td", text) for text in row)) for row in waiting + sent]
        return joined(el("h1", "Deliveries"), el("section", el("table", *rows), class_="card"))


def _add_shop() -> Markup:
    kinds = [
        el("option", f"like {recipe.name} ({recipe.orders} orders)", value=domain)
        for domain, recipe in RECIPES.items()
    ]
    return form(
        "add_shop",
        el("input", name="shop", placeholder="name.myshopify.com", aria_label="New shop"),
        el("select", *kinds, name="like", aria_label="Kind of shop"),
        el("button", "Add shop"),
    )


def _check(name: str, on: bool) -> Markup:
    return el("input", type="checkbox", name=name, value="on", checked=on)


def _number(name: str, value: int) -> Markup:
    return el("input", type="number", name=name, value=value, min=1, max=10)


def _at(moment: float) -> str:
    return iso(datetime.fromtimestamp(moment, UTC))


_TYPES: dict[str, Callable[[str], Any]] = {
    "days": float,
    "hours": float,
    "minutes": float,
    "times": int,
    "copies": int,
    "hold": bool,
    "scopes": lambda text: [scope.strip() for scope in text.split(",") if scope.strip()],
}


def _typed(form_: dict[str, str]) -> dict[str, Any]:
    """A form knows only text. Raises ControlRefused for what is no number."""
    if "fault" in form_:
        kind, _, on = form_.pop("fault").partition("/")
        form_ |= {"kind": kind, "on": on}
    try:
        return {name: _TYPES.get(name, str)(text) for name, text in form_.items()}
    except ValueError:
        raise ControlRefused("a number was expected") from None
