"""Whose requests a limit counts, through the real gateway, as if CloudFront stood before it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import httpx
import pytest
import websockets

from tests.e2e.browser import Browser
from tests.e2e.running import Running

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

SECRET = "what-cloudfront-adds"
INSTALL = "/api/v1/shopify/install"


@pytest.fixture(scope="module")
def behind(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Knows what CloudFront adds, and lets each address do everything twice."""
    limits = {"LIMIT_ADDRESS_CONNECTS_PER_MINUTE": "2", "LIMIT_INSTALLS_PER_MINUTE": "2"}
    environ = {**os.environ, **limits, "ORIGIN_SECRET": SECRET}
    running = Running(tmp_path_factory.mktemp("behind") / "data", environ=environ)
    running.start()
    yield running
    running.stop()


def viewer(address: str, secret: str | None = SECRET) -> dict[str, str]:
    """What CloudFront adds to a request; without the secret, what anybody could add."""
    told = {"CloudFront-Viewer-Address": address}
    return told if secret is None else {**told, "X-Origin-Secret": secret}


async def connected(url: str, cookie: str, headers: Mapping[str, str]) -> int:
    """The status that a handshake ends with."""
    try:
        async with websockets.connect(
            url.replace("http", "ws", 1) + "/ws",
            origin=url,  # type: ignore[arg-type]
            additional_headers={"Cookie": cookie, **headers},
            proxy=None,
        ):
            return 101
    except websockets.InvalidStatus as refused:
        return refused.response.status_code


async def test_each_browser_behind_cloudfront_has_a_limit_of_its_own(behind: Running) -> None:
    url, browser = behind.url, Browser(behind.url)
    async with httpx.AsyncClient(base_url=url, trust_env=False) as http:
        browser.cookie = f"cj_session={(await http.get('/api/v1/session')).cookies['cj_session']}"
    for viewers in (
        ["198.51.100.10:46532", "198.51.100.10:46533", "198.51.100.10:46534"],
        ["2001:db8:1:2::1:443", "2001:db8:1:2:3::4:443", "[2001:db8:1:2::9]:443"],
    ):
        knocks = [await connected(url, browser.cookie, viewer(address)) for address in viewers]
        assert knocks == [101, 101, 429]
    unknown = [viewer("198.51.100.20:1", None), viewer("198.51.100.21:1", "guessed"), {}]
    knocks = [await connected(url, browser.cookie, headers) for headers in unknown]
    assert knocks == [101, 101, 429]


async def test_each_browser_behind_cloudfront_has_installations_of_its_own(
    behind: Running,
) -> None:
    async def begun(headers: Mapping[str, str]) -> int:
        query = {"shop": "corner-candles", "mode": "json"}
        return (await http.get(INSTALL, params=query, headers=headers)).status_code

    async with httpx.AsyncClient(base_url=behind.url, trust_env=False) as http:
        for address in ("198.51.100.10", "[2001:db8:1:2::1]"):
            told = [await begun(viewer(f"{address}:{port}")) for port in (1, 2, 3)]
            assert told == [200, 200, 429]
        unknown = [viewer("198.51.100.20:1", None), viewer("198.51.100.21:1", "guessed"), {}]
        assert [await begun(headers) for headers in unknown] == [200, 200, 429]


async def test_a_machine_that_is_called_by_its_ipv6_address_answers(cj_url: str) -> None:
    host = {"Host": f"[::1]:{urlsplit(cj_url).port}"}
    async with httpx.AsyncClient(base_url=cj_url, headers=host, trust_env=False) as http:
        me = await http.get("/api/v1/session")
        assert (me.status_code, me.json()) == (200, {"user": None, "shop": None})
        elsewhere = await http.get(INSTALL, params={"shop": "corner-candles"})
    assert elsewhere.status_code == 302
    assert elsewhere.headers["location"] == f"{cj_url}{INSTALL}?shop=corner-candles"
