"""Where functions find AWS on this machine: the template's own addresses, pointed at this port."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from local.gateway.model import Function, Model

_HOST = r"\.execute-api\.[a-z0-9-]+\.amazonaws\.com(?:\.cn)?"


def localised(model: Model, address: str) -> Model:
    """The model with every `https://API.execute-api...` in an environment pointed at `address`.

    `address` is host and port. An HTTP API's own address keeps no path, a WebSocket API's keeps
    its stage, so the same code builds the same paths here as on AWS.
    """
    known = [api.api_id for api in model.http_apis]
    known += [api.api_id for api in model.websocket_apis]
    if not known:
        return model
    ids = "|".join(map(re.escape, known))
    remote = re.compile(rf"(?P<scheme>https|wss)://(?:{ids}){_HOST}")
    functions = {
        logical_id: _pointed(function, remote, address)
        for logical_id, function in model.functions.items()
    }
    return replace(model, functions=functions)


def _pointed(function: Function, remote: re.Pattern[str], address: str) -> Function:
    environment: Mapping[str, str] = {
        name: remote.sub(lambda match: f"{match['scheme'][:-1]}://{address}", value)
        for name, value in function.environment.items()
    }
    return replace(function, environment=environment)


def sdk_endpoints(model: Model, address: str) -> dict[str, str]:
    """What boto3 reads by itself, so that code without an endpoint setting finds this port too."""
    found = {"AWS_ENDPOINT_URL_LAMBDA": f"http://{address}"}
    if len(model.websocket_apis) == 1:
        stage = model.websocket_apis[0].stage
        found["AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI"] = f"http://{address}/{stage}"
    return found
