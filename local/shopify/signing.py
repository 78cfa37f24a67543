"""What Shopify signs with the application's secret: callback queries and webhook bodies."""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import TYPE_CHECKING
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Mapping


def sign_query(parameters: Mapping[str, str], secret: str) -> str:
    """The `hmac` parameter: hex, over the sorted and encoded others."""
    message = "&".join(f"{_encoded(k)}={_encoded(v)}" for k, v in sorted(parameters.items()))
    return hmac.new(secret.encode(), message.encode(), hashlib.sha256).hexdigest()


def sign_body(body: bytes, secret: str) -> str:
    """The HMAC header of a webhook: base64, over the raw body."""
    return base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()


def _encoded(text: str) -> str:
    return quote(text, safe="*-._").replace("~", "%7E")
