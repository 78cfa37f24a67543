"""A template that cannot be served: the text says where it is wrong and what it should be."""

import pytest

from local.gateway import template
from local.gateway.model import TemplateError

HEAD = "Transform: AWS::Serverless-2016-10-31\n"
API = "\n  Http: {Type: AWS::Serverless::HttpApi}"


def deeds(*more, name="Deeds", **changes):
    """A function's lines, with some properties changed and some added."""
    properties = {"Runtime": "python3.13", "CodeUri": "code", "Handler": "app.handler", **changes}
    lines = [f"      {key}: {value}" for key, value in properties.items() if value is not None]
    lines += [f"      {line}" for line in more]
    head = f"\n  {name}:\n    Type: AWS::Serverless::Function\n    Properties:\n"
    return head + "\n".join(lines)


def with_head(resources, head=""):
    return f"{HEAD}{head}\nResources:{resources}\n"


def sockets(route="$connect: {FunctionArn: !GetAtt Deeds.Arn}", auth=""):
    return f"""
  Sockets:
    Type: AWS::Serverless::WebSocketApi
    Properties:
      RouteSelectionExpression: $request.body.type
      {auth}
      Routes:
        {route}"""


def rule(expression, more=""):
    event = f'{{Type: Schedule, Properties: {{Schedule: "{expression}"{more}}}}}'
    return with_head(deeds(f"Events: {{Often: {event}}}"))


HTTP_EVENT = "Events: {A: {Type: HttpApi, Properties: {ApiId: !Ref Http, Path: /a, Method: GET%s}}}"
ELSEWHERE = "arn:aws:lambda:us-east-1:123456789012:function:elsewhere"

