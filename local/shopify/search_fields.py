"""Which fields orders and products can be searched by, here and at Shopify."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from local.shopify.search import Fields
    from local.shopify.store import Order


def _status(order: Order) -> frozenset[str]:
    """Every status it counts as."""
    if order.cancelled_at is not None:
        return frozenset({"cancelled", "not_closed"})
    return frozenset({"closed"} if order.closed else {"open", "not_closed"})


ORDERS: Fields = {
    "created_at": lambda o: o.created_at,
    "processed_at": lambda o: o.created_at,
    "updated_at": lambda o: o.created_at,
    "name": lambda o: o.name,
    "id": lambda o: float(o.id),
    "customer_id": lambda o: None if o.customer_id is None else float(o.customer_id),
    "financial_status": lambda o: o.financial_status,
    "fulfillment_status": lambda o: o.fulfillment_status,
    "current_total_price": lambda o: float(o.current_total),
    "test": lambda o: o.test,
    "status": _status,
}
OTHER_ORDERS = frozenset(
    [
        "cart_token",
        "channel",
        "channel_id",
        "chargeback_status",
        "checkout_token",
        "confirmation_number",
        "credit_card_last4",
        "delivery_method",
        "discount_code",
        "email",
        "fraud_protection_level",
        "fulfillment_location_id",
        "gateway",
        "location_id",
        "payment_id",
        "payment_provider_id",
        "po_number",
        "reference_location_id",
        "return_status",
        "risk_level",
        "sales_channel",
        "sku",
        "source_identifier",
        "source_name",
        "subtotal_line_items_quantity",
        "tag",
        "tag_not",
        "total_weight",
    ]
)
PRODUCTS: Fields = {
    "id": lambda p: float(p.id),
    "title": lambda p: p.title,
    "status": lambda p: p.status,
    "inventory_total": lambda p: float(p.inventory),
    "price": lambda p: float(p.price),
    "tracks_inventory": lambda p: p.tracks_inventory,
}
OTHER_PRODUCTS = frozenset(
    [
        "barcode",
        "bundles",
        "category_id",
        "collection_id",
        "combined_listing_role",
        "created_at",
        "delivery_profile_id",
        "error_feedback",
        "gift_card",
        "handle",
        "has_only_composites",
        "has_only_default_variant",
        "has_variant_with_components",
        "is_price_reduced",
        "out_of_stock_somewhere",
        "product_configuration_owner",
        "product_publication_status",
        "product_type",
        "publication_ids",
        "publishable_status",
        "published_at",
        "published_status",
        "sku",
        "tag",
        "tag_not",
        "updated_at",
        "variant_id",
        "variant_title",
        "vendor",
    ]
)
