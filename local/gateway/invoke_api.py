"""Lambda Invoke: what boto3 calls, answered as Lambda answers."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING
from urllib.parse import unquote

from starlette.applications import Starlette
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from local.gateway.sigv4 import SignatureRefused

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request

    from local.gateway.functions import Functions
    from local.gateway.model import Function, Model
    from local.gateway.sigv4 import Credentials

_SYNCHRONOUS_BYTES = 6 * 1024 * 1024
_EVENT_BYTES = 1024 * 1024


def invoke_api(
    model: Callable[[], Model],
    functions: Functions,
    authenticate: Callable[[Request, bytes, str], Awaitable[Credentials]],
) -> Starlette:
    """The API for whatever model is served now; `authenticate` raises SignatureRefused."""

    async def invoke(request: Request) -> Response:
        body = await request.body()
        try:
            await authenticate(request, body, "lambda")
        except SignatureRefused as refused:
            return _error(refused.status, refused.error_type, str(refused))
        name = unquote(request.path_params["name"])
        function = model().function_called(name)
        if function is None:
            return _error(404, "ResourceNotFoundException", f"Function not found: {name}")
        kind = request.headers.get("x-amz-invocation-type", "RequestResponse")
        return await _invoke(functions, function, body, kind)

    path = "/2015-03-31/functions/{name:path}/invocations"
    return Starlette(routes=[Route(path, invoke, methods=["POST"])])


async def _invoke(functions: Functions, function: Function, body: bytes, kind: str) -> Response:
    limit = _EVENT_BYTES if kind == "Event" else _SYNCHRONOUS_BYTES
    if len(body) > limit:
        said = f"Request must be smaller than {limit} bytes for the InvokeFunction operation"
        return _error(413, "RequestTooLargeException", said)
    request_id = str(uuid.uuid4())
    headers = {"x-amzn-RequestId": request_id, "X-Amz-Executed-Version": "$LATEST"}
    match kind:
        case "DryRun":
            return Response(status_code=204, headers=headers)
        case "Event":
            functions.send_event(function, body, request_id=request_id)
            return Response(status_code=202, headers=headers)
        case "RequestResponse":
            outcome = await functions.invoke(function, body, request_id=request_id)
            if outcome.error is not None:
                headers["X-Amz-Function-Error"] = outcome.error
            return Response(outcome.payload, media_type="application/json", headers=headers)
    return _error(400, "InvalidParameterValueException", f"Invocation type {kind} is unknown")


def _error(status: int, kind: str, message: str) -> Response:
    document = {"Type": "User", "message": message, "Message": message}
    return JSONResponse(document, status, headers={"x-amzn-ErrorType": kind})
