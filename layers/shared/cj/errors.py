"""Everything that can go wrong, as nouns. Catch the exact class, once; only edges translate.

`message` is for a person outside and holds nothing of the inside; str(exc) is for the log.
"""

from __future__ import annotations


class CJError(Exception):
    """The top of the tree."""

    code = "internal"
    message = "Something went wrong on our side."
    retryable = False
    retry_ms: int | None = None
    status = 500
    re: str | None = None  # the client's id of what it was about, where that is known


class SettingsInvalid(CJError):
    """A setting is wrong or missing; the text names it and what it should look like."""


class MigrationInvalid(CJError):
    """A migration cannot be applied; the text says which and why."""


# What a caller did


class BadFrame(CJError):
    """A frame that cannot be understood. The socket stays."""

    status = 400

    def __init__(self, code: str, message: str, re: str | None = None) -> None:
        super().__init__(f"{code}: {message}")
        self.code, self.message, self.re = code, message, re


class BadCursor(CJError):
    """A cursor that no page of ours gave out."""

    code = "bad_request"
    message = "This page of the list cannot be found. Start again from the first one."
    status = 400


class Unauthenticated(CJError):
    """No session, or one that is over."""

    code = "unauthenticated"
    message = "Your session has ended. Reload the page to go on."
    retryable = True
    status = 401


class OriginRefused(CJError):
    """A page of somebody else's tried to speak for the browser."""

    code = "unauthenticated"
    message = "This page may not connect here."
    status = 403


class NotFound(CJError):
    """Missing or somebody else's: from outside the two look the same."""

    code = "not_found"
    message = "There is no such conversation."
    status = 404


class IdConflict(CJError):
    """The same message id with another text."""

    code = "id_conflict"
    message = "This message id was used for another message."
    status = 409


class OutOfOrder(CJError):
    """The message before this one has not arrived."""

    code = "out_of_order"
    message = "An earlier message has not arrived yet."
    retryable = True
    retry_ms = 500
    status = 409


class Overloaded(CJError):
    """Too many messages of a conversation wait for their answer."""

    code = "overloaded"
    message = "Several messages are waiting for an answer already. Try again in a moment."
    retryable = True
    retry_ms = 3_000
    status = 429


# What the stores did


class StoreError(CJError):
    """PostgreSQL gave no answer that counts."""

    code = "unavailable"
    message = "CJ cannot reach its memory right now. Try again in a moment."
    retryable = True
    retry_ms = 3_000
    status = 503


class StoreUnavailable(StoreError):
    """An outage: refused, reset, read-only, or in the middle of a failover."""


class StoreBusy(StoreError):
    """PostgreSQL is there and slow: not an outage."""


class StoreMisconfigured(CJError):
    """The database is there and not as it should be; the text says what to change."""


class LeaseLost(CJError):
    """Another worker has this turn now."""


# What a browser's connection did


class ConnectionGone(CJError):
    """The browser is no longer there: forget this connection, go on."""


class PushFailed(CJError):
    """A frame could not be delivered; the next start repairs it."""
