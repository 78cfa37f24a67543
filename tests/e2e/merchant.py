"""A merchant with a browser: types a shop's name, agrees at Shopify, lands in the chat."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Self
from urllib.parse import parse_qsl, urlsplit

import httpx

if TYPE_CHECKING:
    from types import TracebackType

PATIENCE_S = 60
_TICKET = re.compile(r'name="ticket" value="(\w+)"')


class Merchant:
    """One browser. Its cookies outlive the visits."""

    def __init__(self, url: str) -> None:
        self.http = httpx.AsyncClient(base_url=url, trust_env=False, timeout=PATIENCE_S)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        exc: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.http.aclose()

    @property
    def cookie(self) -> str:
        """As a socket sends it."""
        return f"cj_session={self.http.cookies['cj_session']}"

    async def ask(self, shop: str, **more: str) -> str:
        """Types a shop's name; gives the address of its consent page."""
        asked = {"shop": shop, **more}
        return where(await self.http.get("/api/v1/shopify/install", params=asked))

    async def agree(self, consent: str) -> str:
        """Presses the button, if Shopify asks; gives the address to come back to."""
        page = await self.http.get(consent)
        if page.status_code == httpx.codes.FOUND:
            return where(page)
        ticket = _TICKET.search(page.text)
        assert ticket, page.text
        form = {"ticket": ticket[1], "decision": "approve"}
        return where(await self.http.post(consent.partition("?")[0], data=form))

    async def connect(self, shop: str, **more: str) -> dict[str, str]:
        """The whole way; gives what stands in the chat's address."""
        back = await self.agree(await self.ask(shop, **more))
        landed = urlsplit(where(await self.http.get(back)))
        assert landed.path == "/chat"
        return dict(parse_qsl(landed.query))


def where(answer: httpx.Response) -> str:
    """Where a browser goes next."""
    assert answer.status_code in (302, 303), answer.text
    return str(answer.headers["location"])
