"""The JSON control API: what tests in another process do to the simulated Shopify.

GET    /control                     clock, settings, shops, faults, deliveries, attempts
GET    /control/shops/{shop}        its data, orders as they are now
POST   /control/{verb}              the verbs below, their parameters as a JSON object
"""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse

from local.shopify.faults import Fault
from local.shopify.merchant import Merchant, NotInstalled
from local.shopify.tokens import Tokens
from local.shopify.world import NoSuchShop

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request
    from starlette.responses import Response

    from local.shopify.oauth import OAuth
    from local.shopify.webhooks import Family, Webhooks
    from local.shopify.world import World

_FAMILIES = ("x-shopify", "shopify", "both")
_DOMAIN = re.compile(r"[a-z0-9][a-z0-9-]{0,59}\.myshopify\.com")
_STATUSES = ("open", "frozen", "locked")


class ControlRefused(Exception):
    """What was asked for cannot be; the text says why."""


@dataclass(frozen=True, slots=True)
class Control:
    """One method a verb. The pages use it too, and so may a test in this process."""

    world: World
    oauth: OAuth
    webhooks: Webhooks

    def move_clock(
        self, *, days: float = 0, hours: float = 0, minutes: float = 0, s: float = 0
    ) -> None:
        """What is due by then is sent, what has expired by then is refused."""
        self.world.clock.move(days=days, hours=hours, minutes=minutes, s=s)
        self.world.changed()

    def reset_clock(self) -> None:
        self.world.clock.offset_s = 0
        self.world.changed()

    def add_shop(self, *, shop: str, like: str) -> None:
        """A shop of that name with figures of the same kind as that seeded shop's."""
        if not _DOMAIN.fullmatch(shop):
            raise ControlRefused(f"{shop[:80]!r} is no name.myshopify.com")
        self.world.add_shop(shop, like)

    def change_order(self, *, shop: str, name: str, **edit: Any) -> None:
        """One order, from now on."""
        self.world.change_order(shop, name, **edit)

    def set_plan(self, *, shop: str, plan: str) -> None:
        self.world.set_plan(shop, plan)

    def set_status(self, *, shop: str, status: str) -> None:
        """open, frozen (402) or locked (423)."""
        _one_of(status, _STATUSES)
        self.world.shop(shop).status = status
        self.world.changed()

    def approve_names(self, *, approved: bool) -> None:
        """Whether the application may see the names of customers."""
        self.world.memory.names_approved = approved
        self.world.changed()

    def auto_approve(self, *, on: bool) -> None:
        """Whether nobody is asked for consent."""
        self.oauth.auto_approve = on

    def uninstall(self, *, shop: str) -> None:
        Merchant(self.world, self.webhooks).uninstall(shop)

    def set_scopes(self, *, shop: str, scopes: list[str]) -> None:
        Merchant(self.world, self.webhooks).set_scopes(shop, scopes)

    def request_customer_data(self, *, shop: str) -> None:
        Merchant(self.world, self.webhooks).request_customer_data(shop)

    def redact_customer(self, *, shop: str) -> None:
        Merchant(self.world, self.webhooks).redact_customer(shop)

    def redact_shop(self, *, shop: str) -> None:
        Merchant(self.world, self.webhooks).redact_shop(shop)

    def webhook_delivery(
        self, *, hold: bool = False, copies: int = 1, family: Family = "x-shopify"
    ) -> None:
        """How webhooks are sent from now on: held back, twice, with which headers."""
        _one_of(family, _FAMILIES)
        if not 1 <= copies <= 10:
            raise ControlRefused("copies are 1 to 10")
        self.webhooks.holding, self.webhooks.copies = hold, copies
        self.webhooks.family = family

    def release_webhooks(self) -> None:
        """Those that were held back go out late."""
        self.webhooks.release()

    def add_fault(self, **fault: Any) -> None:
        """kind and on, and if they matter times, shop, status and seconds."""
        self.world.faults.add(Fault(**fault))

    def clear_faults(self) -> None:
        self.world.faults.clear()

    def revoke_tokens(self, *, shop: str) -> None:
        """They stop working, and nobody is told."""
        Tokens(self.world).revoke(self.world.shop(shop))
        self.world.changed()

    def do(self, verb: str, parameters: dict[str, Any]) -> None:
        """Raises ControlRefused, whose text may be shown."""
        if verb not in VERBS:
            raise ControlRefused(f"there is no verb {verb[:40]}; {', '.join(sorted(VERBS))} are")
        act: Callable[..., None] = getattr(self, verb)
        try:
            act(**parameters)
        except NoSuchShop as error:
            raise ControlRefused(f"there is no shop {error}") from None
        except NotInstalled as error:
            raise ControlRefused(f"the application is not installed in {error}") from None
        except (TypeError, ValueError) as error:
            raise ControlRefused(str(error)) from None

    async def post(self, request: Request) -> Response:
        try:
            given = await request.json()
            if not isinstance(given, dict):
                raise ControlRefused("the parameters are a JSON object")
            self.do(request.path_params["verb"], given)
        except ControlRefused as error:
            return JSONResponse({"error": str(error)}, 400)
        except ValueError:
            return JSONResponse({"error": "not JSON"}, 400)
        return JSONResponse({"done": True})

    async def everything(self, _: Request) -> Response:
        memory = self.world.memory
        told = {
            "now": self.world.clock.now(),
            "anchor": self.world.anchor.isoformat(),
            "shops": {d: s.model_dump(exclude={"edits"}) for d, s in memory.shops.items()},
            "faults": [asdict(fault) for fault in self.world.faults.switched_on],
            "deliveries": [d.model_dump() for d in memory.deliveries],
            "attempts": [asdict(attempt) for attempt in self.webhooks.attempts],
        }
        return JSONResponse(told)

    async def one_shop(self, request: Request) -> Response:
        store = self.world.store(request.path_params["shop"])
        return JSONResponse(_plain(asdict(store)))


VERBS = frozenset(
    name
    for name, value in vars(Control).items()
    if callable(value) and name[0] != "_" and name not in ("do", "post", "everything", "one_shop")
)


def _one_of(value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise ControlRefused(f"{value!r} is none of {', '.join(allowed)}")


def _plain(value: Any) -> Any:
    """Amounts and moments as JSON has them: text."""
    match value:
        case dict():
            return {key: _plain(item) for key, item in value.items()}
        case list() | tuple():
            return [_plain(item) for item in value]
        case None | bool() | int() | str():
            return value
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
