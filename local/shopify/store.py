"""What a shop has: plain data, to be counted by anybody."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


@dataclass(frozen=True, slots=True)
class Product:
    """With one variant."""

    id: int
    title: str
    price: Decimal
    inventory: int
    tracks_inventory: bool
    status: str
    image: str | None


@dataclass(frozen=True, slots=True)
class Customer:
    id: int
    name: str
    email: str


@dataclass(frozen=True, slots=True)
class LineItem:
    """`current_quantity` is what is left after refunds."""

    title: str
    quantity: int
    current_quantity: int
    price: Decimal
    product_id: int | None  # None: the product is deleted


@dataclass(frozen=True, slots=True)
class Order:
    """`current_total` is net of edits and refunds; `total` is what was ordered."""

    id: int
    name: str
    created_at: datetime
    currency: str  # of the shop at that time
    presentment_currency: str  # what the buyer paid in
    total: Decimal
    current_total: Decimal
    customer_id: int | None  # None: a guest
    financial_status: str
    fulfillment_status: str
    cancelled_at: datetime | None
    test: bool
    lines: tuple[LineItem, ...]

    @property
    def closed(self) -> bool:
        """Archived, as Shopify does by itself once an order is paid and fulfilled."""
        done = self.financial_status == "PAID" and self.fulfillment_status == "FULFILLED"
        return done and self.cancelled_at is None


@dataclass(frozen=True, slots=True)
class Store:
    """Orders come newest first."""

    id: int
    domain: str
    name: str
    currency: str
    timezone: str
    email: str
    created_at: datetime
    products: tuple[Product, ...]
    customers: tuple[Customer, ...]
    other_customers: int  # who never ordered: counted, otherwise unknown
    orders: tuple[Order, ...]

    def orders_of(self, customer_id: int) -> list[Order]:
        """The customer's orders, test orders aside."""
        return [o for o in self.orders if o.customer_id == customer_id and not o.test]

    def changed(self, edits: Mapping[int, Mapping[str, Any]]) -> Store:
        """With these orders as they were changed since."""
        if not edits:
            return self
        orders = [o if o.id not in edits else edited(o, edits[o.id]) for o in self.orders]
        return replace(self, orders=tuple(sorted(orders, key=newest_first)))


def newest_first(order: Order) -> tuple[float, int]:
    return (-order.created_at.timestamp(), -order.id)


def edited(order: Order, edit: Mapping[str, Any]) -> Order:
    """Raises ValueError, which names the field, for what no order can be."""
    unknown = sorted(set(edit) - set(_READ))
    if unknown:
        raise ValueError(f"{unknown[0]} cannot be changed; {', '.join(_READ)} can")
    given: dict[str, Any] = {}
    for name, value in edit.items():
        try:
            given[name] = _READ[name](value)
        except (ArithmeticError, TypeError, ValueError):
            raise ValueError(f"{name} cannot be {value!r}") from None
    return replace(order, **given)


def _moment(value: str) -> datetime:
    moment = datetime.fromisoformat(value)
    if moment.tzinfo is None:
        raise ValueError
    return moment


def _amount(value: str | float) -> Decimal:
    return Decimal(str(value)).quantize(Decimal("0.01"))


def _flag(value: bool) -> bool:
    if not isinstance(value, bool):
        raise TypeError
    return value


_READ: dict[str, Callable[[Any], Any]] = {
    "created_at": _moment,
    "currency": str,
    "total": _amount,
    "current_total": _amount,
    "customer_id": lambda value: None if value is None else int(value),
    "financial_status": str,
    "fulfillment_status": str,
    "cancelled_at": lambda value: None if value is None else _moment(value),
    "test": _flag,
}
