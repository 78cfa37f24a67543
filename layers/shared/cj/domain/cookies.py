"""The session cookie. `__Host-` binds it to one https origin; loopback has no https."""

from __future__ import annotations


def session_cookie(*, secure: bool) -> str:
    """The name, with the prefix wherever a browser accepts it."""
    return "__Host-cj_session" if secure else "cj_session"


def read_cookie(header: str | None, name: str) -> str | None:
    """The value of one cookie in a Cookie header."""
    for pair in (header or "").split(";"):
        key, _, value = pair.strip().partition("=")
        if key == name and value:
            return value
    return None
