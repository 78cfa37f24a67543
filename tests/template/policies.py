"""What the template's policies allow, statement by statement, and whether that is too much."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from tests.template.expansion import of_type

if TYPE_CHECKING:
    from collections.abc import Iterator

Statement = dict[str, Any]

_PLACEHOLDER = re.compile(r"\$\{[^}]*\}")
_ARN = re.compile(r"arn:[^:]*:(?P<service>[^:]*):[^:]*:[^:]*:(?P<named>.*)")
_ALL = re.compile(r"[\w-]*[:/]?\*")  # *  function:*  key/*


def statements() -> Iterator[tuple[str, Statement]]:
    """Every statement of our own policies with the logical id it stands under."""
    own = [*of_type("AWS::IAM::ManagedPolicy"), *of_type("AWS::IAM::Policy")]
    for name, policy in own:
        yield from ((name, s) for s in _listed(policy["PolicyDocument"]["Statement"]))
    for name, role in of_type("AWS::IAM::Role"):
        for policy in role.get("Policies", ()):
            yield from ((name, s) for s in _listed(policy["PolicyDocument"]["Statement"]))


def wildcards(statement: Statement) -> list[str]:
    """Actions and resources that say more than they need to; empty when all is narrow."""
    if statement["Effect"] != "Allow":
        return []
    found = [key for key in ("NotAction", "NotResource") if key in statement]
    found += [a for a in _listed(statement.get("Action", [])) if "*" in a]
    return found + [r for r in map(_text, _listed(statement.get("Resource", []))) if _wide(r)]


def _wide(resource: str) -> bool:
    """Everything there is, or everything of one kind. A `*` behind a name is a place, not all."""
    arn = _ARN.fullmatch(_PLACEHOLDER.sub("x", resource))
    if arn is None:
        return "*" in resource
    bucket_contents = arn["service"] == "s3" and arn["named"] != "*"
    return "*" in arn["service"] or (not bucket_contents and bool(_ALL.fullmatch(arn["named"])))


def _text(value: object) -> str:
    """A resource as written; one given by reference is a single thing."""
    if isinstance(value, dict):
        sub = value.get("Fn::Sub")
        if isinstance(sub, list):
            sub = sub[0]
        return str(sub) if sub else str(value)
    return str(value)


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
