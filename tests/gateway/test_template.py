"""What a SAM template becomes: functions, routes and schedules, as AWS would read them."""

import textwrap
from pathlib import Path

import pytest

from local.gateway import template
from local.gateway.model import HttpRoute, WebSocketRoute

HEAD = "AWSTemplateFormatVersion: '2010-09-09'\nTransform: AWS::Serverless-2016-10-31\n"
FUNCTION = """
  Deeds:
    Type: AWS::Serverless::Function
    Properties:
      Runtime: python3.13
      CodeUri: code
      Handler: app.handler
"""


@pytest.fixture
def folder(tmp_path):
    """Code as a repository would have it: one plain function, one in a package, one layer."""
    for file in ("code/app.py", "functions/chat/app.py", "layers/shared/shared.py"):
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_text("def handler(event, context): ...\n")
    return tmp_path


@pytest.fixture
def load(folder):
    def reads(resources=FUNCTION, head="", *, tail="", shell=None, **parameters):
        text = f"{HEAD}{textwrap.dedent(head)}\nResources:{resources}\n{textwrap.dedent(tail)}"
        (folder / "template.yaml").write_text(text)
        return template.load(folder / "template.yaml", parameters, shell=shell or {})

    return reads


def deeds(model):
    return model.functions["Deeds"]


def test_a_function_has_lambdas_own_defaults(load, folder):
    function = deeds(load())
    assert function.name == function.logical_id == "Deeds"
    assert function.handler == "app.handler"
    assert (function.timeout_s, function.memory_mb) == (3, 128)
    assert (function.max_retries, function.max_event_age_s) == (2, 21_600)
    assert function.arn == "arn:aws:lambda:us-east-1:123456789012:function:Deeds"
    assert function.role_arn == "arn:aws:iam::123456789012:role/local-DeedsRole"
    assert function.python_path == function.watched == (folder / "code",)


def test_globals_are_honoured_and_overridden(load):
    head = """
    Globals:
      Function:
        Timeout: 20
        MemorySize: 512
        Environment: {Variables: {A: everywhere, B: everywhere}}
    """
    function = deeds(
        load(FUNCTION + "      Timeout: 7\n      Environment: {Variables: {B: here}}", head)
    )
    assert (function.timeout_s, function.memory_mb) == (7, 512)
    assert function.environment == {"A": "everywhere", "B": "here"}


def test_globals_say_where_the_code_is_too(load, folder):
    resources = "\n  Deeds:\n    Type: AWS::Serverless::Function\n    Properties: {}"
    head = "Globals: {Function: {CodeUri: code, Handler: app.handler, Runtime: python3.11}}"
    assert deeds(load(resources, head)).python_path == (folder / "code",)


def test_event_invoke_config_says_how_often_and_how_long(load):
    more = "      EventInvokeConfig: {MaximumRetryAttempts: 0, MaximumEventAgeInSeconds: 60}"
    function = deeds(load(FUNCTION + more))
    assert (function.max_retries, function.max_event_age_s) == (0, 60)


def test_layers_come_after_the_code_the_last_one_first(load, folder):
    (folder / "layers/zip/python").mkdir(parents=True)
    resources = (
        FUNCTION
        + """
      Layers: [!Ref Shared, !Ref Zip]
  Shared:
    Type: AWS::Serverless::LayerVersion
    Metadata: {BuildMethod: makefile}
    Properties: {ContentUri: layers/shared}
  Zip:
    Type: AWS::Serverless::LayerVersion
    Properties: {ContentUri: layers/zip}
"""
    )
    function = deeds(load(resources))
    expected = (folder / "code", folder / "layers/zip/python", folder / "layers/shared")
    assert function.python_path == expected
    assert function.watched == expected


PACKAGED = """
  Deeds:
    Type: AWS::Serverless::Function
    {metadata}
    Properties:
      Runtime: python3.13
      CodeUri: functions/chat
      Handler: {handler}
"""


def test_with_parent_package_mode_the_code_is_inside_its_package(load, folder):
    metadata = "Metadata: {BuildProperties: {ParentPackageMode: auto}}"
    resources = PACKAGED.format(metadata=metadata, handler="functions.chat.app.handler")
    function = deeds(load(resources))
    assert function.python_path == (folder,)
    assert function.watched == (folder / "functions/chat",)


def test_without_parent_package_mode_the_code_is_where_it_says(load, folder):
    function = deeds(load(PACKAGED.format(metadata="", handler="app.handler")))
    assert function.python_path == (folder / "functions/chat",)


HTTP = """
  Http:
    Type: AWS::Serverless::HttpApi
    Properties:
      StageName: prod
      Auth: {EnableIamAuthorizer: true}
"""


def test_http_routes_are_read_from_the_apis_body(load):
    events = """
      AutoPublishAlias: live
      Events:
        One: {Type: HttpApi, Properties: {ApiId: !Ref Http, Method: get, Path: "/users/{id}"}}
        Two:
          Type: HttpApi
          Properties: {ApiId: !Ref Http, Method: ANY, Path: /a, TimeoutInMillis: 300}
        Three:
          Type: HttpApi
          Properties: {ApiId: !Ref Http, Method: POST, Path: /b, Auth: {Authorizer: AWS_IAM}}
        Any: {Type: HttpApi}
"""
    own, implicit = load(FUNCTION + events + HTTP).http_apis
    assert (own.logical_id, own.stage) == ("Http", "prod")
    assert set(own.routes) == {
        HttpRoute("GET", "/users/{id}", "Deeds"),
        HttpRoute("ANY", "/a", "Deeds", timeout_s=0.3),
        HttpRoute("POST", "/b", "Deeds", iam=True),
    }
    assert (implicit.stage, implicit.routes) == (
        "$default",
        (HttpRoute("ANY", "$default", "Deeds"),),
    )
    assert implicit.routes[0].key == "$default"


