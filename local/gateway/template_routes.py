"""The APIs of an expanded template: HTTP routes in a Body, WebSocket routes as resources."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from local.gateway.intrinsics import Intrinsics, Unresolvable, api_id
from local.gateway.model import (
    Function,
    HttpApi,
    HttpRoute,
    TemplateError,
    WebSocketApi,
    WebSocketRoute,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_API, _STAGE = "AWS::ApiGatewayV2::Api", "AWS::ApiGatewayV2::Stage"
_ROUTE, _INTEGRATION = "AWS::ApiGatewayV2::Route", "AWS::ApiGatewayV2::Integration"
_RESPONSE = "AWS::ApiGatewayV2::RouteResponse"
_FUNCTION_IN_URI = re.compile(r":function:(?P<name>[^:/]+)")
_ANY = "x-amazon-apigateway-any-method"
_INTEGRATED = "x-amazon-apigateway-integration"
_METHODS = {"get", "post", "put", "delete", "patch", "head", "options", _ANY}


@dataclass(frozen=True, slots=True)
class RouteReader:
    """Reads APIs; TemplateError for what would answer differently here than on AWS."""

    resources: Mapping[str, Mapping[str, Any]]
    intrinsics: Intrinsics
    functions: Mapping[str, Function]

    def http_apis(self) -> Iterator[HttpApi]:
        """In the order of the template."""
        for name, api in self._of(_API):
            if api.get("ProtocolType") != "WEBSOCKET":
                body = self._value(name, "Body", api.get("Body") or {})
                yield HttpApi(name, api_id(name), self._stage(name), tuple(self._http(name, body)))

    def _http(self, name: str, body: Mapping[str, Any]) -> Iterator[HttpRoute]:
        schemes = (body.get("components") or {}).get("securitySchemes") or {}
        for path, item in (body.get("paths") or {}).items():
            for method, operation in item.items():
                if method.lower() in _METHODS:
                    verb = "ANY" if method == _ANY else method.upper()
                    yield self._http_route(f"{name}: {verb} {path}", verb, path, operation, schemes)

    def _http_route(
        self,
        label: str,
        method: str,
        path: str,
        operation: Mapping[str, Any],
        schemes: Mapping[str, Any],
    ) -> HttpRoute:
        integration = operation.get(_INTEGRATED) or {}
        if integration.get("payloadFormatVersion", "2.0") != "2.0":
            raise TemplateError(f"{label} should have the PayloadFormatVersion 2.0.")
        return HttpRoute(
            method=method,
            path=path,
            function=self._target(label, integration.get("uri")),
            iam=_needs_iam(label, operation.get("security") or [], schemes),
            timeout_s=float(integration.get("timeoutInMillis", 30_000)) / 1000,
        )

    def websocket_apis(self) -> Iterator[WebSocketApi]:
        """In the order of the template."""
        for name, api in self._of(_API):
            if api.get("ProtocolType") == "WEBSOCKET":
                routes = {route.key: route for route in self._websocket(name)}
                expression = str(
                    self._value(
                        name, "RouteSelectionExpression", api.get("RouteSelectionExpression")
                    )
                )
                yield WebSocketApi(name, api_id(name), self._stage(name), expression, routes)

    def _websocket(self, api: str) -> Iterator[WebSocketRoute]:
        answered = {
            self._value(name, "RouteId", response.get("RouteId"))
            for name, response in self._of(_RESPONSE)
        }
        for name, route in self._of(_ROUTE):
            if self._value(name, "ApiId", route.get("ApiId")) == api_id(api):
                yield self._websocket_route(name, route, name in answered)

    def _websocket_route(
        self, name: str, route: Mapping[str, Any], answered: bool
    ) -> WebSocketRoute:
        key = str(route["RouteKey"])
        if route.get("AuthorizationType", "NONE") != "NONE":
            raise TemplateError(
                f"{name}: authorizers of WebSocket APIs are not served; AuthType should be NONE, "
                "and the $connect function should decide."
            )
        target = str(self._value(name, "Target", route.get("Target")))
        integration = self.resources.get(target.removeprefix("integrations/"), {})
        properties = integration.get("Properties") or {}
        uri = self._value(name, "IntegrationUri", properties.get("IntegrationUri"))
        return WebSocketRoute(
            key=key,
            function=self._target(f"{name}: {key}", uri),
            has_response=answered,
            timeout_s=float(_timeout_ms(properties)) / 1000,
        )

    def _of(self, kind: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
        for name, resource in self.resources.items():
            if resource.get("Type") == kind:
                yield name, resource.get("Properties") or {}

    def _stage(self, api: str) -> str:
        for name, stage in self._of(_STAGE):
            if self._value(name, "ApiId", stage.get("ApiId")) == api_id(api):
                return str(self._value(name, "StageName", stage.get("StageName")))
        raise TemplateError(f"{api} has no stage; it should have one.")

    def _value(self, name: str, what: str, value: Any) -> Any:
        try:
            return self.intrinsics.resolve(value)
        except Unresolvable as error:
            raise TemplateError(f"{name}: {what} has no value here: {error}.") from error

    def _target(self, label: str, uri: Any) -> str:
        """The logical id of the function a Lambda integration calls."""
        match = _FUNCTION_IN_URI.search(str(uri))
        for function in self.functions.values():
            if match and function.name == match["name"]:
                return function.logical_id
        known = ", ".join(sorted(self.functions)) or "none"
        called = match["name"] if match else uri
        raise TemplateError(
            f"{label} calls {called}, which is no AWS::Serverless::Function of the template. "
            f"There are: {known}."
        )


def _timeout_ms(properties: Mapping[str, Any]) -> Any:
    return properties.get("TimeoutInMillis") or 29_000


def _needs_iam(label: str, security: list[dict[str, Any]], schemes: Mapping[str, Any]) -> bool:
    """Whether callers sign. An authorizer that would not be asked here is an error, not a gap."""
    asked = {name for alternative in security for name in alternative} - {"NONE"}
    for name in asked:
        if schemes.get(name, {}).get("x-amazon-apigateway-authtype") != "awsSigv4":
            raise TemplateError(
                f"{label}: the authorizer {name} is not served; it should be AWS_IAM or NONE."
            )
    return bool(asked)
