"""What stands around a function's coroutine: the loop, the log's context, errors as answers."""

from __future__ import annotations

import asyncio
import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cj.domain import replies
from cj.domain.cookies import read_cookie
from cj.domain.frames import addressed
from cj.errors import (
    BadFrame,
    CJError,
    ConnectionGone,
    JobFailed,
    SettingsInvalid,
    TimedOut,
    Unauthenticated,
)
from cj.logs import log_of
from cj.runtime import app, run, start_anew_after, tell_the_operator

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Mapping

    from cj.logs import Journal

    WsWork = Callable[["WsEvent"], Awaitable["Reply"]]
    JobWork = Callable[[dict[str, Any], float], Coroutine[Any, Any, "Reply"]]
    Refuse = Callable[["WsEvent", CJError], Awaitable["Reply"]]
    Handler = Callable[[dict[str, Any], Any], "Reply"]

log = log_of(__name__)
TO_GIVE_UP_S = 7  # a statement under way is waited for, then somebody is told

Reply = dict[str, Any]
OK: Reply = {"statusCode": 200}


@dataclass(frozen=True, slots=True)
class WsEvent:
    """What API Gateway says of one socket: that it opens, what it sends, that it is closed."""

    connection_id: str
    request_id: str
    address: str
    body: str
    headers: Mapping[str, str]

    @classmethod
    def of(cls, event: Mapping[str, Any]) -> WsEvent:
        """Header names in lower case; messages carry none."""
        context = event["requestContext"]
        headers = {name.lower(): value for name, value in (event.get("headers") or {}).items()}
        address = context.get("identity", {}).get("sourceIp", "")
        body = event.get("body") or ""
        return cls(context["connectionId"], context["requestId"], address, body, headers)

    def cookie(self, name: str) -> str | None:
        """A cookie's value, or None where it is missing or nonsense."""
        return read_cookie(self.headers.get("cookie"), name)


async def answer_status(_event: WsEvent, error: CJError) -> Reply:
    """$connect: the handshake is refused with the error's status."""
    return {"statusCode": error.status}


async def answer_frame(event: WsEvent, error: CJError) -> Reply:
    """$default: an error frame that names the frame. Then the socket lives, with two exceptions:
    nobody is signed in on it any more, or it has said nothing sensible for too long.
    """
    re, cid = addressed(event.body)
    frame = replies.error(
        error.code,
        error.message,
        re=re,
        cid=cid,
        retryable=error.retryable,
        retry_ms=error.retry_ms,
    )
    parts, here = app(), event.connection_id
    if isinstance(error, ConnectionGone) or await parts.push.broadcast([here], frame):
        await parts.door.forget(here)
    elif isinstance(error, Unauthenticated) or (
        isinstance(error, BadFrame) and await parts.door.out_of_patience(here)
    ):
        await parts.push.close(here)
    return OK


def ws_handler(refuse: Refuse) -> Callable[[WsWork], Handler]:
    """A Lambda handler around one coroutine: loop, log context, errors translated by `refuse`."""

    def decorate(work: WsWork) -> Handler:
        @functools.wraps(work)
        def handler(event: dict[str, Any], context: Any) -> Reply:
            time_left_s = context.get_remaining_time_in_millis() / 1000
            return run(_guarded(work, refuse, WsEvent.of(event), time_left_s - TO_GIVE_UP_S))

        return handler

    return decorate


async def _guarded(work: WsWork, refuse: Refuse, event: WsEvent, within_s: float) -> Reply:
    """Nothing is raised: API Gateway would answer with a frame that names no frame."""
    try:
        with app().journal.invocation(event.request_id, connection_id=event.connection_id):
            try:
                return await _in_time(work(event), within_s)
            except SettingsInvalid:
                raise
            except CJError as error:
                log.info("refused", extra={"code": error.code, "why": str(error)})
                reply = await _refused(refuse, event, error)
                start_anew_after(error)
                return reply
            except Exception:
                log.exception("failed")
                return await _refused(refuse, event, CJError())
    except SettingsInvalid as error:
        tell_the_operator(error)
        return {"statusCode": error.status}


async def _refused(refuse: Refuse, event: WsEvent, error: CJError) -> Reply:
    try:
        return await refuse(event, error)
    except SettingsInvalid:
        raise
    except Exception:
        log.exception("failed to say so")
        return {"statusCode": error.status}


async def _in_time(work: Awaitable[Reply], within_s: float) -> Reply:
    try:
        async with asyncio.timeout(within_s):
            return await work
    except TimeoutError:
        raise TimedOut from None


def job_handler(work: JobWork) -> Handler:
    """A Lambda handler around one coroutine that gets the event and the seconds it has.

    Errors go on to Lambda after they are logged: whoever invoked sees that it failed.
    """

    @functools.wraps(work)
    def handler(event: dict[str, Any], context: Any) -> Reply:
        time_left_s = context.get_remaining_time_in_millis() / 1000
        correlation_id = str(event.get("correlation_id") or context.aws_request_id)
        try:
            return _logged(app().journal, correlation_id, work(event, time_left_s))
        except SettingsInvalid as error:
            tell_the_operator(error)
            raise error.with_traceback(None) from None

    return handler


def _logged(journal: Journal, correlation_id: str, work: Coroutine[Any, Any, Reply]) -> Reply:
    with journal.invocation(correlation_id):
        try:
            return run(work)
        except SettingsInvalid:
            raise
        except CJError as error:
            log.exception("failed")
            start_anew_after(error)
            raise
        except Exception as error:
            log.exception("failed")
            raise JobFailed(type(error).__name__) from None  # Lambda writes its text down
