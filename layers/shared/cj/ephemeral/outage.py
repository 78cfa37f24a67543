"""The breaker: what all processes know about PostgreSQL being away."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cj.domain.ids import new_id

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from cj.ephemeral.client import Ephemeral

KEPT_S = 30  # nobody has failed for so long: nobody knows

# KEYS: 1 outage: "<moment of the last try, us> <who tries>"
# ARGV: 1 us between two tries, 2 an id of this call: sent twice, it gives the same answer
# One of all is let through to try, again and again.
LOOK = """
local tried, who = string.match(redis.call('GET', KEYS[1]) or '', '^(%d+) (.*)$')
if not tried then return 'over' end
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
if who == ARGV[2] then return 'try' end
if now - tried < tonumber(ARGV[1]) then return 'out' end
redis.call('SET', KEYS[1], string.format('%.0f %s', now, ARGV[2]), 'KEEPTTL')
return 'try'
"""

# KEYS: 1 outage
# ARGV: 1 seconds to keep
HAPPENED = """
if redis.call('EXPIRE', KEYS[1], ARGV[1]) == 0 then
    local time = redis.call('TIME')
    local now = string.format('%.0f', time[1] * 1000000 + time[2])
    redis.call('SET', KEYS[1], now .. ' nobody', 'EX', ARGV[1])
end
"""


@dataclass(slots=True)
class Outage:
    """Asked before PostgreSQL is, told what became of it.

    It looks into Redis once in `look_s`. While Redis is away too, it knows what this process saw.
    """

    redis: Ephemeral
    clock: Callable[[], float] = time.time  # a monotonic one stands still while we are frozen
    call_id: Callable[[], UUID] = new_id
    try_s: float = 2.0
    look_s: float = 1.0
    _out: bool = False
    _look_at: float = 0.0
    _try_at: float = 0.0

    async def known(self) -> bool:
        """True: PostgreSQL is away, leave it alone. False: ask it, and tell how that went."""
        now = self.clock()
        if 0 < self._look_at - now <= self.look_s:
            return self._out
        self._look_at = now + self.look_s
        every_us = round(self.try_s * 1_000_000)
        said = await self.redis.do("EVAL", LOOK, 1, "outage", every_us, str(self.call_id()))
        if said is None:
            return self._known_here(now)
        self._out = said != "over"
        return bool(said == "out")

    async def happened(self) -> None:
        """Somebody asked PostgreSQL and nobody was there."""
        now = self.clock()
        self._out, self._look_at, self._try_at = True, now + self.look_s, now + self.try_s
        await self.redis.do("EVAL", HAPPENED, 1, "outage", KEPT_S)

    async def over(self) -> None:
        """PostgreSQL answered. Costs nothing when no outage was known."""
        if self._out:
            self._out = False
            await self.redis.do("DEL", "outage")

    def _known_here(self, now: float) -> bool:
        if self._out and 0 < self._try_at - now <= self.try_s:
            return True
        self._try_at = now + self.try_s
        return False
