"""Lambda's Invoke, so that boto3 with an endpoint setting runs the same code as on AWS."""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING
from urllib.parse import unquote

from starlette.responses import JSONResponse, Response
from starlette.routing import Route, Router

from local.gateway.sigv4 import SignatureRefused

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request

    from local.gateway.functions import Functions
    from local.gateway.model import Function, Model
    from local.gateway.sigv4 import Credentials

PREFIX = "/2015-03-31/functions/"
REQUEST_BYTES = 6_291_456
EVENT_BYTES = 1_048_576


def invoke_api(
    model: Callable[[], Model],
    functions: Functions,
    authenticate: Callable[[Request, bytes, str], Awaitable[Credentials]],
) -> Router:
    """POST /2015-03-31/functions/{name or ARN}/invocations, for callers with a signature."""

    async def invoke(request: Request) -> Response:
        body = await request.body()
        request_id = str(uuid.uuid4())
        try:
            await authenticate(request, body, "lambda")
        except SignatureRefused as error:
            return _refused(request_id, error.status, error.error_type, error.message)
        called = _name(request)
        function = model().function_called(_unqualified(called))
        if function is None:
            message = f"Function not found: {called}"
            return _refused(request_id, 404, "ResourceNotFoundException", message, "User")
        return await _invoked(functions, function, request, body, request_id)

    return Router([Route(f"{PREFIX}{{name:path}}/invocations", invoke, methods=["POST"])])


def _name(request: Request) -> str:
    """As the caller wrote it; an ARN arrives URL-encoded."""
    raw: str = request.scope["raw_path"].decode("latin-1")
    return unquote(raw.removeprefix(PREFIX).removesuffix("/invocations"))


def _unqualified(name: str) -> str:
    """Without the version: name:live, ACCOUNT:function:name, or a whole ARN with one more part."""
    parts = name.split(":")
    if parts[0] == "arn":
        return ":".join(parts[:7])
    if "function" in parts[1:2]:
        return parts[2]
    return parts[0]


async def _invoked(
    functions: Functions, function: Function, request: Request, body: bytes, request_id: str
) -> Response:
    kind = request.headers.get("x-amz-invocation-type", "RequestResponse")
    if refusal := _checked(kind, body, request_id):
        return refusal
    if kind == "DryRun":
        return Response(status_code=204, headers=_headers(request_id))
    if kind == "Event":
        functions.send_event(function, body, request_id=request_id)
        return Response(status_code=202, headers=_headers(request_id))
    outcome = await functions.invoke(function, body, request_id=request_id)
    headers = {**_headers(request_id), "X-Amz-Executed-Version": "$LATEST"}
    if outcome.error is not None:
        headers["X-Amz-Function-Error"] = outcome.error
    return Response(outcome.payload, 200, headers, media_type="application/json")


def _checked(kind: str, body: bytes, request_id: str) -> Response | None:
    """Lambda's refusal of this kind of invocation with this payload, if it refuses."""
    if kind not in ("RequestResponse", "Event", "DryRun"):
        message = f"1 validation error detected: Value '{kind}' at 'invocationType' failed"
        return _refused(request_id, 400, "InvalidParameterValueException", message, "User")
    limit = EVENT_BYTES if kind == "Event" else REQUEST_BYTES
    if len(body) > limit:
        message = f"Request must be smaller than {limit} bytes for the InvokeFunction operation"
        return _refused(request_id, 413, "RequestTooLargeException", message, "User")
    if body and not _is_json(body):
        message = "Could not parse request body into json"
        return _refused(request_id, 400, "InvalidRequestContentException", message, "User")
    return None


def _is_json(body: bytes) -> bool:
    try:
        json.loads(body)
    except ValueError:
        return False
    return True


def _refused(
    request_id: str, status: int, error_type: str, message: str, blame: str | None = None
) -> Response:
    """An error as boto3 turns it into its modelled exception."""
    body = {"Message": message} | ({"Type": blame} if blame else {})
    headers = {**_headers(request_id), "x-amzn-ErrorType": error_type}
    return JSONResponse(body, status, headers=headers)


def _headers(request_id: str) -> dict[str, str]:
    return {"x-amzn-RequestId": request_id}
