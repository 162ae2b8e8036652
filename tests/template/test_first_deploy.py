"""What a first deployment meets: a new account, another partition, a second region, a long stack name."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from labelloop.local.template import Template
from labelloop.operations.checkup import LONGEST_STACK_NAME
from labelloop.workflow.request import WorkbenchSettings

ROOT = Path(__file__).parents[2]
TEMPLATE = Template(ROOT / "template.yaml")
MONITORING = ROOT / "infrastructure/monitoring.yaml"
DEFINITIONS = sorted((ROOT / "statemachine").glob("*.asl.json"))


def properties(name: str, template: Template = TEMPLATE) -> dict[str, Any]:
    resolved: dict[str, Any] = template.resolve(template.resources[name]["Properties"], name)
    return resolved


def monitoring(**parameters: str) -> Template:
    given = TEMPLATE.resolve(TEMPLATE.resources["Monitoring"]["Properties"]["Parameters"], "Monitoring")
    return Template(MONITORING, parameters={name: str(value) for name, value in given.items()} | parameters)


# A new account ---------------------------------------------------------------------------------------------


def test_a_larger_account_may_give_the_largest_functions_more() -> None:
    functions = Template(ROOT / "template.yaml", parameters={"LargestMemorySize": "10240"}).functions()
    largest = {name for name, function in functions.items() if function.memory == 10240}
    assert largest == {
        "SelectForHumans",
        "AutoLabel",
        "MergeLabels",
        "AskFoundationModel",
        "ModelContainer",
        "ImageModelContainer",
    }


@pytest.mark.parametrize("name", ["OwnBucket", "WorkbenchTable"])
def test_what_keeps_data_outlives_the_stack_but_not_a_first_deployment_that_fails(name: str) -> None:
    resource = TEMPLATE.resources[name]
    assert resource["DeletionPolicy"] == "RetainExceptOnCreate"
    assert resource["UpdateReplacePolicy"] == "Retain"


def test_the_api_admits_no_more_than_a_small_account_can_answer() -> None:
    settings = properties("WorkbenchStage")["DefaultRouteSettings"]
    # Ten at a time, a tenth of a second each, leave room for the steps.
    assert settings == {"ThrottlingBurstLimit": 50, "ThrottlingRateLimit": 50}


def test_files_last_longer_than_the_longest_deadline() -> None:
    (expiring,) = [
        rule
        for rule in properties("OwnBucket")["LifecycleConfiguration"]["Rules"]
        if "ExpirationInDays" in rule
    ]
    limits = WorkbenchSettings.model_json_schema(by_alias=False)["properties"]["deadline_in_seconds"]
    assert expiring["ExpirationInDays"] * 86400 > limits["maximum"]


# Another region, another partition -------------------------------------------------------------------------


def test_regions_without_user_pools_are_refused_with_a_message() -> None:
    text = (ROOT / "template.yaml").read_text()
    rules = text.split("\nRules:\n")[1].split("\nGlobals:\n")[0]
    assert "Assert: !Not [!Contains [[cn-north-1, cn-northwest-1], !Ref AWS::Region]]" in rules
    assert "choose a region outside China" in rules


@pytest.mark.parametrize("path", DEFINITIONS, ids=lambda path: path.stem)
def test_each_service_integration_is_that_of_the_partition(path: Path) -> None:
    resources = re.findall(r'"Resource": "([^"]+)"', path.read_text())
    assert resources
    assert all(resource.startswith("arn:${Partition}:states:::") for resource in resources)


@pytest.mark.slow
@pytest.mark.parametrize("partition", ["aws", "aws-us-gov"])
@pytest.mark.parametrize("path", DEFINITIONS, ids=lambda path: path.stem)
def test_the_definitions_are_valid_in_each_partition(path: Path, partition: str) -> None:
    validator = ROOT / "node_modules/.bin/asl-validator"
    if not validator.exists() or shutil.which("node") is None:
        pytest.skip("needs asl-validator: make check")
    filled = path.read_text().replace("${Partition}", partition)
    checked = subprocess.run([validator, "--json-definition", filled], capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout + checked.stderr


@pytest.mark.parametrize("name", ["ActiveLearningLoop", "ActiveLearning"])
def test_each_definition_gets_all_that_it_names_and_no_more(name: str) -> None:
    machine = TEMPLATE.resources[name]["Properties"]
    text = (ROOT / machine["DefinitionUri"]).read_text()
    assert set(re.findall(r"\$\{(\w+)\}", text)) == set(machine["DefinitionSubstitutions"])


def test_no_address_or_arn_is_of_one_partition_alone() -> None:
    for path in (ROOT / "template.yaml", MONITORING):
        code = "\n".join(line.split(" #")[0] for line in path.read_text().splitlines())
        assert "arn:aws:" not in code
        assert "//console.aws.amazon.com" not in code
        # Cognito's pages are at amazoncognito.com in GovCloud too, but under auth-fips.
        assert code.count("amazoncognito.com") == code.count("[InGovCloud, auth-fips, auth]")


def test_people_sign_in_where_the_pool_itself_says() -> None:
    environment = TEMPLATE.functions()["Workbench"].environment
    assert environment["USER_POOL_DOMAIN"].endswith(".auth.us-east-1.amazoncognito.com")
    assert "USER_POOL_ISSUER: !GetAtt WorkbenchUserPool.ProviderURL" in (ROOT / "template.yaml").read_text()


def test_a_region_that_is_newer_than_this_code_can_deploy_the_stack() -> None:
    text = (ROOT / "template.yaml").read_text()
    assert "FindInMap" not in text
    assert "\nMappings:" not in text


def test_a_second_regions_dashboard_has_a_name_of_its_own() -> None:
    """Names of dashboards are global to an account; those of alarms and queries are not."""
    name = monitoring().resources["Dashboard"]["Properties"]["DashboardName"]
    assert name == {"Fn::Sub": "${Service}-${AWS::Region}-runs"}


# Names ------------------------------------------------------------------------------------------------------


def test_the_longest_stack_name_fits_each_name_that_is_made_of_it() -> None:
    template = Template(ROOT / "template.yaml", stack_name="s" * LONGEST_STACK_NAME)
    machines = template.state_machines().values()
    assert max(len(machine.name) for machine in machines) == 80
    assert len(properties("WorkbenchUserPool", template)["UserPoolName"]) <= 128


# People -----------------------------------------------------------------------------------------------------


def test_an_invitation_says_where_to_sign_in() -> None:
    message = properties("WorkbenchUserPool")["AdminCreateUserConfig"]["InviteMessageTemplate"][
        "EmailMessage"
    ]
    assert re.search(r"https://\S+\.execute-api\.us-east-1\.amazonaws\.com/ ", message)
    assert message.count("{username}") == message.count("{####}") == 1


def test_an_invitation_by_the_documented_command_lets_people_reset_their_password() -> None:
    page = (ROOT / "docs/workbench.md").read_text()
    (command,) = re.findall(r"aws cognito-idp admin-create-user .*(?:(?<=\\)\n.*)*", page)
    assert "Name=email_verified,Value=true" in command
    assert "Name=email,Value=" in command


def test_ground_truths_pages_may_read_images_of_the_bucket() -> None:
    (rule,) = properties("OwnBucket")["CorsConfiguration"]["CorsRules"]
    assert rule["AllowedMethods"] == ["GET"]
    assert rule["AllowedOrigins"] == ["*"]


# Alarms -----------------------------------------------------------------------------------------------------

ENDS_BY_ITSELF = {"StepThrottlesAlarm", "LabelingWaitAlarm", "NoProgressAlarm", "WorkbenchErrorsAlarm"}


def alarms(template: Template) -> dict[str, dict[str, Any]]:
    return {
        name: properties(name, template)
        for name, resource in template.resources.items()
        if resource["Type"] == "AWS::CloudWatch::Alarm"
    }


def test_only_what_can_get_better_by_itself_sends_a_mail_when_it_has() -> None:
    told = {name for name, alarm in alarms(monitoring()).items() if alarm.get("OKActions")}
    assert told == ENDS_BY_ITSELF


def test_a_mail_says_what_to_do_and_links_to_where_it_can_be_done() -> None:
    runbook = "https://example.com/runbook"
    for name, alarm in alarms(monitoring(RunbookUrl=runbook)).items():
        description = alarm["AlarmDescription"]
        assert len(description) <= 1024
        assert description.endswith(f"{runbook}#{name.removesuffix('Alarm').lower()}")
        assert "https://us-east-1.console.aws.amazon.com/" in description


def test_the_dashboard_is_linked_as_it_is_named() -> None:
    dashboard = properties("Dashboard", monitoring())["DashboardName"]
    for alarm in alarms(monitoring()).values():
        linked = re.findall(r"#dashboards:name=(\S+)", alarm["AlarmDescription"])
        assert linked in ([], [dashboard])


def test_the_dashboard_shows_jobs_quotas_and_the_workbenchs_traffic() -> None:
    def titles(template: Template) -> list[str]:
        widgets = json.loads(properties("Dashboard", template)["DashboardBody"])["widgets"]
        return [widget["properties"].get("title", "") for widget in widgets]

    with_workbench = titles(monitoring())
    assert "Waiting for a quota of SageMaker" in with_workbench
    assert any("SageMaker's jobs" in title for title in with_workbench)
    without = titles(monitoring(WorkbenchApi=""))
    assert len(with_workbench) == len(without) + 1
    assert any("Requests to the workbench" in title for title in set(with_workbench) - set(without))


# The page ---------------------------------------------------------------------------------------------------


def test_the_page_on_deploying_explains_every_parameter_with_its_default() -> None:
    page = (ROOT / "docs/deploying.md").read_text()
    rows = dict(re.findall(r"^\| `(\w+)` \| (\S+) \| .+ \|$", page, re.M))
    declared = (ROOT / "template.yaml").read_text().split("\nParameters:\n")[1].split("\nConditions:\n")[0]
    defaults = dict(re.findall(r"^  (\w+):\n(?:    .*\n)*?    Default: (.*)$", declared, re.M))
    assert {name: value.strip("`") for name, value in rows.items()} == {
        name: "empty" if value == '""' else value for name, value in defaults.items()
    }


def test_the_page_says_how_many_of_each_a_first_deployment_makes() -> None:
    page = (ROOT / "docs/deploying.md").read_text()
    kinds = [resource["Type"] for resource in TEMPLATE.resources.values()]
    assert f"| Lambda functions | {kinds.count('AWS::Serverless::Function')}:" in page
    policies = kinds.count("AWS::IAM::ManagedPolicy") + kinds.count("AWS::IAM::Policy")
    assert f"| IAM roles and policies | {kinds.count('AWS::IAM::Role')} and {policies} |" in page
    assert f"| log groups | {kinds.count('AWS::Logs::LogGroup')} |" in page
    watched = [resource["Type"] for resource in monitoring().resources.values()]
    alarms_, queries = (
        watched.count("AWS::CloudWatch::Alarm"),
        watched.count("AWS::Logs::QueryDefinition"),
    )
    assert f"| {alarms_}, 1, {queries}, 1 |" in page
