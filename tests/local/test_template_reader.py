from pathlib import Path
from typing import Any

import pytest

from labelloop.local.template import Template, TemplateError

HEAD = """
Transform: AWS::Serverless-2016-10-31
Parameters:
  Prefix: {Type: String, Default: loop}
  NoDefault: {Type: String}
  Names: {Type: CommaDelimitedList, Default: "a,b"}
Mappings:
  Images: {us-east-1: {BlazingText: "811284229777"}}
Conditions:
  IsLoop: !Equals [!Ref Prefix, loop]
  Other: !Not [!Condition IsLoop]
  Both: !And [!Condition IsLoop, !Or [!Condition Other, !Condition IsLoop]]
Globals:
  Function:
    Timeout: 60
    MemorySize: 512
    Environment: {Variables: {SHARED: "1", OWN: shared}}
Resources:
  Work:
    Type: AWS::Serverless::Function
    Properties:
      PackageType: Image
      ImageConfig: {Command: [steps.work.handler]}
      MemorySize: 1024
      Environment:
        Variables:
          OWN: !Sub "${Prefix}-x"
          BUCKET: !Ref Data
          DEBUG: true
          GONE: !If [Other, x, !Ref "AWS::NoValue"]
  Absent:
    Type: AWS::Serverless::Function
    Condition: Other
    Properties: {ImageConfig: {Command: [steps.absent.handler]}}
  Data:
    Type: AWS::S3::Bucket
  Loop:
    Type: AWS::Serverless::StateMachine
    Properties:
      Name: !Sub "Loop-${AWS::StackName}"
      DefinitionUri: loop.asl.json
      Role: !GetAtt LoopRole.Arn
      DefinitionSubstitutions: {WorkArn: !GetAtt Work.Arn, Prefix: !Ref Prefix}
  LoopRole: {Type: AWS::IAM::Role, Properties: {}}
  Tasks:
    Type: AWS::DynamoDB::Table
    Condition: IsLoop
    Properties:
      BillingMode: !If [IsLoop, PAY_PER_REQUEST, PROVISIONED]
      AttributeDefinitions: [{AttributeName: pk, AttributeType: S}]
      KeySchema: [{AttributeName: pk, KeyType: HASH}]
      SSESpecification: {SSEEnabled: true}
  Dashboard:
    Type: AWS::CloudWatch::Dashboard
    Properties: {DashboardBody: !Transform {Name: x}}
"""
DEFINITION = '{"Resource": "${WorkArn}", "Prefix": "${Prefix}"}'


def read(folder: Path, text: str = HEAD, **options: Any) -> Template:
    (folder / "template.yaml").write_text(text)
    (folder / "loop.asl.json").write_text(DEFINITION)
    return Template(folder / "template.yaml", **options)


def test_a_function_has_its_own_properties_over_the_globals(tmp_path: Path) -> None:
    functions = read(tmp_path).functions()
    assert list(functions) == ["Work"]
    work = functions["Work"]
    assert work.handler == "steps.work.handler"
    assert (work.timeout, work.memory) == (60, 1024)
    assert work.environment == {"SHARED": "1", "OWN": "loop-x", "BUCKET": "labelloop-data", "DEBUG": "true"}
    assert work.arn == "arn:aws:lambda:us-east-1:123456789012:function:labelloop-Work"


def test_a_state_machine_has_its_definition_with_the_substitutions(tmp_path: Path) -> None:
    loop = read(tmp_path, stack_name="mine").state_machines()["Loop"]
    assert loop.name == "Loop-mine"
    assert loop.arn == "arn:aws:states:us-east-1:123456789012:stateMachine:Loop-mine"
    assert loop.role_arn == "arn:aws:iam::123456789012:role/mine-LoopRole"
    work = "arn:aws:lambda:us-east-1:123456789012:function:mine-Work"
    assert loop.definition == f'{{"Resource": "{work}", "Prefix": "loop"}}'


def test_a_table_is_told_as_create_table_takes_it(tmp_path: Path) -> None:
    assert read(tmp_path).tables() == {
        "Tasks": {
            "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
            "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
        }
    }
    assert read(tmp_path, parameters={"Prefix": "other"}).tables() == {}


def test_what_is_said_once_is_read_wherever_it_is_said_again(tmp_path: Path) -> None:
    again = """
  Again:
    Type: AWS::Serverless::Function
    Properties:
      <<: &common {Timeout: 7, ImageConfig: {Command: [steps.again.handler]}}
      Environment: &shared {Variables: {A: !Ref Prefix}}
  Third:
    Type: AWS::Serverless::Function
    Properties: {<<: *common, MemorySize: 256, Environment: *shared}
"""
    functions = read(tmp_path, HEAD + again).functions()
    for function, memory in ((functions["Again"], 512), (functions["Third"], 256)):
        assert (function.handler, function.timeout, function.memory) == ("steps.again.handler", 7, memory)
        assert function.environment["A"] == "loop"


