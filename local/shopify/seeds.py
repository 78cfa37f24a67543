"""The seeded shops: the same data for the same domain and moment, on every machine.

    stores(anchor)["corner-candles.myshopify.com"].orders    # newest first, all of them

Tests count from here what the application should have found.
"""

from __future__ import annotations

import math
import random
import zlib
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, TypeVar

from local.shopify.store import Customer, LineItem, Order, Product, Store

if TYPE_CHECKING:
    from collections.abc import Sequence

_T = TypeVar("_T")
_CENT = Decimal("0.01")
_NOTHING = Decimal("0.00")
_FIRST_NAMES = ("Ada", "Bo", "Chidi", "Dana", "Emre", "Fatima", "Goran", "Hana", "Ines", "Jonas")
_LAST_NAMES = ("Abara", "Berg", "Costa", "Dufour", "Endo", "Farah", "Garcia", "Holm", "Ito")
_ADJECTIVES = ("Amber", "Birch", "Cedar", "Dune", "Ember", "Fjord", "Golden", "Harvest")


@dataclass(frozen=True, slots=True)
class Recipe:
    """What kind of shop."""

    name: str
    orders: int
    days: float  # since the oldest order
    customers: int
    other_customers: int
    products: int
    things: tuple[str, ...]
    currency: str = "USD"
    currency_before: tuple[str, float] | None = None  # which, and until how many days ago
    timezone: str = "America/New_York"
    plan: str = "basic"


RECIPES = {
    "empty-shelf.myshopify.com": Recipe("Empty Shelf", 0, 0, 0, 0, 2, ("Notebook", "Pencil")),
    "corner-candles.myshopify.com": Recipe(
        "Corner Candles", 8, 12, 5, 2, 6, ("Candle", "Wick", "Holder"), "EUR", None, "Europe/Berlin"
    ),
    "harbour-coffee.myshopify.com": Recipe(
        "Harbour Coffee",
        orders=120,
        days=75,
        customers=45,
        other_customers=130,
        products=14,
        things=("Beans", "Filter", "Mug", "Grinder"),
        currency_before=("CAD", 5),
        plan="advanced",
    ),
    "northern-trails.myshopify.com": Recipe(
        "Northern Trails",
        orders=1500,
        days=100,
        customers=600,
        other_customers=12_400,
        products=80,
        things=("Tent", "Boots", "Jacket", "Stove", "Pack"),
        timezone="America/Vancouver",
        plan="plus",
    ),
}


def stores(anchor: datetime) -> dict[str, Store]:
    """Every seeded shop as it is at this moment; orders lie before it."""
    return {domain: store(domain, recipe, anchor) for domain, recipe in RECIPES.items()}


def store(domain: str, recipe: Recipe, anchor: datetime, name: str = "") -> Store:
    """Another domain has other figures of the same kind."""
    rng = random.Random(f"1:{domain}")  # noqa: S311 - it has to be the same every time
    base = (zlib.crc32(domain.encode()) % 900_000 + 100_000) * 1_000_000
    products = tuple(_product(rng, recipe, base, i) for i in range(recipe.products))
    customers = tuple(_customer(rng, base, i) for i in range(recipe.customers))
    return Store(
        id=base // 1_000,
        domain=domain,
        name=name or recipe.name,
        currency=recipe.currency,
        timezone=recipe.timezone,
        email=f"owner@{domain.partition('.')[0]}.example",
        created_at=anchor - timedelta(days=recipe.days + 30),
        products=products,
        customers=customers,
        other_customers=recipe.other_customers,
        orders=tuple(_orders(rng, recipe, base, products, customers, anchor)),
    )


def _pick(rng: random.Random, choices: Sequence[_T]) -> _T:
    """The first ones more often."""
    return choices[int(len(choices) * _lean(rng.random()))]


def _lean(u: float) -> float:
    """Towards 0. Roots and products are the same to the last bit on every machine, as random()
    is in every version of Python; powers are not.
    """
    return u * math.sqrt(u)


def _small(rng: random.Random, below: float) -> int:
    """Mostly near 0."""
    u = rng.random()
    return int(below * u * u)


