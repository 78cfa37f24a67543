"""The schedules of an expanded template: rules of EventBridge and of EventBridge Scheduler."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from local.gateway.intrinsics import Intrinsics, Unresolvable
from local.gateway.model import Function, Schedule, TemplateError
from local.gateway.schedule_expressions import UnknownExpression, parse

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_RULE, _SCHEDULE = "AWS::Events::Rule", "AWS::Scheduler::Schedule"


def schedules(
    resources: Mapping[str, Mapping[str, Any]],
    intrinsics: Intrinsics,
    functions: Mapping[str, Function],
) -> Iterator[Schedule]:
    """Every rule with a ScheduleExpression whose target is a function of the template."""
    by_arn = {function.arn: function.logical_id for function in functions.values()}
    for name, resource in resources.items():
        properties = resource.get("Properties") or {}
        if resource.get("Type") not in (_RULE, _SCHEDULE) or "ScheduleExpression" not in properties:
            continue
        try:
            resolved = intrinsics.resolve(properties)
        except Unresolvable:
            resolved = _essentials(name, properties, intrinsics)
        targets = resolved.get("Targets") or [resolved["Target"]]
        for target in targets:
            arn = ":".join(str(target.get("Arn")).split(":")[:7])  # without the alias
            if arn in by_arn:
                yield _schedule(name, resolved, target, by_arn[arn], is_rule="Targets" in resolved)


def _essentials(name: str, properties: Mapping[str, Any], intrinsics: Intrinsics) -> dict[str, Any]:
    """Only what is served, so that a dead-letter queue elsewhere stops nobody."""
    wanted = ("ScheduleExpression", "ScheduleExpressionTimezone", "State", "Name")
    try:
        found = {key: intrinsics.resolve(properties[key]) for key in wanted if key in properties}
        found["Targets" if "Targets" in properties else "Target"] = _targets(properties, intrinsics)
    except Unresolvable as error:
        raise TemplateError(f"The schedule {name} has no value here: {error}.") from error
    return found


def _targets(properties: Mapping[str, Any], intrinsics: Intrinsics) -> Any:
    def one(target: Mapping[str, Any]) -> dict[str, Any]:
        return {key: intrinsics.resolve(target[key]) for key in ("Arn", "Input") if key in target}

    if "Targets" in properties:
        return [one(target) for target in properties["Targets"]]
    return one(properties["Target"])


def _schedule(
    name: str,
    resolved: Mapping[str, Any],
    target: Mapping[str, Any],
    function: str,
    *,
    is_rule: bool,
) -> Schedule:
    expression = str(resolved["ScheduleExpression"])
    timezone = resolved.get("ScheduleExpressionTimezone", "UTC")
    if timezone not in ("UTC", "Etc/UTC"):
        raise TemplateError(f"The schedule {name} is in {timezone}; it should be in UTC.")
    try:
        parse(expression)
    except UnknownExpression as error:
        raise TemplateError(f"The schedule {name} is {expression}: {error}.") from error
    given = target.get("Input")
    return Schedule(
        name=str(resolved.get("Name", name)),
        function=function,
        expression=expression,
        input=None if given is None else str(given),
        enabled=resolved.get("State", "ENABLED") == "ENABLED",
        source="aws.events" if is_rule else "aws.scheduler",
    )
