"""Everything the simulated Shopify remembers, and the file in which it survives a restart."""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, Field

from local.shopify import seeds
from local.shopify.bucket import RATES, Bucket
from local.shopify.clock import Clock
from local.shopify.faults import Faults
from local.shopify.store import edited

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from local.shopify.store import Store

_ANCHOR_AGE = timedelta(days=1)


class NoSuchShop(Exception):
    """There is no shop of this name."""


class Grant(BaseModel):
    """An access token and, if it expires, the refresh token that came with it."""

    shop: str
    access_token: str
    expires_at: float | None = None
    refresh_token: str | None = None
    refresh_expires_at: float = 0
    used_at: float | None = None  # when the refresh token was first used
    replaced_by: str | None = None  # the refresh token that came of it


class Code(BaseModel):
    """An authorization code."""

    shop: str
    scopes: list[str]
    expires_at: float


class Delivery(BaseModel):
    """A webhook that waits: for its time, for another try, or for somebody to let it go."""

    id: str
    topic: str
    shop: str
    body: str
    triggered_at: str
    due_at: float
    tries: int = 0
    held: bool = False


class Shop(BaseModel):
    """What happened to a shop since it was seeded."""

    domain: str
    like: str  # the seeded shop whose recipe it has
    name: str
    plan: str
    status: str = "open"  # frozen: 402, locked: 423
    installed: bool = False
    scopes: list[str] = []
    edits: dict[int, dict[str, Any]] = {}


class Remembered(BaseModel):
    """The file's content."""

    port: int = 0
    api_key: str = Field(default_factory=lambda: secrets.token_hex(16))
    api_secret: str = Field(default_factory=lambda: f"shpss_{secrets.token_hex(16)}")
    offset_s: float = 0
    anchor: datetime | None = None
    shops: dict[str, Shop] = {}
    grants: list[Grant] = []
    codes: dict[str, Code] = {}
    deliveries: list[Delivery] = []
    names_approved: bool = False  # protected customer data: names


@dataclass(slots=True)
class World:
    """One Shopify. Whoever changes what is remembered says `changed()`."""

    clock: Clock = field(default_factory=Clock)
    path: Path | None = None  # None: nothing is kept
    memory: Remembered = field(default_factory=Remembered)
    faults: Faults = field(default_factory=Faults)
    listeners: list[Callable[[], None]] = field(default_factory=list)
    _stores: dict[str, Store] = field(default_factory=dict)
    _buckets: dict[str, Bucket] = field(default_factory=dict)

    def open(self) -> None:
        """Reads the file. The orders stay as fresh as they were, unless the clock was moved."""
        if self.path and self.path.exists():
            self.memory = Remembered.model_validate_json(self.path.read_bytes())
        self.clock.offset_s = self.memory.offset_s or self.clock.offset_s
        wall = datetime.fromtimestamp(self.clock.wall(), UTC).replace(microsecond=0)
        if self.memory.anchor is None or wall - self.memory.anchor > _ANCHOR_AGE:
            self.memory.anchor = wall
        for domain, recipe in seeds.RECIPES.items():
            self.memory.shops.setdefault(domain, _shop(domain, domain, recipe))
        self.changed()

    def changed(self) -> None:
        """Written before it returns; then everybody who waits for a change looks again."""
        self.memory.offset_s = self.clock.offset_s
        if self.path:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            new = self.path.with_suffix(".new")
            new.unlink(missing_ok=True)
            opened = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(opened, "w") as file:
                file.write(self.memory.model_dump_json())
            new.rename(self.path)
        for tell in self.listeners:
            tell()

    @property
    def anchor(self) -> datetime:
        """The moment the seeded orders lie before."""
        if self.memory.anchor is None:
            raise RuntimeError("open() comes first")
        return self.memory.anchor

    def shop(self, domain: str) -> Shop:
        """Raises NoSuchShop."""
        try:
            return self.memory.shops[domain]
        except KeyError:
            raise NoSuchShop(domain) from None

    def store(self, domain: str) -> Store:
        """Its data as it is now, changed orders included."""
        shop = self.shop(domain)
        if domain not in self._stores:
            recipe = seeds.RECIPES[shop.like]
            seeded = seeds.store(domain, recipe, self.anchor, shop.name)
            self._stores[domain] = seeded.changed(shop.edits)
        return self._stores[domain]

    def bucket(self, domain: str) -> Bucket:
        """The application's, at this shop."""
        if domain not in self._buckets:
            self._buckets[domain] = Bucket.full(self.shop(domain).plan, self.clock.now())
        return self._buckets[domain]

    def add_shop(self, domain: str, like: str) -> Shop:
        """Another shop of the same kind, with other figures. Raises NoSuchShop for `like`."""
        if like not in seeds.RECIPES:
            raise NoSuchShop(like)
        shop = _shop(domain, like, seeds.RECIPES[like])
        shop.name = domain.partition(".")[0].replace("-", " ").title()
        self.memory.shops[domain] = shop
        self._stores.pop(domain, None)
        self.changed()
        return shop

    def change_order(self, domain: str, name: str, **edit: Any) -> None:
        """Changes one order, by its name (`#1008`). ValueError says what cannot be."""
        shop, store = self.shop(domain), self.store(domain)
        order = next((o for o in store.orders if o.name == name), None)
        if order is None:
            raise ValueError(f"{domain} has no order {name}")
        edited(order, edit)
        shop.edits[order.id] = {**shop.edits.get(order.id, {}), **edit}
        self._stores.pop(domain)
        self.changed()

    def set_plan(self, domain: str, plan: str) -> None:
        """Its rate limit with it, with a full bucket. ValueError for a plan that is not sold."""
        if plan not in RATES:
            raise ValueError(f"{plan} is no plan; {', '.join(RATES)} are")
        self.shop(domain).plan = plan
        self._buckets.pop(domain, None)
        self.changed()


def _shop(domain: str, like: str, recipe: seeds.Recipe) -> Shop:
    return Shop(domain=domain, like=like, name=recipe.name, plan=recipe.plan)
