"""What Shopify signs with the app's secret: the query of a callback, the body of a webhook.

Several secrets may be good at once, while one is replaced by the next. Nothing of ours is ever
signed with them.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from typing import TYPE_CHECKING
from urllib.parse import quote

from cj.errors import CJError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

_HEX = re.compile(r"[0-9a-f]{64}")
_UNSIGNED = ("hmac", "signature")


class SignatureWrong(CJError):
    """Made with none of the secrets that were tried. There may be newer ones by now."""


def canonical_query(parameters: Mapping[str, str]) -> str:
    """The text that is signed: sorted, encoded as Shopify does, without the signature itself."""
    pairs = sorted((k, v) for k, v in parameters.items() if k not in _UNSIGNED)
    return "&".join(f"{_encoded(key)}={_encoded(value)}" for key, value in pairs)


def sign_query(parameters: Mapping[str, str], secret: str) -> str:
    """The `hmac` parameter for these parameters."""
    text = canonical_query(parameters)
    return hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()


def query_is_signed(parameters: Mapping[str, str], secrets: Sequence[str]) -> bool:
    """Whether `hmac` was made with one of the secrets. Never raises, whatever it holds."""
    given = parameters.get("hmac", "")
    if not _HEX.fullmatch(given):
        return False
    return _any_equal(given.encode(), (sign_query(parameters, s).encode() for s in secrets))


def sign_body(body: bytes, secret: str) -> str:
    """The signature header of a webhook with this body."""
    return base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()


def body_is_signed(body: bytes, signature: str | None, secrets: Sequence[str]) -> bool:
    """Whether a webhook's body was signed with one of the secrets. An empty body never was."""
    if not body or not signature:
        return False
    given = signature.encode(errors="surrogatepass")
    return _any_equal(given, (sign_body(body, secret).encode() for secret in secrets))


def _any_equal(given: bytes, expected: Iterable[bytes]) -> bool:
    """Takes as long for the first as for the last."""
    return any([hmac.compare_digest(given, one) for one in expected])


def _encoded(text: str) -> str:
    return quote(text, safe="*-._", errors="surrogatepass").replace("~", "%7E")
