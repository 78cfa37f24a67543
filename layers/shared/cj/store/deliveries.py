"""Deliveries of webhooks: each has its effect once, and what is left to do is written down."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cj.domain.ids import new_id
from cj.domain.webhooks import Left
from cj.store.queries import named

if TYPE_CHECKING:
    from datetime import timedelta

    from cj.domain.webhooks import Webhook
    from cj.store.database import Database


@dataclass(frozen=True, slots=True)
class Delivery:
    """What became of a delivery; `left`: still to be forgotten outside PostgreSQL."""

    id: str
    outcome: str
    left: Left | None


@dataclass(frozen=True, slots=True)
class Deliveries:
    """Deliveries by Shopify's id."""

    db: Database

    async def take(self, webhook: Webhook) -> Delivery:
        """Returns after COMMIT. Again, also at the same moment: the same, and nothing changes."""
        row = await self.db.row(
            named("take_delivery"),
            *(webhook.id, webhook.topic, webhook.shop, webhook.triggered_at),
            *(dict(webhook.facts), new_id()),
        )
        assert row is not None  # noqa: S101 - a function without SETOF gives exactly one
        return Delivery(webhook.id, row["o_outcome"], _left(row["o_left"]))

    async def finish(self, webhook_id: str) -> None:
        """Everything that was left is done."""
        await self.db.execute(named("finish_delivery"), webhook_id)

    async def unfinished(self, limit: int, for_at_least: timedelta) -> list[tuple[str, Left]]:
        """What others left undone, the oldest first."""
        rows = await self.db.rows(named("unfinished_deliveries"), limit, for_at_least)
        return [(row["webhook_id"], Left.from_json(row["left_to_do"])) for row in rows]


def _left(found: dict[str, Any] | None) -> Left | None:
    return None if found is None else Left.from_json(found)