def _product(rng: random.Random, recipe: Recipe, base: int, i: int) -> Product:
    title = f"{_ADJECTIVES[i % len(_ADJECTIVES)]} {recipe.things[i % len(recipe.things)]}"
    again = i // len(_ADJECTIVES)
    slug = title.lower().replace(" ", "-")
    return Product(
        id=base + 100_000 + i,
        title=f"{title} No. {again + 1}" if again else title,
        price=(500 + _small(rng, 9_500)) * _CENT,
        inventory=_small(rng, 200),
        tracks_inventory=i % 7 != 3,
        status="DRAFT" if i % 11 == 10 else "ACTIVE",
        image=None if i % 5 == 4 else f"https://cdn.shopify.com/s/files/{slug}.jpg",
    )


def _customer(rng: random.Random, base: int, i: int) -> Customer:
    first, last = _pick(rng, _FIRST_NAMES), _pick(rng, _LAST_NAMES)
    email = f"{first}.{last}.{i}@buyers.example".lower()
    return Customer(base + 300_000 + i, f"{first} {last}", email)


def _orders(
    rng: random.Random,
    recipe: Recipe,
    base: int,
    products: Sequence[Product],
    customers: Sequence[Customer],
    anchor: datetime,
) -> list[Order]:
    """Denser towards now. Eight in a row hold one of each kind that a careless sum trips over."""
    orders = []
    for i in range(recipe.orders):
        days = recipe.days * _lean((i + rng.random()) / recipe.orders)
        created_at = anchor - timedelta(seconds=int(days * 86_400) + 60)
        number = 1_000 + recipe.orders - i
        fate = _fate(i)
        lines = _lines(rng, products)
        if fate == "PARTIALLY_REFUNDED":  # one piece goes back, another stays
            lines = (*lines[:-1], replace(lines[-1], quantity=2, current_quantity=2))
        left = _left(lines, fate)
        orders.append(
            Order(
                id=base + 500_000 + number,
                name=f"#{number}",
                created_at=created_at,
                currency=_currency(recipe, days),
                presentment_currency="GBP" if i % 12 == 4 else _currency(recipe, days),
                total=_sum(lines, "quantity"),
                current_total=_sum(left, "current_quantity"),
                customer_id=None if i % 8 == 2 else _pick(rng, customers).id,
                financial_status=fate,
                fulfillment_status="FULFILLED" if days > 3 and fate == "PAID" else "UNFULFILLED",
                cancelled_at=created_at + timedelta(seconds=30) if fate == "VOIDED" else None,
                test=i % 30 == 7,
                lines=left,
            )
        )
    return orders


def _lines(rng: random.Random, products: Sequence[Product]) -> tuple[LineItem, ...]:
    lines = {}
    for _ in range(1 + _small(rng, 3)):
        product = _pick(rng, products)
        quantity = 1 + _small(rng, 3)
        lines[product.id] = LineItem(product.title, quantity, quantity, product.price, product.id)
    if rng.random() < 0.05:
        lines[0] = LineItem("Discontinued sampler", 1, 1, Decimal("12.00"), None)
    return tuple(lines.values())


def _fate(i: int) -> str:
    """An order's financial status; VOIDED is a cancelled one."""
    for every, at, status in (
        (25, 5, "VOIDED"),
        (20, 3, "PARTIALLY_REFUNDED"),
        (40, 6, "REFUNDED"),
        (9, 1, "PENDING"),
    ):
        if i % every == at:
            return status
    return "PAID"


def _left(lines: tuple[LineItem, ...], fate: str) -> tuple[LineItem, ...]:
    """What is not refunded or cancelled: a partial refund takes one piece of the last line."""
    if fate in ("VOIDED", "REFUNDED"):
        return tuple(replace(line, current_quantity=0) for line in lines)
    if fate == "PARTIALLY_REFUNDED":
        last = lines[-1]
        return (*lines[:-1], replace(last, current_quantity=last.quantity - 1))
    return lines


def _sum(lines: Sequence[LineItem], what: str) -> Decimal:
    return sum((getattr(line, what) * line.price for line in lines), _NOTHING)


def _currency(recipe: Recipe, days: float) -> str:
    """Orders keep the currency their shop had; a shop that changed it has both."""
    if recipe.currency_before and days > recipe.currency_before[1]:
        return recipe.currency_before[0]
    return recipe.currency
