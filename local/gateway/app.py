"""The gateway as one thing: a template in, everything it describes on one port."""

from __future__ import annotations

import json
import os
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Self

from local.gateway import template
from local.gateway.connections import Connections
from local.gateway.endpoints import localised, sdk_endpoints
from local.gateway.front import Front
from local.gateway.functions import Functions
from local.gateway.integration import Integrations
from local.gateway.invoke_api import invoke_api
from local.gateway.limits import Limits
from local.gateway.model import GatewayError
from local.gateway.reload import Reload
from local.gateway.schedules import Schedules
from local.gateway.server import Server, listen
from local.gateway.sigv4 import Keyring
from local.gateway.static import StaticPage

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from starlette.types import ASGIApp

    from local.gateway.functions import ChildStats, Outcome
    from local.gateway.model import Function, Model
    from local.gateway.report import Report
    from local.gateway.sigv4 import Credentials

OPERATOR = "arn:aws:iam::123456789012:role/operator"


def _silent(_: Report) -> None:
    """For a gateway nobody watches."""


@dataclass(frozen=True, slots=True)
class Options:
    """What can be said about a gateway besides its template."""

    template: Path
    host: str = "127.0.0.1"
    port: int = 8000  # 0: a free one
    environment: Mapping[str, str] = field(default_factory=dict)  # over shell, over template
    # The same for one function alone, by logical id: secrets that the others must not see.
    function_environment: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    parameters: Mapping[str, str] = field(default_factory=dict)
    static: Path | None = None  # a folder with index.html
    mounts: Mapping[str, ASGIApp] = field(default_factory=dict)  # by prefix, which stays
    limits: Limits = field(default_factory=Limits)
    freeze: bool = False
    duplicate_events: bool = False
    reload: bool = False
    schedules: bool = True
    report: Callable[[Report], None] = _silent


class Gateway:
    """Everything runs between `async with` and its end; the port is taken first."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._keyring = Keyring()
        self._connections = Connections()
        self._stack = AsyncExitStack()
        self.credentials = self._keyring.issue(OPERATOR, "operator")
        self.port = options.port

    @property
    def address(self) -> str:
        """Host and port, as URLs have them."""
        host = self._options.host
        return f"[{host}]:{self.port}" if ":" in host else f"{host}:{self.port}"

    @property
    def url(self) -> str:
        return f"http://{self.address}"

    @property
    def model(self) -> Model:
        """What is served now; changes with a reload."""
        return self._model

    async def __aenter__(self) -> Self:
        """Serving when it returns; GatewayError says what the person who started it can do."""
        options = self._options
        listener = listen(options.host, options.port)
        self.port = listener.getsockname()[1]
        self._stack.callback(listener.close)
        try:
            await self._start(listener)
        except BaseException:
            await self._stack.aclose()
            raise
        return self

    async def _start(self, listener: socket.socket) -> None:
        """Entered first is left last: functions outlive the port, the port outlives sockets."""
        options, enter = self._options, self._stack.enter_async_context
        self._model = self._load()
        self._functions = await enter(self._pools(self._model))
        self._integrations = Integrations(self._model, self._functions)
        self._front = self._assemble()
        self._front.serve(self._model)
        await enter(Server(self._front, listener, options.limits))
        self._stack.push_async_callback(self._integrations.finish, within_s=0.5)
        self._stack.push_async_callback(
            self._connections.close_all, 1001, "Going away", within_s=0.5
        )
        self._takers = [self._functions.replace, self._integrations.serve, self._front.serve]
        if options.schedules:
            schedules = await enter(Schedules(self._model, self._functions, options.report))
            self._takers.append(schedules.serve)
        if options.reload:
            parts = (self._model, self._load, self._serve, options.report)
            await enter(Reload(options.template, *parts))

    def _serve(self, model: Model) -> None:
        """Everything takes the new model; connections and what is under way stay."""
        self._model = model
        for take in self._takers:
            take(model)

    async def __aexit__(self, *_: object) -> None:
        """Sockets first (1001), then the port, then the functions; two seconds at most."""
        await self._stack.aclose()

    def _load(self) -> Model:
        options = self._options
        model = template.load(options.template, options.parameters, shell=os.environ)
        return localised(_with_own(model, options.function_environment), self.address)

    def _pools(self, model: Model) -> Functions:
        options = self._options
        return Functions(
            model,
            environment={**sdk_endpoints(model, self.address), **options.environment},
            credentials=self._credentials_of,
            children=options.limits.children,
            freeze=options.freeze,
            duplicate_events=options.duplicate_events,
            report=options.report,
        )

    def _credentials_of(self, function: Function) -> Credentials:
        return self._keyring.issue(function.role_arn, function.name)

    def _assemble(self) -> Front:
        options = self._options
        return Front(
            integrations=self._integrations,
            connections=self._connections,
            keyring=self._keyring,
            limits=options.limits,
            report=options.report,
            invoke=invoke_api(lambda: self._model, self._functions, self._keyring.authenticate),
            mounts=options.mounts,
            page=StaticPage(options.static) if options.static else None,
        )

    async def invoke(self, name: str, payload: object = None) -> Outcome:
        """Invokes a function by name, ARN or logical id, as its schedule or an engineer would."""
        function = self._model.function_called(name)
        if function is None:
            known = ", ".join(sorted(f.name for f in self._model.functions.values()))
            raise GatewayError(f"There is no function {name}. There are: {known}.")
        return await self._functions.invoke(function, json.dumps(payload).encode())

    async def warm(self) -> None:
        """Starts a process of every function: a first call waits for none, and what cannot be
        imported is reported. One after the other, since a request may be waiting already.
        """
        for function in tuple(self._model.functions.values()):
            await self._functions.warm(function)

    def stats(self) -> tuple[ChildStats, ...]:
        """Every process of a function, with its memory."""
        return self._functions.stats()


def _with_own(model: Model, own: Mapping[str, Mapping[str, str]]) -> Model:
    """The model with each function's own variables laid over the template's."""
    functions = {
        logical_id: _with(function, own.get(logical_id, {}))
        for logical_id, function in model.functions.items()
    }
    return replace(model, functions=functions)


def _with(function: Function, own: Mapping[str, str]) -> Function:
    """A variable that gets a value here is no longer one that has none."""
    unresolved = {name: why for name, why in function.unresolved.items() if name not in own}
    return replace(function, environment={**function.environment, **own}, unresolved=unresolved)