SOCKETS = """
  Sockets:
    Type: AWS::Serverless::WebSocketApi
    Properties:
      StageName: ws
      RouteSelectionExpression: $request.body.type
      Routes:
        $connect: {FunctionArn: !GetAtt Deeds.Arn}
        $default: {FunctionArn: !GetAtt Deeds.Arn, IntegrationTimeout: 500}
        echo: {FunctionArn: !GetAtt Deeds.Arn, RouteResponseSelectionExpression: $default}
  EchoResponse:
    Type: AWS::ApiGatewayV2::RouteResponse
    Properties: {ApiId: !Ref Sockets, RouteId: !Ref SocketsEchoRoute, RouteResponseKey: $default}
"""


def test_websocket_routes_are_read_from_their_resources(load):
    model = load(FUNCTION + SOCKETS)
    (api,) = model.websocket_apis
    assert (api.stage, api.selection_expression) == ("ws", "$request.body.type")
    assert api.routes == {
        "$connect": WebSocketRoute("$connect", "Deeds"),
        "$default": WebSocketRoute("$default", "Deeds", timeout_s=0.5),
        "echo": WebSocketRoute("echo", "Deeds", has_response=True),
    }
    assert model.http_apis == ()


def test_apis_keep_their_ids_from_start_to_start(load):
    one, other = (load(FUNCTION + SOCKETS).websocket_apis[0].api_id for _ in range(2))
    assert one == other
    assert len(one) == 10


def test_schedules_of_both_kinds_are_read(load):
    events = """
      AutoPublishAlias: live
      Events:
        Rule: {Type: Schedule, Properties: {Schedule: rate(5 minutes), Name: five}}
        Never: {Type: Schedule, Properties: {Schedule: "cron(0 12 * * ? *)", Enabled: false}}
        Newer:
          Type: ScheduleV2
          Properties:
            ScheduleExpression: rate(1 hour)
            Input: '{"a": 1}'
            State: DISABLED
"""
    found = {schedule.name: schedule for schedule in load(FUNCTION + events).schedules}
    rule, never, newer = found["five"], found["DeedsNever"], found["DeedsNewer"]
    assert (rule.function, rule.expression, rule.input) == ("Deeds", "rate(5 minutes)", None)
    assert (rule.enabled, never.enabled, newer.enabled) == (True, False, False)
    assert (rule.source, newer.source) == ("aws.events", "aws.scheduler")
    assert newer.input == '{"a": 1}'


def test_a_schedules_dead_letter_queue_elsewhere_stops_nobody(load):
    events = """
      Events:
        Rule:
          Type: Schedule
          Properties:
            Schedule: rate(5 minutes)
            DeadLetterConfig: {Arn: !GetAtt Queue.Arn}
  Queue: {Type: AWS::SQS::Queue}
"""
    assert load(FUNCTION + events).schedules[0].expression == "rate(5 minutes)"


def test_outputs_that_have_a_value_here_are_kept(load):
    tail = """
    Outputs:
      Name: {Value: !Ref Deeds}
      Elsewhere: {Value: !GetAtt Table.StreamArn}
    """
    resources = FUNCTION + "  Table: {Type: AWS::DynamoDB::Table}"
    assert load(resources, tail=tail).outputs == {"Name": "Deeds"}


def test_what_is_not_served_is_said(load):
    resources = (
        FUNCTION
        + """
      Events:
        Old: {Type: Api, Properties: {Path: /, Method: get, RestApiId: !Ref Rest}}
        Queue: {Type: SQS, Properties: {Queue: arn:aws:sqs:us-east-1:123456789012:q}}
  Rest:
    Type: AWS::Serverless::Api
    Properties: {StageName: prod}
"""
    )
    texts = "\n".join(load(resources).warnings)
    assert "Rest is not served: it is a REST API" in texts
    assert "Deeds gets no event Old: Api" in texts
    assert "Deeds gets no event Queue: SQS" in texts


def test_a_function_whose_condition_does_not_hold_is_not_there(load):
    head = "Conditions: {Never: !Equals [a, b]}"
    resources = FUNCTION + FUNCTION.replace("Deeds:", "Never:\n    Condition: Never")
    assert set(load(resources, head).functions) == {"Deeds"}


def test_the_region_is_the_callers(load, folder):
    load()
    model = template.load(folder / "template.yaml", {}, "eu-central-1", shell={})
    assert deeds(model).arn.split(":")[3] == "eu-central-1"


def test_functions_are_found_by_name_arn_and_logical_id(load):
    model = load(FUNCTION + "      FunctionName: !Sub ${AWS::StackName}-deeds")
    function = deeds(model)
    assert function.name == "local-deeds"
    for name in ("local-deeds", function.arn, "Deeds"):
        assert model.function_called(name) is function
    assert model.function_called("nobody") is None


def test_a_relative_path_of_the_template_is_as_good(load, folder, monkeypatch):
    load()
    monkeypatch.chdir(folder)
    model = template.load(Path("template.yaml"), {}, shell={})
    assert deeds(model).python_path == (folder / "code",)
