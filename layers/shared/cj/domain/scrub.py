"""What may be written down: named fields, and no text that looks like a secret or an address."""

from __future__ import annotations

import re
from typing import Any

# Texts are written under these names and no other; numbers may be written under any.
FIELDS = frozenset(
    {
        # what the formatter makes
        "level",
        "location",
        "message",
        "timestamp",
        "service",
        "exception",
        "exception_name",
        "xray_trace_id",
        # what an invocation is about
        "correlation_id",
        "connection_id",
        "route",
        "cid",
        "turn",
        "shop",
        "merchant_id",
        # what happened
        "asked",
        "code",
        "kind",
        "outcome",
        "setting",
        "status",
        "verb",
        "why",
    }
)

_SECRET = "[secret]"  # noqa: S105 - what stands in a secret's place
_RULES = tuple(
    (re.compile(pattern, re.IGNORECASE), put)
    for pattern, put in (
        (r"\bshp[a-z]{2}_\w+", _SECRET),
        (r"\b(bearer|basic)\s+[\w.~+/=-]+", rf"\1 {_SECRET}"),
        (r"\bA[KS]IA[A-Z0-9]{16}\b", _SECRET),
        (r"((?:set-)?cookie['\"]?\s*[:=]\s*)[^\r\n]+", rf"\1{_SECRET}"),
        (r"(cj_session=)[^;\s'\"]+", rf"\1{_SECRET}"),
        (
            r"\b((?:code|hmac|state|(?:\w+_)?(?:token|secret|password|key))"
            r"(?:=\\?['\"]?|\\?['\"]\s*:\s*\\?['\"]))"
            r"(?!\[secret\])[^\s&'\",;)}\]\\]+",
            rf"\1{_SECRET}",
        ),
        (r"(://)[^/\s@'\"]+(@)", rf"\1{_SECRET}\2"),
        (r"(?<![\w.+-])[\w.+-]+@[\w-]+(?:\.[\w-]+)+", "[e-mail]"),
        # 256 random bits as secrets.token_urlsafe writes them; a hash is longer, an id shorter
        (r"(?<![\w-])(?=[\w-]*(?-i:[A-Z]))[\w-]{43}(?![\w-])", _SECRET),
    )
)


def scrubbed(text: str) -> str:
    """The text without what looks like a token, a cookie, a code, a password or an e-mail."""
    for pattern, put in _RULES:
        text = pattern.sub(put, text)
    return text


def allowed(line: dict[str, Any]) -> dict[str, Any]:
    """The fields of a log line that may leave, scrubbed. What is left out is counted."""
    kept = {
        name: value if _is_number(value) else scrubbed(str(value))
        for name, value in line.items()
        if name in FIELDS or _is_number(value)
    }
    left_out = len(line) - len(kept)
    return {**kept, "left_out": left_out} if left_out else kept


def _is_number(value: object) -> bool:
    return isinstance(value, int | float)