ERRORS = {
    "not YAML": ("Resources:\n  A: {b: [c\n", ["template.yaml, line 3", "expected"]),
    "a tab": ("Resources:\n\tA: 1\n", ["template.yaml, line 2, column 1"]),
    "not a mapping": ("- a\n- b\n", ["has no Resources", "SAM template"]),
    "empty": ("", ["has no Resources"]),
    "no transform": (f"Resources:{deeds()}", ["Transform: AWS::Serverless-2016-10-31"]),
    "a resource without a type": (with_head("\n  A: {}"), ["A should be a mapping with a Type"]),
    "what SAM refuses": (
        with_head(deeds() + sockets("'a b': {FunctionArn: !GetAtt Deeds.Arn}")),
        ["not a valid SAM template", "Sockets", "'a b' must be alphanumeric"],
    ),
    "two things SAM refuses": (
        with_head(deeds(Handler=None) + deeds(name="Other", Handler=None)),
        ["not a valid SAM template", "[Deeds]", "[Other]"],
    ),
    "no such folder": (
        with_head(deeds(CodeUri="cod")),
        ["Deeds: CodeUri is cod, but ", "/cod is not a folder"],
    ),
    "code in S3": (
        with_head(deeds(CodeUri="{Bucket: a, Key: b}")),
        ["Deeds: CodeUri should be a single value"],
    ),
    "no code": (with_head(deeds(CodeUri=None)), ["Deeds has no CodeUri; it should name a folder"]),
    "no such file": (
        with_head(deeds(Handler="main.handler")),
        ["Deeds: Handler is main.handler, but there is no main.py in ", "/code."],
    ),
    "a handler without a module": (
        with_head(deeds(Handler="handler")),
        ["Deeds: Handler is handler; it should be like app.handler"],
    ),
    "a mistyped runtime": (
        with_head(deeds(Runtime="python3.99")),
        ["Deeds has the Runtime python3.99; it should be", "python3.13"],
    ),
    "another language": (with_head(deeds(Runtime="nodejs22.x")), ["Runtime nodejs22.x"]),
    "an image": (
        with_head(
            "\n  Deeds:\n    Type: AWS::Serverless::Function\n"
            "    Properties: {PackageType: Image, ImageUri: a.dkr.ecr.us-east-1.amazonaws.com/b}"
        ),
        ["Deeds is an image; it should be a PackageType: Zip"],
    ),
    "code in the template itself": (
        with_head(deeds("InlineCode: 'def handler(event, context): pass'", CodeUri=None)),
        ["Deeds has no CodeUri; it should name a folder"],
    ),
    "a layer elsewhere": (
        with_head(deeds("Layers: [arn:aws:lambda:us-east-1:1:layer:a:1]")),
        ["Deeds: the layer arn:aws:lambda:us-east-1:1:layer:a:1 is not on this machine"],
    ),
    "a timeout from nowhere": (
        with_head(deeds(Timeout="!Ref Long"), "Parameters: {Long: {Type: Number}}"),
        ["Deeds: Timeout has no value: the parameter Long has no value"],
    ),
    "a list as a variable": (
        with_head(deeds("Environment: {Variables: {A: [1, 2]}}")),
        ["Deeds: the variable A should be a single value"],
    ),
    "the same name twice": (
        with_head(deeds(FunctionName="it") + deeds(name="Other", FunctionName="it")),
        ["Other and Deeds both have the FunctionName it"],
    ),
    "a route to nobody": (
        with_head(deeds() + sockets(f"$connect: {{FunctionArn: '{ELSEWHERE}'}}")),
        ["SocketsConnectRoute: $connect calls elsewhere", "There are: Deeds."],
    ),
    "a route to what is not there": (
        with_head(deeds() + sockets("$connect: {FunctionArn: !GetAtt Nobody.Arn}")),
        [
            "SocketsConnectRoute: IntegrationUri has no value",
            "there is no parameter or resource Nobody",
        ],
    ),
    "a WebSocket authorizer": (
        with_head(deeds() + sockets(auth="Auth: {AuthType: AWS_IAM}")),
        ["SocketsConnectRoute: authorizers of WebSocket APIs are not served", "NONE"],
    ),
    "a JWT authorizer": (
        with_head(
            deeds(HTTP_EVENT % ", Auth: {Authorizer: Tokens}")
            + """
  Http:
    Type: AWS::Serverless::HttpApi
    Properties:
      Auth:
        Authorizers:
          Tokens:
            IdentitySource: $request.header.Authorization
            JwtConfiguration: {issuer: https://example.com, audience: [a]}"""
        ),
        ["Http: GET /a: the authorizer Tokens is not served", "AWS_IAM or NONE"],
    ),
    "the old payload": (
        with_head(deeds(HTTP_EVENT % ', PayloadFormatVersion: "1.0"') + API),
        ["Http: GET /a should have the PayloadFormatVersion 2.0"],
    ),
    "a condition nobody can decide": (
        with_head(
            deeds().replace("Type:", "Condition: Large\n    Type:"),
            "Parameters: {Size: {Type: String}}\nConditions: {Large: !Equals [!Ref Size, L]}",
        ),
        ["Deeds: its Condition cannot be decided: the parameter Size has no value"],
    ),
    "five fields": (
        rule("cron(0 12 * * ?)"),
        ["The schedule DeedsOften is cron(0 12 * * ?)", "six fields"],
    ),
    "no question mark": (rule("cron(0 12 * * * *)"), ["DeedsOften", "should be `?`"]),
    "a minute there is not": (rule("cron(61 12 * * ? *)"), ["cron has a field"]),
    "a weekday there is not": (rule("cron(0 12 ? * 8 *)"), ["1 (Sunday) to 7"]),
    "the nearest weekday": (rule("cron(0 12 LW * ? *)"), ["cron has a field"]),
    "one minutes": (rule("rate(1 minutes)"), ["it should be rate(1 minute)"]),
    "several minute": (rule("rate(5 minute)"), ["it should be rate(5 minutes)"]),
    "no expression": (rule("daily"), ["it should be rate(5 minutes) or cron(0 12 * * ? *)"]),
    "another time zone": (
        with_head(
            deeds(
                "Events: {Often: {Type: ScheduleV2, Properties: {ScheduleExpression: rate(1 day),"
                " ScheduleExpressionTimezone: Europe/Berlin}}}"
            )
        ),
        ["The schedule DeedsOften is in Europe/Berlin; it should be in UTC"],
    ),
}


@pytest.fixture
def load(tmp_path):
    (tmp_path / "code").mkdir()
    (tmp_path / "code/app.py").write_text("def handler(event, context): ...\n")

    def reads(text, **parameters):
        (tmp_path / "template.yaml").write_text(text)
        return template.load(tmp_path / "template.yaml", parameters, shell={})

    return reads


@pytest.mark.parametrize(("text", "said"), ERRORS.values(), ids=ERRORS)
def test_a_broken_template_says_what_to_change(load, text, said):
    with pytest.raises(TemplateError) as raised:
        load(text)
    for part in said:
        assert part in str(raised.value)


def test_the_template_that_the_broken_ones_are_made_of_is_not_broken(load):
    assert set(load(with_head(deeds() + sockets())).functions) == {"Deeds"}


def test_a_template_that_is_not_there_says_so(tmp_path):
    with pytest.raises(TemplateError, match=r"nowhere\.yaml cannot be read: No such file"):
        template.load(tmp_path / "nowhere.yaml", {}, shell={})


def test_an_unknown_parameter_names_those_there_are(load):
    text = with_head(deeds(), "Parameters: {Size: {Type: String}, Url: {Type: String}}")
    with pytest.raises(TemplateError, match=r"no parameter Siz\. It has: Size, Url\."):
        load(text, Siz="L")


def test_a_parameter_outside_its_allowed_values_names_them(load):
    text = with_head(deeds(), "Parameters: {Size: {Type: String, AllowedValues: [S, L]}}")
    with pytest.raises(TemplateError, match="Size is XL; it should be one of S, L"):
        load(text, Size="XL")
