"""What a merchant or Shopify itself does: each of these reaches the application as a webhook."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from local.shopify.clock import iso
from local.shopify.oauth import without_implied
from local.shopify.tokens import Tokens

if TYPE_CHECKING:
    from collections.abc import Sequence

    from local.shopify.webhooks import Webhooks
    from local.shopify.world import Shop, World

SHOP_REDACT_AFTER_S = 48 * 3_600


class NotInstalled(Exception):
    """The application is not in this shop."""


@dataclass(frozen=True, slots=True)
class Merchant:
    """Raises NotInstalled where only an installed application would notice."""

    world: World
    webhooks: Webhooks

    def uninstall(self, domain: str) -> None:
        """Tokens end at once; two days later the shop's data is to be deleted."""
        shop = self._installed(domain)
        Tokens(self.world).revoke(shop)
        shop.installed = False
        shop.scopes = []
        self.webhooks.trigger(domain, "app/uninstalled", self._shop_body(domain))
        self.webhooks.trigger(
            domain, "shop/redact", self._privacy_body(domain), after_s=SHOP_REDACT_AFTER_S
        )
        self.world.changed()

    def set_scopes(self, domain: str, scopes: Sequence[str]) -> None:
        """What the application may do from now on, with the token it has."""
        shop = self._installed(domain)
        previous, shop.scopes = shop.scopes, without_implied(list(scopes))
        store = self.world.store(domain)
        body = {
            "id": store.id + 1,
            "previous": previous,
            "current": shop.scopes,
            "updated_at": iso(self.world.clock.today()),
            "shop_id": f"gid://shopify/Shop/{store.id}",
        }
        self.webhooks.trigger(domain, "app/scopes_update", body)
        self.world.changed()

    def request_customer_data(self, domain: str) -> None:
        """On behalf of the shop's first customer who ordered."""
        body = self._customer_body(domain, "orders_requested")
        self.webhooks.trigger(
            domain, "customers/data_request", {**body, "data_request": {"id": 9_999}}
        )
        self.world.changed()

    def redact_customer(self, domain: str) -> None:
        body = self._customer_body(domain, "orders_to_redact")
        self.webhooks.trigger(domain, "customers/redact", body)
        self.world.changed()

    def redact_shop(self, domain: str) -> None:
        """Now, whatever the calendar says."""
        self.webhooks.trigger(domain, "shop/redact", self._privacy_body(domain))
        self.world.changed()

    def _installed(self, domain: str) -> Shop:
        shop = self.world.shop(domain)
        if not shop.installed:
            raise NotInstalled(domain)
        return shop

    def _shop_body(self, domain: str) -> dict[str, Any]:
        store = self.world.store(domain)
        return {
            "id": store.id,
            "name": store.name,
            "email": store.email,
            "domain": domain,
            "myshopify_domain": domain,
            "currency": store.currency,
            "iana_timezone": store.timezone,
            "created_at": iso(store.created_at),
        }

    def _privacy_body(self, domain: str) -> dict[str, Any]:
        return {"shop_id": self.world.store(domain).id, "shop_domain": domain}

    def _customer_body(self, domain: str, orders_key: str) -> dict[str, Any]:
        """A shop without customers has one who only left an address."""
        store = self.world.store(domain)
        known = {o.customer_id for o in store.orders}
        customer = next((c for c in store.customers if c.id in known), None)
        who = {"id": customer.id, "email": customer.email} if customer else {"id": 1, "email": ""}
        orders = [o.id for o in store.orders if customer and o.customer_id == customer.id]
        return {**self._privacy_body(domain), "customer": {**who, "phone": ""}, orders_key: orders}
