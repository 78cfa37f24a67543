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


class SettingsInvalid(CJError):
    """A setting is wrong or missing; the text names it and what it should look like."""


class JobFailed(CJError):
    """A job ended in an error of ours, which is in the log; the text is its name and no more."""


class MigrationInvalid(CJError):
    """A migration cannot be applied; the text says which and why."""


# What a caller did


class BadFrame(CJError):
    """A frame that cannot be understood. The socket stays."""

    status = 400

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code, self.message = code, message


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


class Unfit(CJError):
    """A retry of what cannot be retried: CJ's messages are answered again, own ones rewritten."""

    code = "bad_request"
    message = "Only an answer of CJ's can be made again, and only an own message put differently."
    status = 400


class OutOfOrder(CJError):
    """The message before this one has not arrived."""

    code = "out_of_order"
    message = "An earlier message has not arrived yet."
    retryable = True
    retry_ms = 500
    status = 409


class Busy(CJError):
    """This has to wait until CJ's turn is over."""

    code = "busy"
    message = "CJ is still answering. Try again when the answer is complete."
    retryable = True
    retry_ms = 2_000
    status = 409


class RateLimited(CJError):
    """More of something than its limit allows; `retry_ms` until there is room for one more."""

    code = "rate_limited"
    message = "That was a little too fast. Try again in a moment."
    retryable = True
    status = 429

    def __init__(self, retry_ms: int) -> None:
        super().__init__(f"for {retry_ms} ms")
        self.retry_ms = retry_ms


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


class StorageDegraded(CJError):
    """While PostgreSQL is away open chats go on, and this has to wait."""

    code = "storage_degraded"
    message = "CJ's memory is being repaired: open chats go on, and this has to wait a little."
    retryable = True
    retry_ms = 5_000
    status = 503


class StoreRejected(CJError):
    """PostgreSQL will not take this, however often it is offered."""


class StoreMisconfigured(CJError):
    """The database is there and not as it should be; the text says what to change."""


class EphemeralUnavailable(CJError):
    """Redis gave no answer that counts: gone, silent, read-only, full, or left alone for now."""

    code = "unavailable"
    message = "CJ cannot reach its memory right now. Try again in a moment."
    retryable = True
    retry_ms = 3_000
    status = 503


class LeaseLost(CJError):
    """Another worker has this turn now."""


# What CJ did


class ModelUnavailable(CJError):
    """The model gave no answer."""

    code = "model_unavailable"
    message = "CJ cannot think of an answer right now. Try again in a moment."
    retryable = True
    retry_ms = 5_000
    status = 503


class TimedOut(CJError):
    """It took longer than anybody waits. Whether it was done is open: the same id asks again."""

    code = "timeout"
    message = "That took too long. Try again in a moment."
    retryable = True
    retry_ms = 2_000
    status = 504


# What a browser's connection did


class ConnectionGone(CJError):
    """The browser is no longer there: forget this connection, go on."""


class PushFailed(CJError):
    """A frame could not be delivered; the next start repairs it."""
