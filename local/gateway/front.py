"""One port for everything: which of the APIs, apps and files a request is for."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from local.gateway.connections_api import ConnectionsApi, addressed
from local.gateway.http_api import HttpEndpoint
from local.gateway.report import Served
from local.gateway.websocket_api import WebSocketEndpoint

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from starlette.types import ASGIApp, Receive, Scope, Send

    from local.gateway.connections import Connections
    from local.gateway.integration import Integrations
    from local.gateway.limits import Limits
    from local.gateway.model import Model, WebSocketApi
    from local.gateway.report import Report
    from local.gateway.sigv4 import Keyring
    from local.gateway.static import StaticPage

INVOKE_PREFIX = "/2015-03-31/functions/"


@dataclass(slots=True)
class Front:
    """The ASGI application. `serve` takes a model, at the start and after each reload."""

    integrations: Integrations
    connections: Connections
    keyring: Keyring
    limits: Limits
    report: Callable[[Report], None]
    invoke: ASGIApp  # Lambda Invoke
    mounts: Mapping[str, ASGIApp]
    page: StaticPage | None
    _http: list[HttpEndpoint] = field(default_factory=list)
    _sockets: dict[str, WebSocketEndpoint] = field(default_factory=dict)  # by stage

    def serve(self, model: Model) -> None:
        """New routes for whatever comes next; open connections stay."""
        account_id = next((f.arn.split(":")[4] for f in model.functions.values()), "000000000000")
        self._http = [
            HttpEndpoint(api, self.integrations, self.keyring, self.limits, account_id, self.report)
            for api in model.http_apis
        ]
        self._sockets = {
            api.stage: WebSocketEndpoint(
                api, self.integrations, self.connections, self.limits, self.report
            )
            for api in model.websocket_apis
        }

    def _api_of_stage(self, stage: str) -> WebSocketApi | None:
        endpoint = self._sockets.get(stage)
        return endpoint.api if endpoint else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The most specific taker first."""
        app = self._mounted(scope["path"])
        if app is not None:
            await app(scope, receive, send)
        elif scope["type"] == "websocket":
            endpoint = self._sockets.get(scope["path"].strip("/"))
            await (endpoint or _no_such_stage)(scope, receive, send)
        elif scope["path"].startswith(INVOKE_PREFIX):
            await self.invoke(scope, receive, send)
        else:
            response = await self._answer(Request(scope, receive))
            await response(scope, receive, send)

    def _mounted(self, path: str) -> ASGIApp | None:
        for prefix, app in self.mounts.items():
            if path == prefix or path.startswith(prefix.rstrip("/") + "/"):
                return app
        return None

    async def _answer(self, request: Request) -> Response:
        raw_path = request.scope["raw_path"].decode("latin-1")
        if target := addressed(raw_path):
            return await self._to_connection(request, *target)
        for endpoint in self._http:
            if match := endpoint.match(request.method, raw_path):
                return await endpoint.serve(request, match)
        if request.url.path.strip("/") in self._sockets:
            return JSONResponse({"message": "Upgrade Required"}, 426, {"Upgrade": "websocket"})
        return await self._file(request)

    async def _to_connection(self, request: Request, stage: str, connection_id: str) -> Response:
        started = time.monotonic()
        api = ConnectionsApi(self.connections, self.keyring, self.limits, self._api_of_stage)
        response = await api.serve(request, stage, connection_id)
        took = (time.monotonic() - started) * 1000
        self.report(
            Served("@connections", request.method, response.status_code, took, connection_id)
        )
        return response

    async def _file(self, request: Request) -> Response:
        started = time.monotonic()
        try:
            if self.page is None or request.method not in ("GET", "HEAD"):
                raise HTTPException(404)
            response = await self.page.respond(request.scope)
        except HTTPException as error:
            response = JSONResponse({"message": "Not Found"}, error.status_code)
        took = (time.monotonic() - started) * 1000
        target = f"{request.method} {request.url.path}"
        self.report(Served("PAGE", target, response.status_code, took))
        return response


async def _no_such_stage(scope: Scope, receive: Receive, send: Send) -> None:
    """A handshake for a stage nobody deployed: 403, as API Gateway answers it."""
    await receive()
    await JSONResponse({"message": "Forbidden"}, 403)(scope, receive, send)
