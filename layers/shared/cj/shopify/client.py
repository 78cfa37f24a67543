"""GraphQL Admin API: one question to one store, within the time there is.

Waits where Shopify asks to, keeps what it gives in part, and lets no token out.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import httpx

from cj.logs import log_of
from cj.shopify.answers import good_data, read_body
from cj.shopify.errors import (
    QueryTooLarge,
    ReconnectNeeded,
    ShopifyUnavailable,
    Throttled,
    TokenRefused,
)
from cj.shopify.http import AnswerTooLarge, post_json
from cj.shopify.points import Points

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from cj.shopify.access import ShopAccess, ShopToken, Sleep
    from cj.shopify.answers import Body
    from cj.shopify.http import Addresses
    from cj.shopify.operations import Operation

log = log_of(__name__)

# As they are, or as follows from the scopes of the token that is used.
Variables: TypeAlias = "Mapping[str, Any] | Callable[[tuple[str, ...]], Mapping[str, Any]]"

TRY_S = 5
RETRIES = 3
ANSWER_BYTES = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Answer:
    """Raw data. Where `missing_scopes` names any, what they cover is null in it."""

    data: dict[str, Any]
    missing_scopes: tuple[str, ...]
    scopes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Question:
    shop: str
    operation: Operation
    variables: Variables
    ends: float


class ShopifyClient:
    """Asks stores. `version` is the API's; `clock` runs evenly and `sleep` waits on it."""

    def __init__(
        self,
        http: httpx.AsyncClient,
        addresses: Addresses,
        access: ShopAccess,
        version: str,
        *,
        clock: Callable[[], float] = time.monotonic,
        wall_clock: Callable[[], float] = time.time,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._http = http
        self._addresses = addresses
        self._access = access
        self._version = version
        self._clock = clock
        self._sleep = sleep
        self._points = Points(wall_clock)
        self._costs: dict[str, float] = {}  # what an operation requested the last time
        self._told: set[tuple[str, str]] = set()

    async def ask(
        self, shop: str, operation: Operation, variables: Variables, time_left_s: float
    ) -> Answer:
        """The answer, after waits and tries that end before the time does. Raises ShopifyError
        or StoreError.
        """
        question = _Question(shop, operation, variables, self._clock() + time_left_s)
        token = await self._access.token(shop, time_left_s)
        try:
            return await self._patiently(question, token)
        except TokenRefused:
            left_s = question.ends - self._clock()
            token = await self._access.token(shop, left_s, refused=token)
        try:
            return await self._patiently(question, token)
        except TokenRefused:
            raise ReconnectNeeded("a fresh token was refused") from None

    async def _patiently(self, question: _Question, token: ShopToken) -> Answer:
        failures = 0
        while True:
            await self._afford(question)
            try:
                return await self._once(question, token)
            except Throttled as error:
                wait_s = error.wait_s
                if self._clock() + wait_s >= question.ends:
                    raise
            except ShopifyUnavailable:
                wait_s = 2**failures
                failures += 1
                if failures > RETRIES or self._clock() + wait_s >= question.ends:
                    raise
            await self._sleep(wait_s)

    async def _afford(self, question: _Question) -> None:
        """Waits until the store should allow this question, as far as is known here."""
        cost = self._costs.get(question.operation.name, 0)
        while wait_s := self._points.wait_s(question.shop, cost):
            if self._clock() + wait_s >= question.ends:
                raise Throttled(wait_s)
            await self._sleep(wait_s)
        self._points.spend(question.shop, cost)

    async def _once(self, question: _Question, token: ShopToken) -> Answer:
        url = self._addresses.of(question.shop, f"api/{self._version}/graphql.json")
        asked = question.variables
        variables = asked(token.scopes) if callable(asked) else asked
        sent = {"query": question.operation.text, "variables": dict(variables)}
        headers = {"X-Shopify-Access-Token": token.token}
        try:
            async with asyncio.timeout(min(TRY_S, question.ends - self._clock())):
                answered = await post_json(
                    self._http, url, sent, max_bytes=ANSWER_BYTES, headers=headers
                )
        except (httpx.HTTPError, httpx.InvalidURL, AnswerTooLarge, TimeoutError) as error:
            raise ShopifyUnavailable(type(error).__name__) from None
        self._look_at(answered.headers)
        body = read_body(answered)
        self._learn(question, body)
        return Answer(good_data(body), body.denied, token.scopes)

    def _learn(self, question: _Question, body: Body) -> None:
        """Remembers the bucket and the cost. Raises Throttled, or QueryTooLarge for what the
        bucket would not hold when full.
        """
        self._points.learn(question.shop, body.cost)
        name, requested = question.operation.name, body.cost.get("requestedQueryCost")
        if isinstance(requested, int | float):
            self._costs[name] = requested
        if "THROTTLED" in body.codes:
            cost = self._costs.get(name, 0)
            if self._points.never(question.shop, cost):
                raise QueryTooLarge("more than the bucket holds")
            raise Throttled(max(1, self._points.wait_s(question.shop, cost)))

    def _look_at(self, headers: httpx.Headers) -> None:
        """Shopify answers an unsupported version with another one, silently but for a header."""
        version = headers.get("X-Shopify-API-Version")
        if version and version != self._version:
            self._tell("Shopify answered with another API version", version)
        if reason := headers.get("X-Shopify-API-Deprecated-Reason"):
            self._tell("this API version or a field of it is deprecated", reason)

    def _tell(self, what: str, detail: str) -> None:
        if (what, detail) not in self._told:
            self._told.add((what, detail))
            log.warning(what, extra={"asked": self._version, "why": detail[:200]})
