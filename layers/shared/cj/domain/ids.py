"""Ids. Rows get UUIDv7: new ones sort behind old ones. None of them is a secret."""

from __future__ import annotations

import hashlib
import secrets
import time
from uuid import UUID


def new_id(now_ms: int | None = None, random: bytes | None = None) -> UUID:
    """A UUIDv7 from a moment and ten random bytes (RFC 9562, section 5.7)."""
    ms = time.time_ns() // 1_000_000 if now_ms is None else now_ms
    tail = int.from_bytes(secrets.token_bytes(10) if random is None else random)
    return UUID(
        int=(ms & (1 << 48) - 1) << 80
        | 0x7 << 76
        | (tail >> 68 & 0xFFF) << 64
        | 0b10 << 62
        | tail & (1 << 62) - 1
    )


def anonymous_owner_id(random: bytes | None = None) -> str:
    """An owner who has not signed in: `anon_` and sixteen random bytes."""
    return f"anon_{(secrets.token_bytes(16) if random is None else random).hex()}"


def user_id(shop_domain: str, digits: int = 8) -> str:
    """The user of a shop, from its normalised domain. It authorises nothing.

    Eight digits collide now and then. The database decides: where the id belongs to another
    shop, ask for 12 digits, then for 16.
    """
    if digits not in (8, 12, 16):
        raise ValueError(f"{digits} digits: a user id has 8, 12 or 16")
    return f"usr_{hashlib.sha256(shop_domain.encode()).hexdigest()[:digits]}"
