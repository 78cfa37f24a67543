"""A SAM template, expanded by SAM's own translator and read as what the gateway serves."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from local.gateway import expansion
from local.gateway.intrinsics import ACCOUNT_ID, Resolver, Unresolved
from local.gateway.model import (
    Function,
    HttpApi,
    HttpRoute,
    Model,
    Schedule,
    TemplateError,
    WebSocketApi,
    WebSocketRoute,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

STACK = "cj"
REGION = "us-east-1"
_METHODS = ("get", "put", "post", "delete", "options", "head", "patch")
_CALLED = re.compile(r":function:([^/:]+)/invocations$")


def load(
    path: Path,
    parameters: Mapping[str, str],
    *,
    region: str = REGION,
    shell: Mapping[str, str] | None = None,
) -> Model:
    """Everything the template asks for. Raises TemplateError, whose text says what to change."""
    source = expansion.read(path)
    resources = expansion.expand(path, source, parameters, region)
    reading = _Reading(path.absolute().parent, source, resources, parameters, region, shell or {})
    return reading.model()


@dataclass(slots=True)
class _Reading:
    root: Path
    source: Mapping[str, Any]
    resources: Mapping[str, Any]
    parameters: Mapping[str, str]
    region: str
    shell: Mapping[str, str]
    resolver: Resolver = field(init=False)

    def __post_init__(self) -> None:
        declared = self.source.get("Parameters") or {}
        defaults = {
            name: said["Default"] for name, said in declared.items() if "Default" in said
        }
        refs: dict[str, str] = {}
        attributes: dict[tuple[str, str], str] = {}
        self.resolver = Resolver(
            {**defaults, **self.parameters},
            self.region,
            STACK,
            refs,
            attributes,
            self.source.get("Mappings") or {},
            self.source.get("Conditions") or {},
        )
        for logical_id, resource in self.resources.items():
            self._know(logical_id, resource, refs, attributes)

    def _know(
        self,
        logical_id: str,
        resource: Mapping[str, Any],
        refs: dict[str, str],
        attributes: dict[tuple[str, str], str],
    ) -> None:
        match resource["Type"]:
            case "AWS::Lambda::Function":
                name = self._text(resource["Properties"].get("FunctionName"), logical_id)
                refs[logical_id] = name
                attributes[logical_id, "Arn"] = self._arn("lambda", f"function:{name}")
            case "AWS::IAM::Role":
                refs[logical_id] = f"{STACK}-{logical_id}"
                attributes[logical_id, "Arn"] = (
                    f"arn:aws:iam::{ACCOUNT_ID}:role/{STACK}-{logical_id}"
                )
            case "AWS::ApiGatewayV2::Api":
                refs[logical_id] = logical_id.lower()
                host = f"{logical_id.lower()}.execute-api.{self.region}.amazonaws.com"
                scheme = "wss" if resource["Properties"].get("ProtocolType") else "https"
                attributes[logical_id, "ApiEndpoint"] = f"{scheme}://{host}"
            case _:
                refs[logical_id] = logical_id

    def _arn(self, service: str, what: str) -> str:
        return f"arn:aws:{service}:{self.region}:{ACCOUNT_ID}:{what}"

    def _text(self, value: Any, otherwise: str) -> str:
        if value is None:
            return otherwise
        try:
            return str(self.resolver.resolve(value))
        except Unresolved:
            return otherwise

    def model(self) -> Model:
        functions = {
            logical_id: self._function(logical_id, resource["Properties"])
            for logical_id, resource in self._of_type("AWS::Lambda::Function")
        }
        return Model(
            functions=functions,
            http_apis=tuple(self._http_apis(functions)),
            websocket_apis=tuple(self._websocket_apis(functions)),
            schedules=tuple(self._schedules(functions)),
        )

    def _of_type(self, kind: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
        for logical_id, resource in self.resources.items():
            condition = resource.get("Condition")
            if resource["Type"] == kind and (not condition or self.resolver.holds(condition)):
                yield logical_id, resource

    # Functions

    def _function(self, logical_id: str, properties: Mapping[str, Any]) -> Function:
        config = self._invoke_config(logical_id)
        return Function(
            logical_id=logical_id,
            name=self.resolver.refs[logical_id],
            handler=properties["Handler"],
            python_path=self._python_path(logical_id, properties["Handler"]),
            environment=self._environment(properties),
            timeout_s=int(self.resolver.resolve(properties.get("Timeout", 3))),
            memory_mb=int(self.resolver.resolve(properties.get("MemorySize", 128))),
            arn=self.resolver.attributes[logical_id, "Arn"],
            role_arn=self._text(properties.get("Role"), f"arn:aws:iam::{ACCOUNT_ID}:role/none"),
            max_event_age_s=int(config.get("MaximumEventAgeInSeconds", 21_600)),
            max_retries=int(config.get("MaximumRetryAttempts", 2)),
        )

    def _invoke_config(self, logical_id: str) -> Mapping[str, Any]:
        for _, resource in self._of_type("AWS::Lambda::EventInvokeConfig"):
            properties: Mapping[str, Any] = resource["Properties"]
            if properties["FunctionName"] == {"Ref": logical_id}:
                return properties
        return {}

    def _environment(self, properties: Mapping[str, Any]) -> dict[str, str]:
        """The shell wins over the template; what only AWS knows is left out."""
        found: dict[str, str] = {}
        for name, value in (properties.get("Environment") or {}).get("Variables", {}).items():
            try:
                found[name] = str(self.resolver.resolve(value))
            except Unresolved:
                pass
            if name in self.shell:
                found[name] = self.shell[name]
        return found

    def _python_path(self, logical_id: str, handler: str) -> tuple[Path, ...]:
        resource = self.source["Resources"].get(logical_id, {})
        properties = {
            **(self.source.get("Globals", {}).get("Function") or {}),
            **(resource.get("Properties") or {}),
        }
        code = self._folder(logical_id, "CodeUri", properties.get("CodeUri", "."))
        *package, _ = handler.split(".")[:-1]
        root = code
        if (resource.get("Metadata") or {}).get("BuildProperties", {}).get("ParentPackageMode"):
            for name in reversed(package):
                root = root.parent if root.name == name else root
        module = root.joinpath(*handler.split(".")[:-1])
        if not (module.with_suffix(".py").is_file() or module.joinpath("__init__.py").is_file()):
            raise TemplateError(
                f"{logical_id}: Handler {handler} needs {module.with_suffix('.py')}, "
                "which does not exist."
            )
        return (root, *self._layers(logical_id))

    def _layers(self, logical_id: str) -> Iterator[Path]:
        layers = (self.source.get("Globals", {}).get("Function") or {}).get("Layers", [])
        own = self.source["Resources"].get(logical_id, {}).get("Properties", {}).get("Layers", [])
        for layer in [*layers, *own]:
            name = layer.get("Ref") if isinstance(layer, dict) else None
            resource = self.source["Resources"].get(name) if name else None
            if resource and resource.get("Type") == expansion.LAYER:
                yield self._folder(name, "ContentUri", resource["Properties"].get("ContentUri"))

    def _folder(self, logical_id: str, name: str, uri: Any) -> Path:
        folder = self.root / str(uri)
        if not folder.is_dir():
            raise TemplateError(f"{logical_id}: {name} {uri} is no folder of {self.root}.")
        return folder.resolve()

    # Routes

    def _target(self, uri: Any, functions: Mapping[str, Function], where: str) -> str:
        try:
            called = _CALLED.search(str(self.resolver.resolve(uri)))
        except Unresolved as error:
            raise TemplateError(f"{where} leads to {error}, which is no function here.") from None
        for function in functions.values():
            if called and called[1] == function.name:
                return function.logical_id
        raise TemplateError(f"{where} leads to no function of this template.")

    def _http_apis(self, functions: Mapping[str, Function]) -> Iterator[HttpApi]:
        for logical_id, resource in self._of_type("AWS::ApiGatewayV2::Api"):
            if "Body" not in resource["Properties"]:
                continue
            routes = [
                self._http_route(path, method, operation, functions)
                for path, methods in resource["Properties"]["Body"]["paths"].items()
                for method, operation in methods.items()
                if method in (*_METHODS, "x-amazon-apigateway-any-method")
            ]
            yield HttpApi(logical_id, logical_id.lower(), self._stage(logical_id), tuple(routes))

    def _http_route(
        self,
        path: str,
        method: str,
        operation: Mapping[str, Any],
        functions: Mapping[str, Function],
    ) -> HttpRoute:
        integration = operation["x-amazon-apigateway-integration"]
        schemes = [name for entry in operation.get("security", []) for name in entry]
        return HttpRoute(
            method="ANY" if method.startswith("x-") else method.upper(),
            path=path,
            function=self._target(integration["uri"], functions, f"{method.upper()} {path}"),
            iam="AWS_IAM" in schemes,
            timeout_s=float(integration.get("timeoutInMillis", 30_000)) / 1000,
        )

    def _stage(self, api: str) -> str:
        for _, resource in self._of_type("AWS::ApiGatewayV2::Stage"):
            if resource["Properties"]["ApiId"] == {"Ref": api}:
                return self._text(resource["Properties"].get("StageName"), "$default")
        return "$default"

    def _websocket_apis(self, functions: Mapping[str, Function]) -> Iterator[WebSocketApi]:
        for logical_id, resource in self._of_type("AWS::ApiGatewayV2::Api"):
            properties = resource["Properties"]
            if properties.get("ProtocolType") != "WEBSOCKET":
                continue
            routes = {
                route["Properties"]["RouteKey"]: self._websocket_route(route, functions)
                for _, route in self._of_type("AWS::ApiGatewayV2::Route")
                if route["Properties"]["ApiId"] == {"Ref": logical_id}
            }
            yield WebSocketApi(
                logical_id,
                logical_id.lower(),
                self._stage(logical_id),
                properties["RouteSelectionExpression"],
                routes,
            )

    def _websocket_route(
        self, route: Mapping[str, Any], functions: Mapping[str, Function]
    ) -> WebSocketRoute:
        properties = route["Properties"]
        key = properties["RouteKey"]
        integration_id = str(self.resolver.resolve(properties["Target"])).removeprefix(
            "integrations/"
        )
        integration = self.resources[integration_id]["Properties"]
        responds = properties.get("RouteResponseSelectionExpression") is not None
        return WebSocketRoute(
            key=key,
            function=self._target(integration["IntegrationUri"], functions, f"Route {key}"),
            has_response=responds,
            timeout_s=float(integration.get("TimeoutInMillis", 29_000)) / 1000,
        )

    # Schedules

    def _schedules(self, functions: Mapping[str, Function]) -> Iterator[Schedule]:
        for logical_id, resource in self._of_type("AWS::Scheduler::Schedule"):
            properties = resource["Properties"]
            yield self._schedule(
                logical_id, properties, properties["Target"], functions
            )
        for logical_id, resource in self._of_type("AWS::Events::Rule"):
            properties = resource["Properties"]
            if "ScheduleExpression" in properties:
                for target in properties["Targets"]:
                    yield self._schedule(logical_id, properties, target, functions)

    def _schedule(
        self,
        logical_id: str,
        properties: Mapping[str, Any],
        target: Mapping[str, Any],
        functions: Mapping[str, Function],
    ) -> Schedule:
        arn = self.resolver.resolve(target["Arn"])
        function = next((f.logical_id for f in functions.values() if f.arn == arn), None)
        if function is None:
            raise TemplateError(f"Schedule {logical_id} leads to no function of this template.")
        return Schedule(
            name=self._text(properties.get("Name"), logical_id),
            function=function,
            expression=str(self.resolver.resolve(properties["ScheduleExpression"])),
            input=target.get("Input"),
            enabled=properties.get("State", "ENABLED") == "ENABLED",
        )
