"""What the HTTP functions share: the FastAPI app, errors as JSON, the session behind a cookie."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from mangum import Mangum
from mangum.handlers import HTTPGateway
from starlette.exceptions import HTTPException

from cj.domain.addresses import counted_address
from cj.domain.cookies import session_cookie
from cj.errors import CJError, OriginRefused, SettingsInvalid
from cj.flows.connect import SESSION, Visitor
from cj.logs import log_of
from cj.runtime import app, loop, start_anew_after, tell_the_operator

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from mangum.types import Scope

log = log_of(__name__)
HARMLESS = frozenset({"GET", "HEAD", "OPTIONS"})


async def from_our_page(request: Request) -> None:
    """A call that changes something comes from our own page. Raises OriginRefused."""
    ours = request.headers.get("origin") in app().settings.origins
    if request.method not in HARMLESS and not ours:
        raise OriginRefused


def make_api(title: str, *guards: Callable[[Request], Awaitable[None]]) -> FastAPI:
    """An app whose every refusal is {"error": {"code", "message"}} and holds no inside.

    `guards` look at every request first.
    """
    dependencies = [Depends(guard) for guard in guards]
    api = FastAPI(
        title=title, docs_url=None, redoc_url=None, openapi_url=None, dependencies=dependencies
    )
    api.add_exception_handler(CJError, refuse)
    api.add_exception_handler(RequestValidationError, _refuse_input)
    api.add_exception_handler(HTTPException, _refuse_route)
    api.add_exception_handler(Exception, _fail)
    return api


def http_handler(api: FastAPI) -> Callable[[dict[str, Any], Any], dict[str, Any]]:
    """A Lambda handler around the app, on the process's loop."""
    # Lifespan on or auto would run the app's start-up at every request.
    adapter = Mangum(api, lifespan="off", custom_handlers=[_AnyHost])

    def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
        loop()
        request = event["requestContext"]
        try:
            journal = app().journal
        except SettingsInvalid as error:
            tell_the_operator(error)
            return _unset(error)
        with journal.invocation(request["requestId"], route=request.get("routeKey")):
            reply: dict[str, Any] = adapter(event, context)
        reply["headers"] = {"cache-control": "no-store", **reply["headers"]}
        return reply

    return handler


class _AnyHost(HTTPGateway):
    """Mangum takes a Host apart at its one colon; `[::1]:8000` has more of them."""

    @property
    def scope(self) -> Scope:
        headers = dict(self.event["headers"])
        host = headers.pop("host", None)
        scope = HTTPGateway({**self.event, "headers": headers}, self.context, self.config).scope
        if host is not None:
            scope["headers"].append([b"host", host.encode()])
        return {**scope, "aws.event": self.event}


def address_of(request: Request) -> str:
    """Where the request comes from, for limits: the browser's own, also behind CloudFront."""
    seen = "" if request.client is None else request.client.host
    return counted_address(seen, request.headers, app().settings.origin_secrets)


def cookie_of(request: Request) -> str | None:
    """The session token a browser sent."""
    return request.cookies.get(session_cookie(secure=app().settings.secure_cookies))


def set_session_cookie(response: Response, token: str) -> None:
    """Out of reach of scripts, for this origin only, seven days."""
    secure = app().settings.secure_cookies
    response.set_cookie(
        session_cookie(secure=secure),
        token,
        max_age=int(SESSION.total_seconds()),
        path="/",
        secure=secure,
        httponly=True,
        samesite="lax",
    )


def clear_session_cookie(response: Response) -> None:
    """The browser forgets it; nobody accepts it any more anyway."""
    secure = app().settings.secure_cookies
    response.delete_cookie(
        session_cookie(secure=secure), path="/", secure=secure, httponly=True, samesite="lax"
    )


async def _signed_in(request: Request) -> Visitor:
    return await app().visitors.recognise(cookie_of(request))


SignedIn = Annotated[Visitor, Depends(_signed_in)]


def _unset(error: SettingsInvalid) -> dict[str, Any]:
    """An answer that needs no setting."""
    body = json.dumps({"error": {"code": error.code, "message": error.message}})
    headers = {"content-type": "application/json", "cache-control": "no-store"}
    return {"statusCode": error.status, "headers": headers, "body": body}


def _error(
    status: int, code: str, message: str, headers: Mapping[str, str] | None = None
) -> Response:
    return JSONResponse({"error": {"code": code, "message": message}}, status, headers)


async def refuse(_request: Request, error: Exception) -> Response:
    """{"error": ...} with the error's status, after it was written down."""
    assert isinstance(error, CJError)  # noqa: S101 - what this handler is registered for
    if isinstance(error, SettingsInvalid):
        tell_the_operator(error)
    else:
        log.info("refused", extra={"code": error.code, "why": str(error)})
    start_anew_after(error)
    wait_s = -(-(error.retry_ms or 0) // 1000)
    headers = {"Retry-After": str(wait_s)} if wait_s else None
    return _error(error.status, error.code, error.message, headers)


async def _refuse_input(_request: Request, error: Exception) -> Response:
    """An id that is none is 422; any other wrong input is 400."""
    assert isinstance(error, RequestValidationError)  # noqa: S101
    first = error.errors()[0]
    status = 422 if first["loc"][0] == "path" else 400
    return _error(status, "bad_request", f"{first['loc'][-1]}: {first['msg']}")


async def _refuse_route(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101
    code = "not_found" if error.status_code == 404 else "bad_request"
    return _error(error.status_code, code, "There is nothing here that does this.", error.headers)


async def _fail(_request: Request, _exc: Exception) -> Response:
    return _error(500, "internal", CJError.message)
