"""The address a merchant's browser comes back to from Shopify, read and checked without a network.

What is left to its caller: consume the state together with the cookie and the shop, and only then
ask Shopify for anything.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cj.domain.shops import shop_domain
from cj.domain.signatures import SignatureWrong, query_is_signed
from cj.errors import CJError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

TOLERANCE_S = 90
_TIMESTAMP = re.compile(r"[0-9]{1,12}")
_CODE = re.compile(r"[!-~]{1,512}")
_AGAIN = "Start the connection again from CJ."


class CallbackRefused(CJError):
    """A callback that Shopify did not send, or not like this. Nothing was done."""

    def __init__(self, reason: str, status: int, message: str) -> None:
        super().__init__(f"callback: {reason}")
        self.code, self.status, self.message = reason, status, message


class CallbackUnsigned(CallbackRefused, SignatureWrong):
    """A callback with a signature that is wrong."""


@dataclass(frozen=True, slots=True)
class Callback:
    """What Shopify said. `state` may be empty or unknown: the stored row decides."""

    shop: str
    code: str = field(repr=False)
    state: str = field(repr=False)


def read_callback(
    query: Sequence[tuple[str, str]], secrets: Sequence[str], now_s: float
) -> Callback:
    """Checks in this order: each parameter once, shop, signature, time, code.

    `query` are the decoded pairs as they came. Raises CallbackRefused with a status and a text
    that a merchant may read; CallbackUnsigned where newer secrets may change it.
    """
    parameters = dict(query)
    if len(parameters) != len(query):
        raise CallbackRefused("repeated_parameter", 400, f"This link is damaged. {_AGAIN}")
    shop = shop_domain(parameters.get("shop", ""))
    if shop is None:
        raise CallbackRefused("invalid_shop", 400, f"This is no Shopify store. {_AGAIN}")
    if not parameters.get("hmac"):
        raise CallbackRefused("hmac_missing", 400, f"This link is not complete. {_AGAIN}")
    if not query_is_signed(parameters, secrets):
        raise CallbackUnsigned("hmac_wrong", 401, f"This link does not come from Shopify. {_AGAIN}")
    if not _is_recent(parameters.get("timestamp", ""), now_s):
        raise CallbackRefused("timestamp_wrong", 400, f"This link is too old. {_AGAIN}")
    return Callback(shop, _code(parameters), parameters.get("state", ""))


def _is_recent(timestamp: str, now_s: float) -> bool:
    if not _TIMESTAMP.fullmatch(timestamp):
        return False
    return abs(int(timestamp) - now_s) <= TOLERANCE_S


def _code(parameters: Mapping[str, str]) -> str:
    code = parameters.get("code", "")
    if "error" in parameters:
        raise CallbackRefused("denied", 400, f"The connection was cancelled at Shopify. {_AGAIN}")
    if not _CODE.fullmatch(code):
        raise CallbackRefused("code_missing", 400, f"This link is not complete. {_AGAIN}")
    return code
