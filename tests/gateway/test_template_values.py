"""Intrinsic functions and parameters: which values environments get, and from where."""

import textwrap

import pytest

from local.gateway import template

TEXT = """
AWSTemplateFormatVersion: '2010-09-09'
Transform: AWS::Serverless-2016-10-31
Parameters:
  Given: {{Type: String}}
  Defaulted: {{Type: String, Default: by default}}
  List: {{Type: CommaDelimitedList, Default: "a, b"}}
  Secret: {{Type: "AWS::SSM::Parameter::Value<String>", Default: /the/name}}
Mappings:
  Sizes: {{us-east-1: {{small: "10"}}}}
Conditions:
  Holds: !Equals [!Ref Defaulted, by default]
  Fails: !Not [!Condition Holds]
  Both: !And [!Condition Holds, !Condition Fails]
  Either: !Or [!Condition Holds, !Condition Fails]
Resources:
  Table: {{Type: AWS::DynamoDB::Table}}
  Http: {{Type: AWS::Serverless::HttpApi}}
  Deeds:
    Type: AWS::Serverless::Function
    Properties:
      FunctionName: the-deeds
      Runtime: python3.13
      CodeUri: .
      Handler: app.handler
      Environment:
        Variables:
          IT: {value}
"""


@pytest.fixture
def load(tmp_path):
    (tmp_path / "app.py").write_text("def handler(event, context): ...\n")

    def reads(value, shell=None, **parameters):
        (tmp_path / "template.yaml").write_text(textwrap.dedent(TEXT.format(value=value)))
        model = template.load(tmp_path / "template.yaml", parameters, shell=shell or {})
        return model.functions["Deeds"]

    return reads


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("plain", "plain"),
        ("8", "8"),
        ("true", "true"),
        ("!Ref Defaulted", "by default"),
        ("!Ref AWS::Region", "us-east-1"),
        ("!Ref AWS::AccountId", "123456789012"),
        ("!Ref Http", "d17ab73b4b"),
        ("!Sub '${AWS::Partition}-${Defaulted}-${!Literal}'", "aws-by default-${Literal}"),
        ("!Sub ['${A}/${Defaulted}', {A: !Ref AWS::StackName}]", "local/by default"),
        ("!GetAtt Http.ApiEndpoint", "https://d17ab73b4b.execute-api.us-east-1.amazonaws.com"),
        ("!Join ['-', [a, !Ref Defaulted]]", "a-by default"),
        ("!Join ['+', !Ref List]", "a+b"),
        ("!Select [1, !Split ['.', a.b.c]]", "b"),
        ("!Select [1, !Ref List]", "b"),
        ("!If [Holds, then, else]", "then"),
        ("!If [Fails, then, else]", "else"),
        ("!If [Both, then, else]", "else"),
        ("!If [Either, then, else]", "then"),
        ("!FindInMap [Sizes, !Ref AWS::Region, small]", "10"),
        ("!Base64 ab", "YWI="),
        ("{Ref: Defaulted}", "by default"),
        ("{'Fn::Join': ['', [a, b]]}", "ab"),
    ],
)
def test_a_value_is_resolved_as_cloudformation_does(load, value, expected):
    function = load(value)
    assert function.environment == {"IT": expected}
    assert function.unresolved == {}


def test_a_function_is_named_as_lambda_names_it(load):
    arn = "arn:aws:lambda:us-east-1:123456789012:function:the-deeds"
    assert load("!Sub '${Deeds.Arn} ${Deeds}'").environment == {"IT": f"{arn} the-deeds"}


def test_no_value_leaves_the_variable_out(load):
    assert load("!If [Fails, a, !Ref AWS::NoValue]").environment == {}


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ("!Ref Given", "the parameter Given has no value"),
        ("!Ref Secret", "the parameter Secret has no value"),
        ("!Ref Table", "the AWS::DynamoDB::Table Table exists only on AWS"),
        ("!GetAtt Table.Arn", "Arn of the AWS::DynamoDB::Table Table exists only on AWS"),
        ("!Sub 'a-${Table}'", "the AWS::DynamoDB::Table Table exists only on AWS"),
        ("!ImportValue other", "Fn::ImportValue is known only on AWS"),
        ("!Ref Nobody", "there is no parameter or resource Nobody"),
        ("!FindInMap [Sizes, us-east-1, huge]", "the mapping Sizes has no us-east-1.huge"),
        ("!If [Perhaps, a, b]", "there is no condition Perhaps"),
        ("!Select [9, [a]]", "Fn::Select is not written as CloudFormation wants it"),
    ],
)
def test_a_value_that_exists_only_on_aws_is_left_out_with_the_reason(load, value, why):
    function = load(value)
    assert function.environment == {}
    assert function.unresolved == {"IT": why}


def test_the_shell_wins_over_the_template_for_variables_it_declares(load):
    shell = {"IT": "from the shell", "ELSE": "not declared"}
    assert load("from the template", shell).environment == {"IT": "from the shell"}


def test_the_shell_gives_a_value_to_what_exists_only_on_aws(load):
    function = load("!Ref Table", {"IT": "from the shell"})
    assert function.environment == {"IT": "from the shell"}
    assert function.unresolved == {}


def test_a_parameter_given_wins_over_its_default(load):
    assert load("!Ref Defaulted", Defaulted="given").environment == {"IT": "given"}
    assert load("!Ref Secret", Secret="given").environment == {"IT": "given"}
    assert load("!Join ['+', !Ref List]", List="x,y").environment == {"IT": "x+y"}
