"""What a SAM template describes, in the words the gateway serves it with."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


class GatewayError(Exception):
    """Something the person who started the gateway can put right; the text says how."""


class TemplateError(GatewayError):
    """The template cannot be served; the text names the resource and what it should look like."""


@dataclass(frozen=True, slots=True)
class Function:
    """One AWS::Serverless::Function. `name` is its FunctionName, or the logical id without one."""

    logical_id: str
    name: str
    handler: str
    python_path: tuple[Path, ...]  # the code's root first, then the layers' contents
    environment: Mapping[str, str]
    timeout_s: int
    memory_mb: int
    arn: str
    role_arn: str
    max_event_age_s: int = 21_600
    max_retries: int = 2
    # Variables the template gives a value that exists only on AWS: name -> why it has none here.
    unresolved: Mapping[str, str] = field(default_factory=dict)
    watched: tuple[Path, ...] = ()  # the folders its code is in: a change means new processes


@dataclass(frozen=True, slots=True)
class HttpRoute:
    """One route of an HTTP API; `path` as in the template: /users/{id}, /files/{a+}, $default."""

    method: str  # GET ... or ANY
    path: str
    function: str  # logical id
    iam: bool = False
    timeout_s: float = 30.0

    @property
    def key(self) -> str:
        """The routeKey of the event: `GET /users/{id}` or `$default`."""
        return self.path if self.path == "$default" else f"{self.method} {self.path}"


@dataclass(frozen=True, slots=True)
class HttpApi:
    """One AWS::Serverless::HttpApi."""

    logical_id: str
    api_id: str
    stage: str
    routes: tuple[HttpRoute, ...]


@dataclass(frozen=True, slots=True)
class WebSocketRoute:
    """One route of a WebSocket API."""

    key: str  # $connect, $default, $disconnect, or what the selection expression gives
    function: str  # logical id
    has_response: bool = False
    timeout_s: float = 29.0


@dataclass(frozen=True, slots=True)
class WebSocketApi:
    """One AWS::Serverless::WebSocketApi, served at `/<stage>`."""

    logical_id: str
    api_id: str
    stage: str
    selection_expression: str
    routes: Mapping[str, WebSocketRoute]


@dataclass(frozen=True, slots=True)
class Schedule:
    """One schedule of a function: rate(...) or cron(...), as AWS writes them."""

    name: str
    function: str  # logical id
    expression: str
    input: str | None = None
    enabled: bool = True
    source: str = "aws.events"  # or aws.scheduler, whose events say so


@dataclass(frozen=True, slots=True)
class Model:
    """Everything a template asks for."""

    functions: Mapping[str, Function]  # by logical id
    http_apis: tuple[HttpApi, ...] = ()
    websocket_apis: tuple[WebSocketApi, ...] = ()
    schedules: tuple[Schedule, ...] = ()
    outputs: Mapping[str, str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()  # what is not served, though the template has it

    def function_called(self, name: str) -> Function | None:
        """The function with this name, ARN or logical id, as Lambda Invoke accepts them."""
        for function in self.functions.values():
            if name in (function.name, function.arn, function.logical_id):
                return function
        return None
