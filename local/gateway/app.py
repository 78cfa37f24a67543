"""The gateway as one thing: a template in, everything it describes on one port."""

from __future__ import annotations

import asyncio
import json
import os
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from local.gateway import template
from local.gateway.connections import Connections
from local.gateway.endpoints import localised, sdk_endpoints
from local.gateway.front import Front
from local.gateway.functions import Functions
from local.gateway.integration import Integrations
from local.gateway.invoke_api import invoke_api
from local.gateway.limits import Limits
from local.gateway.model import GatewayError
from local.gateway.reload import watch
from local.gateway.schedules import run_schedules
from local.gateway.server import Server, listen
from local.gateway.sigv4 import Keyring
from local.gateway.static import StaticPage

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from starlette.types import ASGIApp

    from local.gateway.functions import Outcome
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
    parameters: Mapping[str, str] = field(default_factory=dict)
    static: Path | None = None  # a folder with index.html
    mounts: Mapping[str, ASGIApp] = field(default_factory=dict)
    limits: Limits = field(default_factory=Limits)
    freeze: bool = False
    duplicate_events: bool = False
    reload: bool = False
    schedules: bool = True
    report: Callable[[Report], None] = _silent


class Gateway:
    """Everything runs between `async with` and its end; the port is taken first, given back last."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._keyring = Keyring()
        self._connections = Connections()
        self._stack = AsyncExitStack()
        self.credentials = self._keyring.issue(OPERATOR, "operator")
        self.port = options.port
