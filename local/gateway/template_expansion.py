"""From a SAM template's text to plain CloudFormation, without a network."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import boto3
import yaml
from samtranslator.metrics.metrics import DummyMetricsPublisher, Metrics
from samtranslator.model.exceptions import InvalidDocumentException
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator
from samtranslator.yaml_helper import intrinsics_multi_constructor

from local.gateway.model import TemplateError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

FUNCTION = "AWS::Serverless::Function"
LAYER = "AWS::Serverless::LayerVersion"
_CODE = {FUNCTION: "CodeUri", LAYER: "ContentUri"}
_BUCKET = "code"  # where the expansion finds it stands for code that is on this machine


class _Loader(yaml.SafeLoader):
    """YAML with !Ref, !Sub and the like."""


_Loader.add_multi_constructor("!", intrinsics_multi_constructor)


@dataclass(frozen=True, slots=True)
class Expansion:
    """The expanded document, and what the original says of code, which S3 addresses replaced."""

    original: Mapping[str, Any]
    document: Mapping[str, Any]
    parameters: Mapping[str, Any]

    def code(self, logical_id: str) -> Any:
        """CodeUri or ContentUri of a resource of the original, Globals included."""
        resource = self.original["Resources"][logical_id]
        name = _CODE[resource["Type"]]
        everywhere = (self.original.get("Globals") or {}).get("Function") or {}
        own = resource.get("Properties") or {}
        return own.get(name, everywhere.get(name) if resource["Type"] == FUNCTION else None)


def expand(path: Path, parameters: Mapping[str, str], region: str) -> Expansion:
    """TemplateError if the file is not a SAM template that AWS would take."""
    original = _read(path)
    values = _parameter_values(original, parameters)
    prepared = copy.deepcopy(original)
    for logical_id, resource in prepared["Resources"].items():
        if resource.get("Type") in _CODE:
            resource.setdefault("Properties", {})[_CODE[resource["Type"]]] = (
                f"s3://{_BUCKET}/{logical_id}"
            )
    metrics = Metrics("gateway", DummyMetricsPublisher())
    session = boto3.Session(region_name=region)  # only its region is read
    translator = Translator({}, Parser(), boto_session=session, metrics=metrics)
    try:
        document = translator.translate(prepared, dict(values))
    except InvalidDocumentException as error:
        causes = [cause.message for cause in error.causes]
        raise TemplateError(_listed(f"{path} is not a valid SAM template:", causes)) from error
    finally:
        metrics.publish()  # to nobody; it complains otherwise
    return Expansion(original, document, values)


def code_key(resource: Mapping[str, Any]) -> str | None:
    """The logical id, in the original, of an expanded function or layer."""
    properties = resource.get("Properties") or {}
    code = properties.get("Code") or properties.get("Content") or {}
    is_ours = isinstance(code, dict) and code.get("S3Bucket") == _BUCKET
    return str(code["S3Key"]) if is_ours else None


def _read(path: Path) -> Mapping[str, Any]:
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise TemplateError(f"{path} cannot be read: {error.strerror}.") from error
    try:
        document = yaml.load(text, Loader=_Loader)  # noqa: S506 - a SafeLoader
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f", line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise TemplateError(f"{path}{where}: {error.problem or error.context}.") from error
    except yaml.YAMLError as error:
        raise TemplateError(f"{path} is not YAML: {error}") from error
    return _checked(path, document)


def _checked(path: Path, document: Any) -> Mapping[str, Any]:
    """What the translator takes for granted."""
    resources = document.get("Resources") if isinstance(document, dict) else None
    if not isinstance(resources, dict) or not resources:
        raise TemplateError(f"{path} has no Resources; it should be a SAM template.")
    for logical_id, resource in resources.items():
        if not isinstance(resource, dict) or not isinstance(resource.get("Type"), str):
            raise TemplateError(f"{path}: {logical_id} should be a mapping with a Type.")
    transform = document.get("Transform")
    if "AWS::Serverless-2016-10-31" not in (
        transform if isinstance(transform, list) else [transform]
    ):
        raise TemplateError(f"{path} should say `Transform: AWS::Serverless-2016-10-31`.")
    found: Mapping[str, Any] = document
    return found


def _parameter_values(document: Mapping[str, Any], given: Mapping[str, str]) -> dict[str, Any]:
    """Given values over defaults; lists are split as CloudFormation splits them."""
    declared: Mapping[str, Any] = document.get("Parameters") or {}
    if unknown := sorted(set(given) - set(declared)):
        known = ", ".join(sorted(declared)) or "none"
        raise TemplateError(f"The template has no parameter {unknown[0]}. It has: {known}.")
    values: dict[str, Any] = {}
    for name, parameter in declared.items():
        kind = str(parameter.get("Type", "String"))
        value = given.get(name)
        if value is None and not kind.startswith("AWS::SSM::"):
            value = parameter.get("Default")  # of an SSM one it is the name of the value
        if value is not None:
            _check_allowed(name, parameter, value)
            values[name] = _typed(kind, value)
    return values


def _check_allowed(name: str, parameter: Mapping[str, Any], value: Any) -> None:
    allowed = parameter.get("AllowedValues")
    if allowed and str(value) not in [str(one) for one in allowed]:
        listed = ", ".join(str(one) for one in allowed)
        raise TemplateError(f"The parameter {name} is {value}; it should be one of {listed}.")


def _typed(kind: str, value: Any) -> Any:
    if kind == "CommaDelimitedList" or kind.startswith("List<"):
        return [item.strip() for item in str(value).split(",")]
    return str(value)


def _listed(title: str, causes: list[str]) -> str:
    return "\n".join([title, *(f"  {cause}" for cause in causes)])
