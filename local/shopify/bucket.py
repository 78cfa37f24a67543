"""The rate limit of one application at one shop: points that come back over time."""

from __future__ import annotations

from dataclasses import dataclass

RATES = {"basic": 100, "advanced": 200, "plus": 1_000, "enterprise": 2_000}  # points/s, by plan
_SECONDS = 20
MAX_COST = 1_000  # of one query


@dataclass(slots=True)
class Bucket:
    """A query takes what it asks for before it runs and gets back what it did not need."""

    rate: int
    available: float
    at: float

    @classmethod
    def full(cls, plan: str, now: float) -> Bucket:
        return cls(RATES[plan], RATES[plan] * _SECONDS, now)

    @property
    def size(self) -> int:
        return self.rate * _SECONDS

    def take(self, points: int, now: float) -> bool:
        """Whether they were there."""
        self._restore(now)
        if self.available < points:
            return False
        self.available -= points
        return True

    def give_back(self, points: int) -> None:
        self.available = min(self.size, self.available + points)

    def drain(self, now: float) -> None:
        """As if others had used it up just now."""
        self._restore(now)
        self.available = 0

    def status(self) -> dict[str, float]:
        """`throttleStatus` of an answer."""
        return {
            "maximumAvailable": float(self.size),
            "currentlyAvailable": int(self.available),
            "restoreRate": float(self.rate),
        }

    def _restore(self, now: float) -> None:
        self.available = min(self.size, self.available + max(0.0, now - self.at) * self.rate)
        self.at = now
