"""The app's client secret while it is replaced: what Shopify signs with, and what it knows us by.

An operator puts the new one beside the old one and takes that out later. Processes that live on
find out when they meet what the newest one they know does not explain: a signature that is another
one's, an app that Shopify does not know.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from cj.domain.signatures import SignatureWrong
from cj.errors import SettingsInvalid
from cj.logs import log_of

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")
Secrets = tuple[str, ...]
log = log_of(__name__)
LOOK_AGAIN_S = 60  # anybody can send wrong signatures; not each of them costs a look
PATIENCE_S = 2.0  # Shopify waits five seconds for its answer


@dataclass(slots=True)
class ClientSecrets:
    """`known` has the newest first. `look` blocks, gives those of this moment, and may raise
    SettingsInvalid; without it they are what they are for as long as the process lives.
    """

    known: Secrets = field(repr=False)
    look: Callable[[], Secrets] | None = None
    clock: Callable[[], float] = time.time  # a monotonic one stands still while we are frozen
    patience_s: float = PATIENCE_S
    _looked_at: float | None = None
    _one_looks: asyncio.Lock = field(default_factory=asyncio.Lock, repr=False)

    @property
    def newest(self) -> str:
        """What the app proves itself with."""
        return self.known[0]

    async def verified(self, read: Callable[[Secrets], T]) -> T:
        """What `read` makes of a request; made again where the newest secret has not signed it,
        with those of this minute: there may be a newer one, or the old one may be revoked by now.
        Raises what `read` raises.
        """
        tried = self.known
        try:
            return read(tried[:1])
        except SignatureWrong:
            await self.changed_since(tried)
        return read(self.known)

    async def changed_since(self, tried: Secrets) -> bool:
        """Whether there are others than those that were tried; looks once a minute at most."""
        async with self._one_looks:
            if self.known == tried and self.look is not None and self._is_time():
                self._looked_at = self.clock()
                await self._look_again(self.look)
        return self.known != tried

    def _is_time(self) -> bool:
        """Also after the clock was set back."""
        then = self._looked_at
        return then is None or not 0 <= self.clock() - then < LOOK_AGAIN_S

    async def _look_again(self, look: Callable[[], Secrets]) -> None:
        """In a thread: nobody else on this loop waits. What cannot be read changes nothing."""
        try:
            async with asyncio.timeout(self.patience_s):
                found = await asyncio.to_thread(look)
        except (SettingsInvalid, TimeoutError) as error:
            log.error("the client secret cannot be read", extra={"why": str(error) or "too slow"})
            return
        if found != self.known:
            log.info("the client secret was replaced")
            self.known = found
