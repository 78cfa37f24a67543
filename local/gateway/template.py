"""Reads a SAM template: what there is to run, and what it answers to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from local.gateway.intrinsics import Intrinsics, Surroundings, Unresolvable
from local.gateway.model import Function, Model, TemplateError
from local.gateway.template_expansion import FUNCTION, Expansion, expand
from local.gateway.template_functions import FunctionReader
from local.gateway.template_routes import RouteReader
from local.gateway.template_schedules import schedules

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

REGION = "us-east-1"
STACK = "local"
_NOT_SERVED = {
    "AWS::Serverless::Api": "a REST API; HttpApi and WebSocketApi are served",
    "AWS::Serverless::StateMachine": "a state machine",
    "AWS::Serverless::GraphQLApi": "a GraphQL API",
}


def load(
    path: Path,
    parameters: Mapping[str, str],
    region: str = REGION,
    *,
    shell: Mapping[str, str],
    stack_name: str = STACK,
) -> Model:
    """The model, ready to be served; TemplateError says what to change."""
    expansion = expand(path, parameters, region)
    around = Surroundings(region, stack_name)
    intrinsics = Intrinsics(expansion.document, expansion.parameters, around)
    resources = _wanted(expansion, intrinsics)
    reader = FunctionReader(expansion, intrinsics, path.resolve().parent, shell)
    functions = {
        name: reader.read(name, resource)
        for name, resource in resources.items()
        if expansion.original["Resources"].get(name, {}).get("Type") == FUNCTION
    }
    _check_names(functions)
    routes = RouteReader(resources, intrinsics, functions)
    return Model(
        functions=functions,
        http_apis=tuple(routes.http_apis()),
        websocket_apis=tuple(routes.websocket_apis()),
        schedules=tuple(schedules(resources, intrinsics, functions)),
        outputs=_outputs(expansion, intrinsics),
        warnings=tuple(_warnings(expansion)),
    )


def _wanted(expansion: Expansion, intrinsics: Intrinsics) -> dict[str, dict[str, Any]]:
    """Resources whose condition holds."""
    found: dict[str, dict[str, Any]] = {}
    for name, resource in expansion.document["Resources"].items():
        try:
            if "Condition" not in resource or intrinsics.condition(resource["Condition"]):
                found[name] = resource
        except Unresolvable as error:
            raise TemplateError(f"{name}: its Condition cannot be decided: {error}.") from error
    return found


def _check_names(functions: Mapping[str, Function]) -> None:
    seen: dict[str, str] = {}
    for function in functions.values():
        other = seen.setdefault(function.name, function.logical_id)
        if other != function.logical_id:
            raise TemplateError(
                f"{function.logical_id} and {other} both have the FunctionName {function.name}; "
                "each should have its own."
            )


def _outputs(expansion: Expansion, intrinsics: Intrinsics) -> dict[str, str]:
    """The outputs that have a value here."""
    found: dict[str, str] = {}
    for name, output in (expansion.document.get("Outputs") or {}).items():
        try:
            found[name] = str(intrinsics.resolve(output.get("Value")))
        except Unresolvable:
            continue
    return found


def _warnings(expansion: Expansion) -> list[str]:
    """What a person might miss."""
    resources = expansion.original["Resources"]
    texts = [
        f"{name} is not served: it is {_NOT_SERVED[resource['Type']]}."
        for name, resource in resources.items()
        if resource["Type"] in _NOT_SERVED
    ]
    for name, resource in resources.items():
        if resource["Type"] == FUNCTION:
            texts += _event_warnings(name, resource.get("Properties") or {})
    return texts


_SERVED_EVENTS = {"HttpApi", "Schedule", "ScheduleV2"}


def _event_warnings(name: str, properties: Mapping[str, Any]) -> list[str]:
    events: Mapping[str, Any] = properties.get("Events") or {}
    return [
        f"{name} gets no event {event}: {given.get('Type')} events have no source here."
        for event, given in events.items()
        if given.get("Type") not in _SERVED_EVENTS
    ]
