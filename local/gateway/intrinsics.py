"""CloudFormation's intrinsic functions, as far as functions, routes and schedules need them."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

ACCOUNT_ID = "123456789012"
STACK_ID = "11111111-2222-3333-4444-555555555555"
_PLACE = re.compile(r"\$\{(!?)([^}]+)\}")


class Unresolvable(Exception):
    """The value exists only on AWS, or nobody gave it; the text says which."""


class _NoValue:
    """AWS::NoValue: whatever holds it is left out."""


NO_VALUE = _NoValue()


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Where the stack would be."""

    region: str
    stack_name: str

    def pseudo(self) -> dict[str, Any]:
        """The pseudo parameters."""
        stack = f"stack/{self.stack_name}/{STACK_ID}"
        return {
            "AWS::AccountId": ACCOUNT_ID,
            "AWS::Region": self.region,
            "AWS::StackName": self.stack_name,
            "AWS::StackId": f"arn:aws:cloudformation:{self.region}:{ACCOUNT_ID}:{stack}",
            "AWS::Partition": "aws",
            "AWS::URLSuffix": "amazonaws.com",
            "AWS::NotificationARNs": [],
            "AWS::NoValue": NO_VALUE,
        }


class Intrinsics:
    """Resolves values of one expanded template; Unresolvable for what only AWS knows."""

    def __init__(
        self,
        document: Mapping[str, Any],
        parameters: Mapping[str, Any],
        surroundings: Surroundings,
    ) -> None:
        self._resources: Mapping[str, Any] = document.get("Resources") or {}
        self._conditions: Mapping[str, Any] = document.get("Conditions") or {}
        self._mappings: Mapping[str, Any] = document.get("Mappings") or {}
        self._declared: Mapping[str, Any] = document.get("Parameters") or {}
        self._around = surroundings
        self._known = {**parameters, **surroundings.pseudo()}
        self._functions: dict[str, Callable[[Any], Any]] = {
            "Ref": self._ref,
            "Condition": self.condition,
            "Fn::GetAtt": self._get_att,
            "Fn::Sub": self._sub,
            "Fn::Join": self._join,
            "Fn::Select": self._select,
            "Fn::Split": self._split,
            "Fn::If": self._if,
            "Fn::FindInMap": self._find_in_map,
            "Fn::Base64": lambda value: base64.b64encode(
                str(self.resolve(value)).encode()
            ).decode(),
            "Fn::GetAZs": lambda _: [f"{surroundings.region}{zone}" for zone in "abc"],
            "Fn::Equals": self._equals,
            "Fn::And": lambda values: all(self._truth(value) for value in values),
            "Fn::Or": lambda values: any(self._truth(value) for value in values),
            "Fn::Not": lambda values: not self._truth(values[0]),
        }

    def resolve(self, value: Any) -> Any:
        """The value with everything in it resolved."""
        if isinstance(value, list):
            found = [self.resolve(item) for item in value]
            return [item for item in found if item is not NO_VALUE]
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            name, argument = next(iter(value.items()))
            if name in self._functions:
                return self._call(name, argument)
            if name.startswith("Fn::"):
                raise Unresolvable(f"{name} is known only on AWS")
        pairs = {key: self.resolve(item) for key, item in value.items()}
        return {key: item for key, item in pairs.items() if item is not NO_VALUE}

    def _call(self, name: str, argument: Any) -> Any:
        try:
            return self._functions[name](argument)
        except (TypeError, ValueError, IndexError, KeyError, AttributeError) as error:
            raise Unresolvable(f"{name} is not written as CloudFormation wants it") from error

    def condition(self, name: str) -> bool:
        """Whether a condition of the template holds."""
        if name not in self._conditions:
            raise Unresolvable(f"there is no condition {name}")
        return self._truth(self._conditions[name])

    def _truth(self, value: Any) -> bool:
        return self.resolve(value) in (True, "true")

    def _ref(self, name: str) -> Any:
        if name in self._known:
            return self._known[name]
        if name in self._declared:
            raise Unresolvable(f"the parameter {name} has no value")
        kind = self._kind(name)
        if kind == "AWS::Lambda::Function":
            return self.function_name(name)
        if kind == "AWS::Lambda::Alias":
            return f"{self._qualified(name)}:{self._properties(name)['Name']}"
        if kind == "AWS::Lambda::Version":
            return f"{self._qualified(name)}:1"
        if kind == "AWS::ApiGatewayV2::Api":
            return api_id(name)
        if kind == "AWS::ApiGatewayV2::Stage":
            return self.resolve(self._properties(name)["StageName"])
        if kind.startswith("AWS::ApiGatewayV2::"):
            return name  # what they refer each other by; the ids would be AWS's
        raise Unresolvable(f"the {kind} {name} exists only on AWS")

    def _get_att(self, argument: Any) -> Any:
        name, attribute = argument.split(".", 1) if isinstance(argument, str) else argument
        known: dict[tuple[str, str], Callable[[str], str]] = {
            ("AWS::Lambda::Function", "Arn"): self.function_arn,
            ("AWS::IAM::Role", "Arn"): self._role_arn,
            ("AWS::ApiGatewayV2::Api", "ApiId"): api_id,
            ("AWS::ApiGatewayV2::Api", "ApiEndpoint"): self._api_endpoint,
        }
        kind = self._kind(name)
        if (kind, attribute) not in known:
            raise Unresolvable(f"{attribute} of the {kind} {name} exists only on AWS")
        return known[kind, attribute](name)

    def function_name(self, logical_id: str) -> str:
        """FunctionName, or the logical id without one."""
        return str(self.resolve(self._properties(logical_id).get("FunctionName", logical_id)))

    def function_arn(self, logical_id: str) -> str:
        """The unqualified ARN."""
        name = self.function_name(logical_id)
        return f"arn:aws:lambda:{self._around.region}:{ACCOUNT_ID}:function:{name}"

    def _qualified(self, name: str) -> str:
        function = str(self.resolve(self._properties(name)["FunctionName"]))
        known = next((i for i in self._resources if self._is_function(i, function)), function)
        return self.function_arn(known)

    def _is_function(self, logical_id: str, name: str) -> bool:
        is_one = self._kind(logical_id) == "AWS::Lambda::Function"
        return is_one and name in (self.function_name(logical_id), self.function_arn(logical_id))

    def _role_arn(self, name: str) -> str:
        role = self.resolve(self._properties(name).get("RoleName", ""))
        return f"arn:aws:iam::{ACCOUNT_ID}:role/{role or f'{self._around.stack_name}-{name}'}"

    def _api_endpoint(self, name: str) -> str:
        scheme = "wss" if self._properties(name).get("ProtocolType") == "WEBSOCKET" else "https"
        return f"{scheme}://{api_id(name)}.execute-api.{self._around.region}.amazonaws.com"

    def _kind(self, name: str) -> str:
        if name not in self._resources:
            raise Unresolvable(f"there is no parameter or resource {name}")
        return str(self._resources[name].get("Type"))

    def _properties(self, name: str) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self._resources[name].get("Properties") or {}
        return found

    def _sub(self, argument: Any) -> str:
        text, own = (argument, {}) if isinstance(argument, str) else argument

        def place(match: re.Match[str]) -> str:
            literal, name = match[1], match[2].strip()
            if literal:
                return f"${{{match[2]}}}"
            if name in own:
                return str(self.resolve(own[name]))
            return str(self._get_att(name) if "." in name else self._ref(name))

        return _PLACE.sub(place, text)

    def _join(self, argument: Any) -> str:
        separator, values = argument
        return str(separator).join(str(value) for value in self.resolve(values))

    def _select(self, argument: Any) -> Any:
        index, values = argument
        return self.resolve(values)[int(self.resolve(index))]

    def _split(self, argument: Any) -> list[str]:
        separator, text = argument
        return str(self.resolve(text)).split(separator)

    def _if(self, argument: Any) -> Any:
        name, then, otherwise = argument
        return self.resolve(then if self.condition(name) else otherwise)

    def _equals(self, argument: Any) -> bool:
        one, other = (str(self.resolve(value)) for value in argument)
        return one == other

    def _find_in_map(self, argument: Any) -> Any:
        name, first, second = (self.resolve(key) for key in argument[:3])
        try:
            return self._mappings[name][first][second]
        except KeyError:
            if len(argument) > 3:
                return self.resolve(argument[3]["DefaultValue"])
            raise Unresolvable(f"the mapping {name} has no {first}.{second}") from None


def api_id(logical_id: str) -> str:
    """Ten characters, as API Gateway gives them; the same at every start."""
    return hashlib.sha256(logical_id.encode()).hexdigest()[:10]
