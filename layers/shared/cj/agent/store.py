"""The store that a turn may look into: one shop, and no longer than the turn lasts."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from cj.shopify.errors import ShopifyUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable

    from cj.shopify.tools import StoreTools

Result: TypeAlias = dict[str, Any]

CALL_S = 4.0
GRACE_S = 1.0  # for what a call that is late gives back


@dataclass(frozen=True, slots=True)
class Store:
    """`shop` is the conversation's owner's, never a word of a text's; `ends` is on the clock."""

    tools: StoreTools
    shop: str
    ends: float
    clock: Callable[[], float] = time.monotonic

    async def ask(self, name: str) -> Result:
        """The tool's result, also where it failed; no later than a call or the turn may take."""
        left_s = max(min(CALL_S, self.ends - self.clock()), 0)
        try:
            async with asyncio.timeout(left_s + GRACE_S):
                return await self.tools.run(name, self.shop, left_s)
        except TimeoutError:
            late = ShopifyUnavailable
            return {"success": False, "error": late.message, "code": late.code}
