"""Figures and a store's texts as CJ writes them. Pure."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from cj.agent.record import clean

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from decimal import Decimal

TITLE_CHARS = 60
_DECIMALS = {
    **dict.fromkeys(("CLP", "ISK", "JPY", "KRW", "PYG", "UGX", "VND", "XAF", "XOF", "XPF"), 0),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
}


def number(count: Mapping[str, Any]) -> str:
    """10,000+ where Shopify stopped counting."""
    return f"{count['count']:,}{'+' if count['precision'] == 'AT_LEAST' else ''}"


def counted(count: Mapping[str, Any], thing: str) -> str:
    """So many of them, or no ones."""
    ones = count["count"] == 1 and count["precision"] == "EXACT"
    return f"{number(count) if count['count'] else 'no'} {thing}{'' if ones else 's'}"


def many(count: int, thing: str) -> str:
    """An exact number of them."""
    return counted({"count": count, "precision": "EXACT"}, thing)


def money(amount: Decimal, currency: str) -> str:
    """With the decimals that the currency has, and its code: there are many dollars."""
    return f"{amount:,.{_DECIMALS.get(currency, 2)}f} {currency}"


def day(moment: str, zone: tzinfo) -> str:
    """A day of the store's calendar."""
    local = datetime.fromisoformat(moment).astimezone(zone)
    return f"{local.day} {local:%B}"


def zone_of(shop: Mapping[str, Any]) -> tzinfo:
    """The store's; UTC where this machine does not know it."""
    try:
        return ZoneInfo(shop["ianaTimezone"])
    except (KeyError, ValueError):  # ZoneInfoNotFoundError is a KeyError
        return UTC


def quoted(title: str) -> str:
    """A text of the store's, short, and plainly not CJ's own."""
    words = clean(title)
    return f"“{words if len(words) <= TITLE_CHARS else words[: TITLE_CHARS - 1] + '…'}”"


def listed(things: Sequence[str]) -> str:
    """One, two and three."""
    if len(things) < 2:
        return "".join(things)
    return f"{', '.join(things[:-1])} and {things[-1]}"
