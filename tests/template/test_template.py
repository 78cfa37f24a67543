"""What template.yaml promises, beyond what `sam validate --lint` looks at."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import pytest
from cj.settings import Settings

from tests.template.expansion import ROOT, declared, expanded, functions, of_type, references
from tests.template.policies import Statement, statements, wildcards

if TYPE_CHECKING:
    from collections.abc import Iterator

ON_DISK = {p.parent.name for p in ROOT.glob("functions/*/app.py")}
WEBSOCKET_ROUTES = {
    "$connect": "WsConnectFunction",
    "$default": "WsMessageFunction",
    "$disconnect": "WsDisconnectFunction",
}
# What AWS offers nothing narrower for: (logical id, action or resource) and the reason.
ACCEPTED_WILDCARDS: dict[tuple[str, str], str] = {}
AWS_POLICIES = {
    "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole",  # its own logs
    "arn:aws:iam::aws:policy/service-role/AWSLambdaVPCAccessExecutionRole",  # its network interface
}
LIBRARIES = ("POWERTOOLS_", "AWS_")  # read by what we use, not by us


def test_every_function_runs_on_the_runtime_the_layer_is_built_for() -> None:
    runtimes = {name: f["Runtime"] for name, f in functions().items()}
    assert set(runtimes.values()) == {"python3.13"}, runtimes
    layers = [layer["CompatibleRuntimes"] for _, layer in of_type("AWS::Lambda::LayerVersion")]
    assert layers == [["python3.13"]]


def test_every_architecture_is_the_parameter_and_arm64_by_default() -> None:
    by_parameter = [{"Ref": "Architecture"}]
    template = declared()
    layer = template["Resources"]["SharedLayer"]
    assert template["Parameters"]["Architecture"]["Default"] == "arm64"
    assert [f["Architectures"] for f in functions().values()] == [by_parameter] * len(functions())
    assert layer["Properties"]["CompatibleArchitectures"] == by_parameter
    assert [layer["Metadata"]["BuildArchitecture"]] == by_parameter


def test_every_function_on_disk_is_in_the_template_and_the_other_way_round() -> None:
    assert {p.name for p in ROOT.glob("functions/[a-z]*/")} == ON_DISK
    assert {f["Handler"] for f in functions().values()} == {
        f"functions.{name}.app.handler" for name in ON_DISK
    }


def test_every_function_is_built_from_its_own_folder_under_its_import_name() -> None:
    for name, resource in declared()["Resources"].items():
        if resource["Type"] == "AWS::Serverless::Function":
            folder = resource["Properties"]["CodeUri"]
            handler = folder.replace("/", ".") + ".app.handler"
            assert resource["Properties"]["Handler"] == handler, name
            build = resource["Metadata"]["BuildProperties"]
            assert build == {"ParentPackageMode": "auto"}, name


def test_every_function_has_the_layer_and_only_it() -> None:
    layers = {name: list(references(f.get("Layers"))) for name, f in functions().items()}
    (layer,) = dict(of_type("AWS::Lambda::LayerVersion"))
    assert layers == {name: [layer] for name in functions()}


def test_the_worker_is_never_retried_and_never_late_and_may_call_itself() -> None:
    configs = [
        config
        for _, config in of_type("AWS::Lambda::EventInvokeConfig")
        if config["FunctionName"] == {"Ref": "TurnWorkerFunction"}
    ]
    assert [c["MaximumRetryAttempts"] for c in configs] == [0]
    assert [c["MaximumEventAgeInSeconds"] for c in configs] == [60]
    assert functions()["TurnWorkerFunction"]["RecursiveLoop"] == "Allow"


def test_the_socket_s_routes_reach_their_functions_at_the_path_ws() -> None:
    integrations = dict(of_type("AWS::ApiGatewayV2::Integration"))
    reached = {}
    for _, route in of_type("AWS::ApiGatewayV2::Route"):
        integration = integrations[next(references(route["Target"]))]
        reached[route["RouteKey"]] = next(references(integration["IntegrationUri"]))
    assert reached == WEBSOCKET_ROUTES
    assert "ws" in {stage["StageName"] for _, stage in of_type("AWS::ApiGatewayV2::Stage")}


def test_no_function_outlives_the_gateway_that_waits_for_it() -> None:
    waited_for = {
        next(references(permission["FunctionName"]))
        for _, permission in of_type("AWS::Lambda::Permission")
        if permission["Principal"] == "apigateway.amazonaws.com"
    }
    assert waited_for >= set(WEBSOCKET_ROUTES.values())
    timeouts = {name: functions()[name]["Timeout"] for name in waited_for}
    assert max(timeouts.values()) <= 29, timeouts


def test_the_archiver_runs_on_a_schedule() -> None:
    targets = [next(references(s["Target"])) for _, s in of_type("AWS::Scheduler::Schedule")]
    assert targets == ["ArchiverFunction"]


def test_every_environment_variable_is_one_the_settings_know() -> None:
    known = {name.upper() for name in Settings.model_fields} | _asked_for()
    unknown = {
        (function, variable)
        for function, variable in _environment()
        if variable not in known and not variable.startswith(LIBRARIES)
    }
    assert not unknown


def test_no_address_with_a_password_stands_in_an_environment() -> None:
    assert not {v for _, v in _environment()} & {"DATABASE_URL", "DATABASE_MIGRATION_URL"}


def _environment() -> Iterator[tuple[str, str]]:
    for name, function in functions().items():
        for variable in function.get("Environment", {}).get("Variables", {}):
            yield name, variable


class Asked(dict[str, str]):
    """An environment that remembers which single variables were asked for."""

    def __init__(self, **values: str) -> None:
        super().__init__(values)
        self.names: set[str] = set()

    def get(self, name: str, default: str | None = None) -> str | None:  # type: ignore[override]
        self.names.add(name)
        return super().get(name, default)


def _asked_for() -> set[str]:
    environ = Asked(PUBLIC_URL="https://cj.example.com", REDIS_URL="redis://127.0.0.1:6379")
    Settings.read(environ, secret=lambda arn: arn)
    return environ.names


def test_only_the_migrations_may_read_the_owner_s_secret() -> None:
    readers = {name for name, s in statements() if "DatabaseOwnerSecretArn" in references(s)}
    assert readers == {"MigrateFunctionRole"}


def test_only_who_counts_addresses_may_read_what_cloudfront_adds() -> None:
    told = {f for f, variable in _environment() if variable == "ORIGIN_SECRET_ARN"}
    assert told == {"WsConnectFunction", "OauthCallbackFunction"}
    assert {n for n, s in statements() if "OriginSecretArn" in references(s)} == {
        "ReadOriginSecret"
    }
    readers = {
        name
        for name, role in of_type("AWS::IAM::Role")
        if "ReadOriginSecret" in references(role.get("ManagedPolicyArns", []))
    }
    assert readers == {f"{function}Role" for function in told}


def test_a_function_is_told_of_no_secret_that_its_role_may_not_read() -> None:
    roles = {name: set(references(function["Role"])) for name, function in functions().items()}
    policies = dict(of_type("AWS::IAM::ManagedPolicy")) | dict(of_type("AWS::IAM::Role"))
    for name, function in functions().items():
        variables = function["Environment"]["Variables"]
        told = {
            parameter
            for variable, value in variables.items()
            if variable.endswith("_SECRET_ARN")
            for parameter in references(value)
        }
        reads = {named for role in roles[name] for named in references(policies[role])}
        reads |= {
            named for policy in reads & set(policies) for named in references(policies[policy])
        }
        assert told <= reads, name
        assert told, name


def test_no_policy_allows_more_than_it_names() -> None:
    found = {(name, what) for name, s in statements() for what in wildcards(s)}
    assert found == set(ACCEPTED_WILDCARDS), "give the action or the resource its name"


def test_no_role_takes_a_policy_of_aws_that_we_have_not_read() -> None:
    taken = {
        arn
        for _, role in of_type("AWS::IAM::Role")
        for arn in role.get("ManagedPolicyArns", ())
        if isinstance(arn, str)
    }
    assert taken <= AWS_POLICIES
    ours = {name for name, r in expanded().items() if r["Type"] == "AWS::IAM::ManagedPolicy"}
    roles = [role.get("ManagedPolicyArns", ()) for _, role in of_type("AWS::IAM::Role")]
    assert {ref for arns in roles for ref in references(list(arns))} == ours


ARN = "arn:aws:lambda:eu-central-1:123456789012:"


@pytest.mark.parametrize(
    ("statement", "found"),
    [
        ({"Action": "kms:Decrypt", "Resource": {"Ref": "Key"}}, []),
        ({"Action": ["s3:GetObject"], "Resource": "arn:aws:s3:::bucket/*"}, []),
        ({"Action": "lambda:InvokeFunction", "Resource": f"{ARN}function:cj-*"}, []),
        (
            {
                "Action": "execute-api:ManageConnections",
                "Resource": {"Fn::Sub": "arn:${AWS::Partition}:execute-api:r:a:${Api}/ws/*/@c/*"},
            },
            [],
        ),
        ({"Action": "*", "Resource": {"Ref": "Key"}}, ["*"]),
        ({"Action": ["kms:*", "kms:Decrypt"], "Resource": {"Ref": "Key"}}, ["kms:*"]),
        ({"Action": "kms:Decrypt", "Resource": "*"}, ["*"]),
        ({"Action": "kms:Decrypt", "Resource": ["*", {"Ref": "Key"}]}, ["*"]),
        (
            {"Action": "lambda:InvokeFunction", "Resource": f"{ARN}function:*"},
            [f"{ARN}function:*"],
        ),
        (
            {"Action": "kms:Decrypt", "Resource": {"Fn::Sub": "arn:${P}:kms:${R}:${A}:key/*"}},
            ["arn:${P}:kms:${R}:${A}:key/*"],
        ),
        ({"Action": "s3:GetObject", "Resource": "arn:aws:s3:::*"}, ["arn:aws:s3:::*"]),
        ({"NotAction": "kms:Decrypt", "Resource": {"Ref": "Key"}}, ["NotAction"]),
        ({"Action": "kms:Decrypt", "NotResource": {"Ref": "Key"}}, ["NotResource"]),
    ],
)
def test_a_statement_that_is_too_wide_is_found(statement: Statement, found: list[str]) -> None:
    assert wildcards({"Effect": "Allow", **statement}) == found
    assert wildcards({"Effect": "Deny", **statement}) == []


def test_a_build_without_a_working_python_3_13_says_what_to_set() -> None:
    shim = {**os.environ, "PYTHON313": "false"}  # it exists and fails, as a shim may
    build = subprocess.run([ROOT / ".ci/build"], env=shim, capture_output=True, text=True)
    assert build.returncode == 1
    assert "set PYTHON313=/path/to/python3.13" in build.stderr


def test_the_internal_route_is_behind_a_signature_and_in_no_api_that_is_public() -> None:
    routes = {
        (name, path): method
        for name, api in of_type("AWS::ApiGatewayV2::Api")
        for path, item in api.get("Body", {}).get("paths", {}).items()
        for method in item.values()
    }
    internal = {at: route for at, route in routes.items() if at[1].startswith("/internal/")}
    assert set(internal) == {("InternalApi", "/internal/session/initiate")}
    assert {name for name, path in routes if not path.startswith("/internal/")} == {"HttpApi"}
    (api,) = [a for name, a in of_type("AWS::ApiGatewayV2::Api") if name == "InternalApi"]
    schemes = api["Body"]["components"]["securitySchemes"]
    for route in internal.values():
        (asked,) = route["security"]
        assert [schemes[name]["x-amazon-apigateway-authtype"] for name in asked] == ["awsSigv4"]


def test_only_the_callback_may_call_the_internal_route_and_it_may_not_open_tokens() -> None:
    invokers = {name for name, s in statements() if "execute-api:Invoke" in s["Action"]}
    assert invokers == {"HandOff"}
    roles = [p["Roles"] for name, p in of_type("AWS::IAM::Policy") if name == "HandOff"]
    assert roles == [[{"Ref": "OauthCallbackFunctionRole"}]]
    taken = dict(of_type("AWS::IAM::Role"))["OauthCallbackFunctionRole"]["ManagedPolicyArns"]
    allowed = [s["Action"] for name, s in statements() if {"Ref": name} in taken]
    assert not [action for action in allowed if "kms:Decrypt" in action]
