"""`QueryRoot`: what a shop answers, within what this application may see of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from local.shopify.clock import iso
from local.shopify.nodes import Nodes
from local.shopify.paging import bad_request, page
from local.shopify.search import Search, SearchUnsupported
from local.shopify.search_fields import ORDERS, OTHER_ORDERS, OTHER_PRODUCTS, PRODUCTS
from local.shopify.versions import supported

if TYPE_CHECKING:
    from collections.abc import Callable

    from local.shopify.search import Fields
    from local.shopify.store import Order, Product, Store
    from local.shopify.world import Shop

_VISIBLE = timedelta(days=60)
_PLANS = {"basic": "Basic", "advanced": "Advanced", "plus": "Shopify Plus", "enterprise": "Plus"}
_ORDER_KEYS: dict[str, Callable[[Order], Any]] = {
    "CREATED_AT": lambda o: o.created_at,
    "PROCESSED_AT": lambda o: o.created_at,
    "UPDATED_AT": lambda o: o.created_at,
    "ID": lambda o: o.id,
    "ORDER_NUMBER": lambda o: o.id,
    "TOTAL_PRICE": lambda o: o.total,
    "CURRENT_TOTAL_PRICE": lambda o: o.current_total,
    "FINANCIAL_STATUS": lambda o: o.financial_status,
    "FULFILLMENT_STATUS": lambda o: o.fulfillment_status,
}
_PRODUCT_KEYS: dict[str, Callable[[Product], Any]] = {
    "ID": lambda p: p.id,
    "CREATED_AT": lambda p: p.id,
    "TITLE": lambda p: p.title.casefold(),
    "INVENTORY_TOTAL": lambda p: p.inventory,
}


@dataclass(slots=True)
class Root:
    """`QueryRoot` of one shop for one request; `searched` collects what the searches warned of."""

    store: Store
    shop_state: Shop
    now: datetime
    searched: list[dict[str, Any]] = field(default_factory=list)

    @property
    def nodes(self) -> Nodes:
        return Nodes(self.store)

    def customersCount(self, _: Any, limit: int | None, query: str | None = None) -> Any:
        """Shopify counts customers by id and date; only all of them are simulated."""
        if query:
            raise bad_request("The simulated Shopify counts all customers only")
        return _count(len(self.store.customers) + self.store.other_customers, limit)

    def orders(self, info: Any, **args: Any) -> Any:
        found = self._orders(info, args.get("query"))
        return page(found, _key(_ORDER_KEYS, args["sortKey"]), self.nodes.order, args)

    def ordersCount(self, info: Any, limit: int | None, **args: Any) -> Any:
        return _count(len(self._orders(info, args.get("query"))), limit)

    def products(self, info: Any, **args: Any) -> Any:
        found = self._products(info, args.get("query"))
        return page(found, _key(_PRODUCT_KEYS, args["sortKey"]), self.nodes.product, args)

    def productsCount(self, info: Any, limit: int | None, **args: Any) -> Any:
        return _count(len(self._products(info, args.get("query"))), limit)

    def bulkOperation(self, *_: Any, **__: Any) -> None:
        """There are none."""

    def currentAppInstallation(self, _: Any) -> Any:
        return {"accessScopes": [{"handle": scope} for scope in self.shop_state.scopes]}

    def publicApiVersions(self, _: Any) -> Any:
        versions = supported(self.now)
        return [{"handle": v, "displayName": v, "supported": True} for v in versions]

    def shop(self, _: Any) -> Any:
        store, plan = self.store, self.shop_state.plan
        return {
            "id": f"gid://shopify/Shop/{store.id}",
            "name": store.name,
            "email": store.email,
            "currencyCode": store.currency,
            "ianaTimezone": store.timezone,
            "createdAt": iso(store.created_at),
            "myshopifyDomain": store.domain,
            "primaryDomain": {"host": store.domain, "url": f"https://{store.domain}"},
            "plan": {
                "partnerDevelopment": False,
                "publicDisplayName": _PLANS[plan],
                "shopifyPlus": plan in ("plus", "enterprise"),
            },
        }

    def _orders(self, info: Any, query: str | None) -> list[Order]:
        """Those this application may see: the last 60 days without read_all_orders."""
        found = self._search(info, query, ORDERS, OTHER_ORDERS, lambda o: str(o.name))
        all_of_them = "read_all_orders" in self.shop_state.scopes
        oldest = self.now - _VISIBLE
        visible = (o for o in self.store.orders if all_of_them or o.created_at >= oldest)
        return [o for o in visible if o.created_at <= self.now and found(o)]

    def _products(self, info: Any, query: str | None) -> list[Product]:
        found = self._search(info, query, PRODUCTS, OTHER_PRODUCTS, lambda p: str(p.title))
        return [p for p in self.store.products if found(p)]

    def _search(
        self,
        info: Any,
        query: str | None,
        fields: Fields,
        others: frozenset[str],
        text: Callable[[Any], str],
    ) -> Callable[[Any], bool]:
        search = Search(fields, others, text, self.now)
        try:
            found = search.finder(query)
        except SearchUnsupported as error:
            raise bad_request(str(error)) from None
        if search.warnings:
            path = info.path.as_list()
            self.searched.append({"path": path, "query": query, "warnings": search.warnings})
        return found


def _count(number: int, limit: int | None) -> dict[str, Any]:
    if limit is not None and number > limit:
        return {"count": limit, "precision": "AT_LEAST"}
    return {"count": number, "precision": "EXACT"}


def _key(keys: dict[str, Callable[[Any], Any]], name: str) -> Callable[[Any], Any]:
    if name not in keys:
        raise bad_request(f"The simulated Shopify cannot sort by {name}")
    return keys[name]
