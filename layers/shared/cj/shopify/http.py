"""The way to Shopify: one client per process, addresses of shops, answers of bounded size."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import httpx

from cj.domain.shops import shop_domain
from cj.errors import SettingsInvalid
from cj.shopify.errors import ShopInvalid

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_TOKEN = re.compile(r"[!-~]{1,1024}")


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where a shop is. `base_url` stands in for all of Shopify and may only be this machine."""

    base_url: str | None = None

    def __post_init__(self) -> None:
        if self.base_url and urlsplit(self.base_url).hostname not in _LOOPBACK:
            raise SettingsInvalid("SHOPIFY_BASE_URL: may only be an address of this machine")

    def of(self, shop: str, path: str) -> str:
        """The address of a path below `/admin/`. Raises ShopInvalid before anything is sent."""
        if shop_domain(shop) != shop:
            raise ShopInvalid("not the domain of a shop")
        root = f"{self.base_url.rstrip('/')}/{shop}" if self.base_url else f"https://{shop}"
        return f"{root}/admin/{path}"


class AnswerTooLarge(Exception):
    """More bytes than any right answer has."""


@dataclass(frozen=True, slots=True)
class Answered:
    """An HTTP answer, read whole."""

    status: int
    headers: httpx.Headers
    body: bytes


def make_http(transport: httpx.AsyncBaseTransport | None = None) -> httpx.AsyncClient:
    """The one client of a process. No redirect is followed and no proxy looked up."""
    return httpx.AsyncClient(
        transport=transport,
        follow_redirects=False,
        trust_env=False,
        timeout=httpx.Timeout(5),
        # What is not compressed cannot unfold into more than the cap.
        headers={"Accept": "application/json", "Accept-Encoding": "identity"},
    )


async def post_json(
    http: httpx.AsyncClient,
    url: str,
    body: Mapping[str, Any],
    *,
    max_bytes: int,
    headers: Mapping[str, str] | None = None,
) -> Answered:
    """Sends and reads at most `max_bytes`. Raises httpx's errors and AnswerTooLarge."""
    async with http.stream("POST", url, json=body, headers=headers) as response:
        read = bytearray()
        async for piece in response.aiter_raw():
            read += piece
            if len(read) > max_bytes:
                raise AnswerTooLarge
        return Answered(response.status_code, response.headers, bytes(read))


def is_token(text: object) -> bool:
    """Whether this can travel in a header; an illegal one would be quoted in an error's text."""
    return isinstance(text, str) and _TOKEN.fullmatch(text) is not None
