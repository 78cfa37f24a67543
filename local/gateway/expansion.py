"""A template file as SAM's own translator expands it: plain CloudFormation resources."""

from __future__ import annotations

import copy
import os
from typing import TYPE_CHECKING, Any

import yaml
from samtranslator.parser.parser import Parser
from samtranslator.public.exceptions import InvalidDocumentException
from samtranslator.translator.translator import Translator
from samtranslator.yaml_helper import yaml_parse

from local.gateway.model import TemplateError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

FUNCTION = "AWS::Serverless::Function"
LAYER = "AWS::Serverless::LayerVersion"
_CODE = {FUNCTION: "CodeUri", LAYER: "ContentUri"}
_ELSEWHERE = "s3://bucket/key"  # the translator takes no local folders


def read(path: Path) -> dict[str, Any]:
    """The file's content. Raises TemplateError with the line that is no YAML."""
    try:
        source = yaml_parse(path.read_text())
    except OSError as error:
        raise TemplateError(f"{path} cannot be read: {error.strerror}.") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or "it is no YAML"
        raise TemplateError(f"{path}{where}: {problem}.") from None
    if not isinstance(source, dict) or not isinstance(source.get("Resources"), dict):
        raise TemplateError(f"{path} has no Resources: it is no SAM template.")
    return source


def expand(
    path: Path, source: Mapping[str, Any], parameters: Mapping[str, str], region: str
) -> dict[str, Any]:
    """The resources SAM makes of it. Raises TemplateError with every complaint of SAM's."""
    document = copy.deepcopy(dict(source))
    for resource in document["Resources"].values():
        if isinstance(resource, dict) and resource.get("Type") in _CODE:
            resource.setdefault("Properties", {})[_CODE[resource["Type"]]] = _ELSEWHERE
    os.environ.setdefault("AWS_DEFAULT_REGION", region)  # the translator asks boto3 for one
    try:
        expanded = Translator({}, Parser()).translate(document, dict(parameters))
    except InvalidDocumentException as error:
        said = "\n  ".join(str(cause.message) for cause in error.causes) or str(error)
        raise TemplateError(f"{path} is refused by SAM:\n  {said}") from None
    resources: dict[str, Any] = expanded["Resources"]
    return resources
