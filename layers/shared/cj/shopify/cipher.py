"""Tokens at rest: sealed for one merchant and one column, so that no text opens elsewhere.

`v1.<key version>.<wrapped key>.<nonce and ciphertext>`, AES-256-GCM, the parts in base64url. The
associated data name the merchant, the column and the key version.
"""

from __future__ import annotations

import base64
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from cj.shopify.errors import TokenUnreadable
from cj.shopify.keys import KeyName

if TYPE_CHECKING:
    from uuid import UUID

    from cj.shopify.keys import DataKey, Keys

Column: TypeAlias = Literal["api_key", "refresh_token"]

_FORMAT = "v1"
_NONCE_BYTES = 12


@dataclass(frozen=True, slots=True)
class TokenCipher:
    """Seals and opens with the keys it was given."""

    keys: Keys

    async def seal(self, token: str, merchant: UUID, column: Column) -> str:
        """The text to store in that column of that merchant's row."""
        return _sealed(await self.keys.newest(), token, merchant, column)

    async def open(self, text: str, merchant: UUID, column: Column) -> str:
        """The token. Raises TokenUnreadable for a text of another row, column or key."""
        name, sealed = _parts(text)
        plain = await self.keys.opened(name)
        bound = _bound(merchant, column, name)
        try:
            found = AESGCM(plain).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], bound)
        except (InvalidTag, ValueError):
            raise TokenUnreadable("sealed for another row, or damaged") from None
        return found.decode()

    async def is_current(self, text: str) -> bool:
        """Whether the newest key sealed this."""
        return _parts(text)[0].version == (await self.keys.newest()).name.version


def _sealed(key: DataKey, token: str, merchant: UUID, column: Column) -> str:
    nonce = secrets.token_bytes(_NONCE_BYTES)
    bound = _bound(merchant, column, key.name)
    sealed = nonce + AESGCM(key.plain).encrypt(nonce, token.encode(), bound)
    return f"{_FORMAT}.{key.name.version}.{_text(key.name.wrapped)}.{_text(sealed)}"


def _bound(merchant: UUID, column: Column, key: KeyName) -> bytes:
    return f"{merchant}|{column}|{key.version}".encode()


def _parts(text: str) -> tuple[KeyName, bytes]:
    parts = text.split(".")
    if len(parts) != 4 or parts[0] != _FORMAT:
        raise TokenUnreadable("not a sealed token")
    try:
        return KeyName(parts[1], _bytes(parts[2])), _bytes(parts[3])
    except ValueError:
        raise TokenUnreadable("not a sealed token") from None


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _bytes(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
