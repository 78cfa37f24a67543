"""The control API from another process: one method for every verb of control.py.

shopify = ControlClient("http://127.0.0.1:40123")
shopify.uninstall(shop="corner-candles.myshopify.com")
shopify.orders("corner-candles.myshopify.com")[0]["current_total"]
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import httpx

from local.shopify.control import VERBS, ControlRefused

if TYPE_CHECKING:
    from collections.abc import Callable

_TIMEOUT_S = 10


@dataclass(frozen=True, slots=True)
class ControlClient:
    """Blocks until it is done. Raises ControlRefused as the verbs do."""

    url: str

    def __getattr__(self, verb: str) -> Callable[..., None]:
        if verb not in VERBS:
            raise AttributeError(verb)
        return partial(self._post, verb)

    def everything(self) -> dict[str, Any]:
        """Clock, shops, faults, deliveries and the newest attempts."""
        return self._get("/control")

    def store(self, shop: str) -> dict[str, Any]:
        """A shop's data as it is now; amounts and moments are text."""
        return self._get(f"/control/shops/{shop}")

    def orders(self, shop: str) -> list[dict[str, Any]]:
        """Newest first, also those no application may see."""
        return list(self.store(shop)["orders"])

    def _get(self, path: str) -> dict[str, Any]:
        with httpx.Client(trust_env=False, timeout=_TIMEOUT_S) as client:
            return dict(client.get(f"{self.url}{path}").raise_for_status().json())

    def _post(self, verb: str, **parameters: Any) -> None:
        with httpx.Client(trust_env=False, timeout=_TIMEOUT_S) as client:
            answer = client.post(f"{self.url}/control/{verb}", json=parameters)
        if answer.status_code == httpx.codes.BAD_REQUEST:
            raise ControlRefused(answer.json()["error"])
        answer.raise_for_status()
