"""API versions: four a year, each supported for a year, an older one falls forward."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

SCHEMA_VERSION = "2026-10"  # the one whose schema is here: served for every version
_FORM = re.compile(r"20\d\d-(01|04|07|10)")


def supported(today: datetime) -> list[str]:
    """Oldest first. The schema's own is always among them: clocks may be moved."""
    quarter = today.year * 4 + (today.month - 1) // 3
    names = [f"{n // 4}-{n % 4 * 3 + 1:02}" for n in range(quarter - 3, quarter + 1)]
    return sorted({*names, SCHEMA_VERSION})


def served(asked: str, today: datetime) -> str | None:
    """Which version answers a request for this one; None where there is none, nor ever was."""
    known = supported(today)
    if asked == "unstable" or asked in known:
        return asked
    return known[0] if _FORM.fullmatch(asked) and asked < known[0] else None
