"""Shopify's clock, which a person or a test moves."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(slots=True)
class Clock:
    """`now` decides what has expired, restored or fallen due. `wall` is what both sides agree on:
    it stands in signed messages, so that a moved clock breaks no installation.
    """

    wall: Callable[[], float] = time.time
    offset_s: float = 0.0

    def now(self) -> float:
        """Seconds since 1970, moved."""
        return self.wall() + self.offset_s

    def today(self) -> datetime:
        return datetime.fromtimestamp(self.now(), UTC)

    def move(self, *, days: float = 0, hours: float = 0, minutes: float = 0, s: float = 0) -> None:
        """Forwards; negative figures move it back."""
        self.offset_s += ((days * 24 + hours) * 60 + minutes) * 60 + s


def iso(moment: datetime) -> str:
    """As Shopify writes moments."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