def test_a_given_parameter_stands_over_its_default_and_moves_conditions(tmp_path: Path) -> None:
    template = read(tmp_path, parameters={"Prefix": "other"})
    assert set(template.functions()) == {"Work", "Absent"}
    assert template.functions()["Work"].environment["GONE"] == "x"


@pytest.mark.parametrize(
    ("value", "resolved"),
    [
        ({"Ref": "AWS::Region"}, "us-east-1"),
        ({"Ref": "Names"}, ["a", "b"]),
        ({"Ref": "Loop"}, "arn:aws:states:us-east-1:123456789012:stateMachine:Loop-labelloop"),
        ({"Fn::Join": ["-", ["a", {"Ref": "Prefix"}]]}, "a-loop"),
        ({"Fn::Select": [1, {"Ref": "Names"}]}, "b"),
        ({"Fn::Split": ["/", "a/b"]}, ["a", "b"]),
        (
            {"Fn::Sub": ["${A}-${!B}-${Data.Arn}", {"A": {"Ref": "Prefix"}}]},
            "loop-${B}-arn:aws:s3:::labelloop-data",
        ),
        ({"Fn::FindInMap": ["Images", {"Ref": "AWS::Region"}, "BlazingText"]}, "811284229777"),
        ({"Fn::If": ["Both", "yes", "no"]}, "yes"),
        ([1, {"Ref": "AWS::NoValue"}, 2], [1, 2]),
        ({"Fn::GetAtt": ["Work", "Arn"]}, "arn:aws:lambda:us-east-1:123456789012:function:labelloop-Work"),
        ({"Condition": {"StringEquals": {"a": "b"}}}, {"Condition": {"StringEquals": {"a": "b"}}}),
    ],
)
def test_an_intrinsic_function_is_resolved(tmp_path: Path, value: Any, resolved: Any) -> None:
    assert read(tmp_path).resolve(value, "here") == resolved


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ({"Fn::ImportValue": "x"}, "here uses Fn::ImportValue, which the local AWS does not know"),
        ({"Ref": "Nobody"}, "here refers to Nobody, which is neither a parameter nor a resource"),
        ({"Ref": "NoDefault"}, "here needs a value for the parameter NoDefault"),
        ({"Fn::Sub": "${Nobody}"}, "here refers to Nobody"),
        ({"Fn::GetAtt": "Work.Colour"}, r"here asks for Work\.Colour"),
        ({"Fn::If": ["Unknown", 1, 2]}, "names the condition Unknown, which is not declared"),
        ({"Fn::Join": "x"}, "here has a malformed Fn::Join"),
        ({"Fn::Select": [7, ["a"]]}, "here has a malformed Fn::Select"),
        ({"a": [{"Fn::Base64": "x"}]}, r"here\.a\[0\] uses Fn::Base64"),
    ],
)
def test_what_it_does_not_know_is_one_error_that_names_the_place(
    tmp_path: Path, value: Any, problem: str
) -> None:
    with pytest.raises(TemplateError, match=problem):
        read(tmp_path).resolve(value, "here")


def test_a_placeholder_without_a_substitution_is_an_error(tmp_path: Path) -> None:
    template = read(tmp_path)
    (tmp_path / "loop.asl.json").write_text('{"Resource": "${OtherArn}"}')
    with pytest.raises(TemplateError, match=r"loop\.asl\.json: \$\{OtherArn\} is not among Loop's"):
        template.state_machines()


def test_a_missing_definition_file_is_an_error(tmp_path: Path) -> None:
    template = read(tmp_path)
    (tmp_path / "loop.asl.json").unlink()
    with pytest.raises(TemplateError, match=r"Loop's definition .*loop\.asl\.json cannot be read"):
        template.state_machines()


def test_an_unknown_parameter_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(TemplateError, match="has no parameter Prefixx"):
        read(tmp_path, parameters={"Prefixx": "a"})


@pytest.mark.parametrize("text", ["Resources: [", "just text", "Parameters: {}", "Resources: []"])
def test_a_file_that_is_no_template_is_an_error(tmp_path: Path, text: str) -> None:
    with pytest.raises(TemplateError, match=r"template\.yaml"):
        read(tmp_path, text)


def test_a_missing_template_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(TemplateError, match="cannot be read"):
        Template(tmp_path / "none.yaml")


def test_a_function_without_one_command_is_an_error(tmp_path: Path) -> None:
    template = read(tmp_path, HEAD.replace("[steps.work.handler]", "[python, -m, work]"))
    with pytest.raises(TemplateError, match=r"Work needs ImageConfig\.Command"):
        template.functions()
