"""Shopify tells of something: checked, done once, answered fast. Never needs a token."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cj.domain.webhooks import TOPICS, WebhookRefused, read_webhook
from cj.errors import EphemeralUnavailable, StoreError
from cj.flows.connect import from_postgresql, now
from cj.logs import log_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from cj.ephemeral import Outage
    from cj.flows.forget import Forgetting
    from cj.logs import Journal
    from cj.shopify.client_secrets import ClientSecrets
    from cj.store import Deliveries
    from cj.store.deliveries import Delivery

log = log_of(__name__)
PATIENCE_S = 2.5  # Shopify waits five seconds for its answer


@dataclass(frozen=True, slots=True)
class Webhooks:
    """Deliveries, each with its effect once, however often and however late they come."""

    deliveries: Deliveries
    forgetting: Forgetting
    outage: Outage
    journal: Journal
    client_secrets: ClientSecrets
    patience_s: float = PATIENCE_S
    clock: Callable[[], datetime] = now

    async def receive(self, body: bytes, headers: Mapping[str, str]) -> str:
        """What became of it. Returns after COMMIT: what is left to do by then is written down.

        Raises WebhookRefused, and StoreError: then Shopify sends it again.
        """
        try:
            webhook = await self.client_secrets.verified(
                lambda known: read_webhook(body, headers, known, self.clock())
            )
        except WebhookRefused:
            self.journal.count("WebhooksRefused")
            raise
        if webhook.topic not in TOPICS:
            log.warning("a webhook nobody asked for", extra={"kind": webhook.topic})
            return "unknown_topic"
        taken = await from_postgresql(self.outage, lambda: self.deliveries.take(webhook))
        log.info("webhook", extra={"kind": webhook.topic, "outcome": taken.outcome})
        self.journal.count("WebhooksTaken")
        await self._finish(taken)
        return taken.outcome

    async def _finish(self, taken: Delivery) -> None:
        """Now, if it can be done now; else by the next delivery or the sweep."""
        if taken.left is None:
            return
        try:
            async with asyncio.timeout(self.patience_s):
                await self.forgetting.finish(taken.id, taken.left)
        except (EphemeralUnavailable, StoreError, TimeoutError) as error:
            log.error("webhook not finished", extra={"kind": type(error).__name__})
            self.journal.count("WebhooksUnfinished")
