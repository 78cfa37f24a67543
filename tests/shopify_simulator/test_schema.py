"""The trimmed schema is a part of Shopify's own, and the operations are valid in both."""

from __future__ import annotations

import gzip
import json
import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from graphql import (
    GraphQLObjectType,
    GraphQLSchema,
    build_client_schema,
    build_schema,
    get_named_type,
    is_enum_type,
    is_input_object_type,
    is_interface_type,
    is_introspection_type,
    is_object_type,
    is_specified_scalar_type,
    parse,
    validate,
)

from local.shopify.schema import ACCESS, SDL
from tests.shopify_simulator.test_graphql import ORDERS

if TYPE_CHECKING:
    from collections.abc import Mapping

FULL = Path(__file__).resolve().parents[3] / "shared" / "shopify-schema"
VERSIONS = ["2026-07", "2026-10"]
OLD_OVERVIEW = "{ orders(first: 10) { nodes { customer { id displayName ordersCount } } } }"


@cache
def trimmed() -> GraphQLSchema:
    return build_schema(SDL.read_text())


@cache
def introspected(version: str) -> dict[str, Any]:
    path = FULL / f"admin_{version}.json.gz"
    if not path.exists():
        pytest.skip("the full schemas are not beside this repository")
    return dict(json.loads(gzip.decompress(path.read_bytes()))["data"])


@cache
def full(version: str) -> GraphQLSchema:
    return build_client_schema(introspected(version), assume_valid=True)  # type: ignore[arg-type]


def test_it_comes_with_its_licence() -> None:
    licence = SDL.with_name("LICENSE").read_text()
    assert "ISC License" in licence
    assert "Shopify Inc." in licence


def test_every_access_rule_is_about_something_in_the_schema() -> None:
    for key in json.loads(ACCESS.read_text()):
        parent, _, field = key.partition(".")
        named = trimmed().type_map[parent]
        assert not field or field in members(named)


def test_the_pre_2025_overview_is_rejected_by_name() -> None:
    (error,) = validate(trimmed(), parse(OLD_OVERVIEW))
    assert "'ordersCount' on type 'Customer'" in error.message


@pytest.mark.parametrize("version", VERSIONS)
def test_the_full_schemas_reject_it_by_the_same_name(version: str) -> None:
    (error,) = validate(full(version), parse(OLD_OVERVIEW))
    assert "'ordersCount' on type 'Customer'" in error.message


@pytest.mark.parametrize("version", VERSIONS)
def test_a_query_of_these_tests_is_valid_in_the_full_schema(version: str) -> None:
    assert not validate(full(version), parse(ORDERS))


def test_everything_in_the_trimmed_schema_is_in_the_full_one() -> None:
    whole = full("2026-10").type_map
    for name, named in trimmed().type_map.items():
        if is_introspection_type(named) or is_specified_scalar_type(named):
            continue
        assert type(named) is type(whole[name]), name
        assert members(named).items() <= members(whole[name]).items(), name


def members(named: Any) -> Mapping[str, str]:
    """Of a type, each with its own type and arguments."""
    if is_enum_type(named):
        return dict.fromkeys(named.values, "")
    if is_input_object_type(named):
        return {name: str(field.type) for name, field in named.fields.items()}
    if is_object_type(named) or is_interface_type(named):
        return {name: _told(field) for name, field in named.fields.items()}
    return {}


def _told(field: Any) -> str:
    arguments = {name: (str(a.type), str(a.default_value)) for name, a in field.args.items()}
    return f"{arguments} -> {field.type}"


def test_what_may_be_seen_with_which_scope_is_as_shopify_documents_it() -> None:
    types = {t["name"]: t for t in introspected("2026-10")["__schema"]["types"]}
    for key, rule in json.loads(ACCESS.read_text()).items():
        parent, _, field = key.partition(".")
        documented = types[parent]
        if field:
            documented = next(f for f in documented["fields"] if f["name"] == field)
        for name, value in rule.items():
            assert documented[name] == value, (key, name)


def test_nothing_else_in_the_trimmed_schema_asks_for_a_scope() -> None:
    """What has no rule here has none at Shopify, or one about its parent's type."""
    types = {t["name"]: t for t in introspected("2026-10")["__schema"]["types"]}
    rules = json.loads(ACCESS.read_text())
    for name, named in trimmed().type_map.items():
        if not isinstance(named, GraphQLObjectType) or name.startswith("__"):
            continue
        assert name in rules or not re.search("access scope", types[name]["requiredAccess"] or "")
        for field in types[name]["fields"]:
            own = named.fields.get(field["name"])
            if own and re.search("access scope", field["requiredAccess"] or ""):
                returned = get_named_type(own.type).name
                assert {f"{name}.{field['name']}", returned, name} & set(rules), field["name"]
