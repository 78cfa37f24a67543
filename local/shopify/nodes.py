"""A shop's data as GraphQL sees it: nodes as dictionaries."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from local.shopify.clock import iso
from local.shopify.paging import page

if TYPE_CHECKING:
    from local.shopify.store import Customer, LineItem, Order, Product, Store


@dataclass(frozen=True, slots=True)
class Nodes:
    """Of one store. What costs a look through its orders is a function, called if asked for."""

    store: Store

    def order(self, order: Order) -> dict[str, Any]:
        made = iso(order.created_at)
        customer = next((c for c in self.store.customers if c.id == order.customer_id), None)
        return {
            "id": f"gid://shopify/Order/{order.id}",
            "name": order.name,
            "createdAt": made,
            "processedAt": made,
            "cancelledAt": iso(order.cancelled_at) if order.cancelled_at else None,
            "test": order.test,
            "displayFinancialStatus": order.financial_status,
            "displayFulfillmentStatus": order.fulfillment_status,
            "totalPriceSet": _money_bag(order.total, order.currency),
            "currentTotalPriceSet": _money_bag(order.current_total, order.currency),
            "subtotalLineItemsQuantity": sum(line.quantity for line in order.lines),
            "customer": self.customer(customer) if customer else None,
            "lineItems": lambda _, **args: page(order.lines, None, self.line, args),
        }

    def customer(self, customer: Customer) -> dict[str, Any]:
        """Asked for or not: only then are the orders looked through."""

        def spent(_: Any) -> dict[str, Any]:
            orders = self.store.orders_of(customer.id)
            own = [o.current_total for o in orders if o.currency == self.store.currency]
            return _money(sum(own, Decimal("0.00")), self.store.currency)

        return {
            "id": f"gid://shopify/Customer/{customer.id}",
            "displayName": customer.name,
            "numberOfOrders": lambda _: str(len(self.store.orders_of(customer.id))),
            "amountSpent": spent,
        }

    def line(self, line: LineItem) -> dict[str, Any]:
        product = next((p for p in self.store.products if p.id == line.product_id), None)
        return {
            "title": line.title,
            "quantity": line.quantity,
            "currentQuantity": line.current_quantity,
            "product": self.product(product) if product else None,
            "variant": _variant(product) if product else None,
        }

    def product(self, product: Product) -> dict[str, Any]:
        price = _money(product.price, self.store.currency)
        image = {"altText": product.title, "url": product.image}
        preview = {"__typename": "MediaImage", "preview": {"image": image}}
        return {
            "id": f"gid://shopify/Product/{product.id}",
            "title": product.title,
            "status": product.status,
            "totalInventory": product.inventory,
            "tracksInventory": product.tracks_inventory,
            "priceRangeV2": {"minVariantPrice": price, "maxVariantPrice": price},
            "featuredMedia": preview if product.image else None,
        }


def _variant(product: Product) -> dict[str, Any]:
    gid = f"gid://shopify/ProductVariant/{product.id + 1_000_000_000_000}"
    return {"id": gid, "price": str(product.price), "sku": f"SKU-{product.id % 1_000}"}


def _money(amount: Decimal, currency: str) -> dict[str, Any]:
    return {"amount": str(amount), "currencyCode": currency}


def _money_bag(amount: Decimal, currency: str) -> dict[str, Any]:
    return {"shopMoney": _money(amount, currency)}
