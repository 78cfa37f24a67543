"""What a store allows: a bucket of points that fills again, one per shop and process.

Other processes drink from the same bucket, so this is a guess that Shopify's next answer corrects.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_STATUS = ("currentlyAvailable", "maximumAvailable", "restoreRate")
_SHOPS = 1_000  # remembered; beyond it the one told of longest ago is forgotten


@dataclass(frozen=True, slots=True)
class Level:
    """What a shop's bucket held at a moment of the clock."""

    available: float
    maximum: float
    per_s: float
    at: float

    def now(self, moment: float) -> float:
        """What it should hold by now; a clock that was set back filled nothing."""
        passed_s = max(0.0, moment - self.at)
        return min(self.maximum, self.available + passed_s * self.per_s)


@dataclass(frozen=True, slots=True)
class Points:
    """Levels by shop. The clock is the wall's: buckets fill while a process is frozen."""

    clock: Callable[[], float]
    _levels: dict[str, Level] = field(default_factory=dict)

    def wait_s(self, shop: str, cost: float) -> int:
        """Whole seconds until the shop should have that many points; 0 where nothing is known."""
        level = self._levels.get(shop)
        if level is None or level.per_s <= 0:
            return 0
        return max(0, math.ceil((cost - level.now(self.clock())) / level.per_s))

    def never(self, shop: str, cost: float) -> bool:
        """Whether a full bucket would not do."""
        level = self._levels.get(shop)
        return level is not None and cost > level.maximum

    def spend(self, shop: str, cost: float) -> None:
        """A request leaves: the next one here counts with what it takes."""
        if level := self._levels.get(shop):
            moment = self.clock()
            left = level.now(moment) - cost
            self._levels[shop] = Level(left, level.maximum, level.per_s, moment)

    def learn(self, shop: str, cost: Mapping[str, Any]) -> None:
        """What Shopify says about its bucket, in `extensions.cost`."""
        status = cost.get("throttleStatus")
        if not isinstance(status, dict):
            return
        told = [status.get(k) for k in _STATUS]
        if not all(isinstance(n, int | float) and math.isfinite(n) for n in told):
            return
        available, maximum, per_s = map(float, told)  # type: ignore[arg-type]
        self._levels.pop(shop, None)
        self._levels[shop] = Level(available, maximum, per_s, self.clock())
        if len(self._levels) > _SHOPS:
            del self._levels[next(iter(self._levels))]
