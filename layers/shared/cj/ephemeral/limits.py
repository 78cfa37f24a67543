"""Rate limits: token buckets that all processes share, told by Redis's own clock."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

from cj.domain.ids import new_id

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from cj.ephemeral.client import Ephemeral

LOCAL_BUCKETS = 10_000

# A bucket is one moment: when it will be full again. Each token moves it by 1/rate; further off
# than the whole bucket takes to fill means empty. Gone is full.

# KEYS: 1 rl:<who>:<what>: "<moment it is full, us> <id of the call before>"
# ARGV: 1 burst, 2 us per token, 3 an id of this call: sent twice, it takes once
# Gives 0, or the microseconds until there is a token.
TAKE = """
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local full, call = string.match(redis.call('GET', KEYS[1]) or '', '^(%d+) (.*)$')
if call == ARGV[3] then return 0 end
full = math.max(tonumber(full) or 0, now) + ARGV[2]
local wait = full - now - ARGV[1] * ARGV[2]
if wait > 0 then return math.ceil(wait) end
local value = string.format('%.0f %s', full, ARGV[3])
redis.call('SET', KEYS[1], value, 'PX', math.ceil((full - now) / 1000))
return 0
"""

# KEYS: 1 rl:<who>:<what>
# ARGV: 1 us per token, 2 an id of this call: sent twice, it gives once
GIVE_BACK = """
local full, call = string.match(redis.call('GET', KEYS[1]) or '', '^(%d+) (.*)$')
if full and call ~= ARGV[2] then
    local value = string.format('%.0f %s', full - ARGV[1], ARGV[2])
    redis.call('SET', KEYS[1], value, 'KEEPTTL')
end
"""


@dataclass(frozen=True, slots=True)
class Rate:
    """`burst` at once, and then so many per second."""

    burst: int
    per_s: float

    @classmethod
    def per_minute(cls, n: float, burst: int | None = None) -> Self:
        """n a minute; all of them at once where no burst is given."""
        return cls(math.ceil(n) if burst is None else burst, n / 60)

    @classmethod
    def per_hour(cls, n: float, burst: int | None = None) -> Self:
        """n an hour; all of them at once where no burst is given."""
        return cls(math.ceil(n) if burst is None else burst, n / 3600)

    @property
    def token_us(self) -> int:
        """How long a token takes to grow."""
        return math.ceil(1_000_000 / self.per_s)


@dataclass(frozen=True, slots=True)
class Limits:
    """Who may do something once more. While Redis is away each process counts by itself, at half
    the rate.
    """

    redis: Ephemeral
    clock: Callable[[], float] = time.monotonic
    call_id: Callable[[], UUID] = new_id
    _full_at: dict[str, float] = field(default_factory=dict)

    async def take(self, what: str, who: str, rate: Rate) -> int:
        """0: go ahead; else the milliseconds until there is room for one more."""
        key = f"rl:{who}:{what}"
        said = (rate.burst, rate.token_us, str(self.call_id()))
        wait_us = await self.redis.do("EVAL", TAKE, 1, key, *said)
        if wait_us is None:
            return self._take_here(key, rate)
        return math.ceil(int(wait_us) / 1000)

    async def give_back(self, what: str, who: str, rate: Rate) -> None:
        """What was taken was not used."""
        key = f"rl:{who}:{what}"
        if key in self._full_at:
            self._full_at[key] -= _local_token_s(rate)
        await self.redis.do("EVAL", GIVE_BACK, 1, key, rate.token_us, str(self.call_id()))

    def _take_here(self, key: str, rate: Rate) -> int:
        now, token_s = self.clock(), _local_token_s(rate)
        full = max(self._full_at.get(key, now), now) + token_s
        wait_s = full - now - rate.burst * token_s
        if wait_s > 0:
            return math.ceil(wait_s * 1000)
        if len(self._full_at) >= LOCAL_BUCKETS:  # the full ones are as good as none
            for other in [k for k, moment in self._full_at.items() if moment <= now]:
                del self._full_at[other]
        self._full_at[key] = full
        return 0


def _local_token_s(rate: Rate) -> float:
    return 2 / rate.per_s
