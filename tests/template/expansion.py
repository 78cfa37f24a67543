"""template.yaml as it is written and as CloudFormation gets it. Looks nothing up: works offline."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator
from samtranslator.yaml_helper import yaml_parse

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
Resource = dict[str, Any]


def declared(path: Path = ROOT / "template.yaml") -> dict[str, Any]:
    """The template as it is written, a fresh copy, its !Ref and !Sub spelled out."""
    template: dict[str, Any] = yaml_parse(path.read_text())
    return template


@functools.cache
def expanded() -> dict[str, Resource]:
    """The resources after the serverless transform."""
    template = declared()
    for resource in template["Resources"].values():
        for key in ("CodeUri", "ContentUri"):  # the transform accepts only what is uploaded
            if key in resource["Properties"]:
                resource["Properties"][key] = "s3://bucket/key"
    session = boto3.Session(region_name="us-east-1")
    translator = Translator({}, Parser(), boto_session=session)
    resources: dict[str, Resource] = translator.translate(template, {})["Resources"]
    return resources


def of_type(kind: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Logical id and properties of every expanded resource of one type."""
    for name, resource in expanded().items():
        if resource["Type"] == kind:
            yield name, resource["Properties"]


def functions() -> dict[str, dict[str, Any]]:
    """The properties of every Lambda function, by logical id."""
    return dict(of_type("AWS::Lambda::Function"))


def references(value: object) -> Iterator[str]:
    """Every logical id that a value names by Ref or Fn::GetAtt."""
    if isinstance(value, dict):
        if "Ref" in value:
            yield value["Ref"]
        if "Fn::GetAtt" in value:
            yield value["Fn::GetAtt"][0]
        for inner in value.values():
            yield from references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from references(inner)
