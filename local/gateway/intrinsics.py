"""CloudFormation's functions, as far as a template needs them on one machine."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

ACCOUNT_ID = "123456789012"
_PLACE = re.compile(r"\$\{(!?)([^}]*)\}")


class Unresolved(Exception):
    """Something only AWS knows, such as a database's endpoint; the text names it."""


@dataclass(frozen=True, slots=True)
class Resolver:
    """Resolves values. Raises Unresolved for what has no meaning here."""

    parameters: Mapping[str, Any]
    region: str
    stack: str
    refs: Mapping[str, str]  # logical id -> what Ref gives
    attributes: Mapping[tuple[str, str], str]  # (logical id, attribute) -> what GetAtt gives
    mappings: Mapping[str, Any]
    conditions: Mapping[str, Any]

    def resolve(self, value: Any) -> Any:
        """The value with every function in it carried out; NoValue disappears."""
        if isinstance(value, list):
            return [v for v in map(self.resolve, value) if v is not _NOTHING]
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            (name, argument), *_ = value.items()
            function = _FUNCTIONS.get(name)
            if function is not None:
                return function(self, argument)
            if name.startswith("Fn::"):
                raise Unresolved(name)
        resolved = {name: self.resolve(member) for name, member in value.items()}
        return {name: member for name, member in resolved.items() if member is not _NOTHING}

    def ref(self, name: str) -> Any:
        pseudo = {
            "AWS::AccountId": ACCOUNT_ID,
            "AWS::Region": self.region,
            "AWS::StackName": self.stack,
            "AWS::Partition": "aws",
            "AWS::URLSuffix": "amazonaws.com",
            "AWS::NoValue": _NOTHING,
        }
        for known in (pseudo, self.parameters, self.refs):
            if name in known:
                return known[name]
        raise Unresolved(name)

    def attribute(self, argument: Any) -> str:
        logical_id, _, name = (
            argument.partition(".")
            if isinstance(argument, str)
            else (argument[0], ".", self.resolve(argument[1]))
        )
        try:
            return self.attributes[logical_id, name]
        except KeyError:
            raise Unresolved(f"{logical_id}.{name}") from None

    def sub(self, argument: Any) -> str:
        text, given = argument if isinstance(argument, list) else (argument, {})

        def place(match: re.Match[str]) -> str:
            literal, name = match[1], match[2].strip()
            if literal:
                return f"${{{name}}}"
            if name in given:
                return str(self.resolve(given[name]))
            return str(self.attribute(name) if "." in name else self.ref(name))

        return _PLACE.sub(place, text)

    def holds(self, condition: Any) -> bool:
        """A condition by name, or one written out."""
        if isinstance(condition, str):
            if condition not in self.conditions:
                raise Unresolved(condition)
            return self.holds(self.conditions[condition])
        (name, argument), *_ = condition.items()
        match name:
            case "Condition":
                return self.holds(argument)
            case "Fn::Equals":
                return bool(self.resolve(argument[0]) == self.resolve(argument[1]))
            case "Fn::Not":
                return not self.holds(argument[0])
            case "Fn::And":
                return all(map(self.holds, argument))
            case "Fn::Or":
                return any(map(self.holds, argument))
        raise Unresolved(name)

    def choose(self, argument: Any) -> Any:
        condition, yes, no = argument
        return self.resolve(yes if self.holds(condition) else no)

    def find(self, argument: Any) -> Any:
        name, *keys = map(self.resolve, argument)
        try:
            return self.mappings[name][keys[0]][keys[1]]
        except (KeyError, IndexError):
            raise Unresolved(f"Fn::FindInMap {name}") from None

    def join(self, argument: Any) -> str:
        separator, parts = argument
        resolved = self.resolve(parts)
        return str(separator.join(map(str, resolved)))

    def select(self, argument: Any) -> Any:
        index, items = map(self.resolve, argument)
        return items[int(index)]

    def split(self, argument: Any) -> list[str]:
        separator, text = map(self.resolve, argument)
        return str(text).split(separator)


_NOTHING = object()
_FUNCTIONS: dict[str, Callable[[Resolver, Any], Any]] = {
    "Ref": Resolver.ref,
    "Fn::GetAtt": Resolver.attribute,
    "Fn::Sub": Resolver.sub,
    "Fn::If": Resolver.choose,
    "Fn::FindInMap": Resolver.find,
    "Fn::Join": Resolver.join,
    "Fn::Select": Resolver.select,
    "Fn::Split": Resolver.split,
}
