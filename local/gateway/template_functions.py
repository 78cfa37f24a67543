"""The functions of a template: where their code is on this machine and how Lambda would run it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from local.gateway.intrinsics import NO_VALUE, Intrinsics, Unresolvable
from local.gateway.model import Function, TemplateError
from local.gateway.template_expansion import code_key

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from local.gateway.template_expansion import Expansion

_PYTHON = re.compile(r"python3\.(9|1[0-4])")


@dataclass(frozen=True, slots=True)
class FunctionReader:
    """Reads functions of an expansion; `shell` overrides variables the template declares."""

    expansion: Expansion
    intrinsics: Intrinsics
    folder: Path  # the template's
    shell: Mapping[str, str]

    def read(self, logical_id: str, resource: Mapping[str, Any]) -> Function:
        """TemplateError for a function that could not be started."""
        properties = resource["Properties"]
        self._check_kind(logical_id, properties)
        handler = str(self._plain(logical_id, "Handler", properties.get("Handler")))
        code = self._folder(logical_id, "CodeUri")
        layers = self._layers(logical_id, properties)
        python_path = (_root(code, handler, resource.get("Metadata") or {}), *layers)
        _check_handler(logical_id, handler, python_path)
        environment, unresolved = self._environment(logical_id, properties)
        return Function(
            logical_id=logical_id,
            name=str(self._plain(logical_id, "FunctionName", {"Ref": logical_id})),
            handler=handler,
            python_path=python_path,
            environment=environment,
            timeout_s=int(self._plain(logical_id, "Timeout", properties.get("Timeout", 3))),
            memory_mb=int(self._plain(logical_id, "MemorySize", properties.get("MemorySize", 128))),
            arn=self.intrinsics.function_arn(logical_id),
            role_arn=self._role(logical_id, properties),
            unresolved=unresolved,
            watched=(code, *layers),
            **self._event_rules(logical_id),
        )

    def _check_kind(self, logical_id: str, properties: Mapping[str, Any]) -> None:
        if properties.get("PackageType") == "Image":
            raise TemplateError(f"{logical_id} is an image; it should be a PackageType: Zip.")
        runtime = self._plain(logical_id, "Runtime", properties.get("Runtime"))
        if not _PYTHON.fullmatch(str(runtime)):
            raise TemplateError(
                f"{logical_id} has the Runtime {runtime}; it should be a Python of Lambda's, "
                "such as python3.13."
            )

    def _plain(self, logical_id: str, name: str, value: Any) -> Any:
        try:
            found = self.intrinsics.resolve(value)
        except Unresolvable as error:
            raise TemplateError(f"{logical_id}: {name} has no value: {error}.") from error
        if isinstance(found, dict | list):
            raise TemplateError(f"{logical_id}: {name} should be a single value.")
        return found

    def _role(self, logical_id: str, properties: Mapping[str, Any]) -> str:
        try:
            return str(self.intrinsics.resolve(properties["Role"]))
        except Unresolvable:  # a role of another stack: any name does
            account = self.intrinsics.resolve({"Ref": "AWS::AccountId"})
            return f"arn:aws:iam::{account}:role/{logical_id}"

    def _event_rules(self, logical_id: str) -> dict[str, int]:
        """EventInvokeConfig, which the expansion keeps in a resource of its own."""
        resources = self.expansion.document["Resources"]
        config = resources.get(f"{logical_id}EventInvokeConfig", {}).get("Properties", {})
        names = {
            "MaximumEventAgeInSeconds": "max_event_age_s",
            "MaximumRetryAttempts": "max_retries",
        }
        return {
            ours: int(self._plain(logical_id, theirs, config[theirs]))
            for theirs, ours in names.items()
            if theirs in config
        }

    def _environment(
        self, logical_id: str, properties: Mapping[str, Any]
    ) -> tuple[dict[str, str], dict[str, str]]:
        """Variables with a value here, and why the others have none."""
        values: dict[str, str] = {}
        unresolved: dict[str, str] = {}
        declared = (properties.get("Environment") or {}).get("Variables") or {}
        for name, value in declared.items():
            try:
                found = self.shell[name] if name in self.shell else self.intrinsics.resolve(value)
            except Unresolvable as error:
                unresolved[name] = str(error)
                continue
            if isinstance(found, dict | list):
                raise TemplateError(f"{logical_id}: the variable {name} should be a single value.")
            if found is not NO_VALUE:
                values[name] = _text(found)
        return values, unresolved

    def _folder(self, logical_id: str, name: str) -> Path:
        uri = self._plain(logical_id, name, self.expansion.code(logical_id))
        if uri is None:
            raise TemplateError(f"{logical_id} has no {name}; it should name a folder.")
        folder = (self.folder / str(uri)).resolve()
        if not folder.is_dir():
            raise TemplateError(f"{logical_id}: {name} is {uri}, but {folder} is not a folder.")
        return folder

    def _layers(self, logical_id: str, properties: Mapping[str, Any]) -> list[Path]:
        """Later layers first: on Lambda they are unpacked over the earlier ones."""
        resources = self.expansion.document["Resources"]
        found: list[Path] = []
        for layer in properties.get("Layers") or []:
            name = layer.get("Ref") if isinstance(layer, dict) else None
            original = code_key(resources[name]) if name in resources else None
            if original is None:
                raise TemplateError(
                    f"{logical_id}: the layer {layer} is not on this machine; it should be a !Ref "
                    "of an AWS::Serverless::LayerVersion in the template."
                )
            content = self._folder(original, "ContentUri")
            unpacked = content / "python"  # as Lambda wants it, unless `sam build` makes it so
            found.insert(0, unpacked if unpacked.is_dir() else content)
        return found


def _root(code: Path, handler: str, metadata: Mapping[str, Any]) -> Path:
    """Where `sam build` would put the package: with ParentPackageMode the code is inside it."""
    if (metadata.get("BuildProperties") or {}).get("ParentPackageMode") != "auto":
        return code
    modules = handler.replace("/", ".").split(".")[:-1]
    for depth in range(min(len(modules), len(code.parts)), 0, -1):
        if list(code.parts[-depth:]) == modules[:depth]:
            return code.parents[depth - 1]
    return code


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _check_handler(logical_id: str, handler: str, python_path: tuple[Path, ...]) -> None:
    module, _, name = handler.replace("/", ".").rpartition(".")
    if not module or not name:
        raise TemplateError(f"{logical_id}: Handler is {handler}; it should be like app.handler.")
    file = module.replace(".", "/")
    for folder in python_path:
        if (folder / f"{file}.py").is_file() or (folder / file / "__init__.py").is_file():
            return
    searched = ", ".join(str(folder) for folder in python_path)
    raise TemplateError(
        f"{logical_id}: Handler is {handler}, but there is no {file}.py in {searched}."
    )
