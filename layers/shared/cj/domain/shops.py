"""Shop names: what Shopify sends, what a person types, and which scopes a grant covers."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_SUFFIX = ".myshopify.com"
_NAME = r"[a-z0-9][a-z0-9-]{0,59}"
_DOMAIN = re.compile(rf"{_NAME}\.myshopify\.com")
# Below a shop's address only its admin pages are copied from a browser's address bar.
_REST = r"(?:/(?:admin(?:[/?#][\w/.?=&#-]*)?)?)?"
_TYPED = (
    re.compile(rf"({_NAME})"),
    re.compile(rf"(?:https?://)?({_NAME})\.myshopify\.com{_REST}"),
    re.compile(rf"(?:https?://)?admin\.shopify\.com/store/({_NAME})(?:[/?#][\w/.?=&#-]*)?"),
)
_WRITES = re.compile(r"(unauthenticated_)?write_(\w+)")


def shop_domain(text: str) -> str | None:
    """The domain as Shopify writes it, in lower case; None for anything else.

    Whatever passes is safe to build an address from. Letters that only become ASCII when they are
    lowered (the Kelvin sign) do not pass.
    """
    lowered = text.lower()
    return lowered if text.isascii() and _DOMAIN.fullmatch(lowered) else None


def typed_shop(text: str) -> str | None:
    """The domain a person means who typed a name or pasted an address; None: ask again.

    For the form alone: what comes back from Shopify goes through `shop_domain`.
    """
    typed = text.strip(" \t").lower()
    if not text.isascii():
        return None
    for form in _TYPED:
        if match := form.fullmatch(typed):
            return match[1] + _SUFFIX
    return None


def shop_name(domain: str) -> str:
    """The domain without `.myshopify.com`: the name of the merchant's row."""
    return domain.removesuffix(_SUFFIX)


def missing_scopes(asked: Iterable[str], granted: Iterable[str]) -> tuple[str, ...]:
    """What was asked for and not granted, in order. To write a thing implies to read it."""
    covered = set(granted)
    for scope in tuple(covered):
        if match := _WRITES.fullmatch(scope):
            covered.add(f"{match[1] or ''}read_{match[2]}")
    return tuple(scope for scope in asked if scope not in covered)


def scopes_of(text: str) -> tuple[str, ...]:
    """Scopes as Shopify writes them, with commas and perhaps spaces between them."""
    return tuple(text.replace(",", " ").split())
