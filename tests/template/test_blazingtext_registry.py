"""BlazingText's image is named in every region a stack can be deployed to."""

from pathlib import Path

import botocore.session
import pytest
import yaml

from labelloop.local.template import Template

TEMPLATE = Path(__file__).parents[2] / "template.yaml"
PARAMETERS = {"DataBucket": "bucket", "JobRoleArn": "arn:aws:iam::123456789012:role/jobs"}


def registry() -> dict[str, str]:
    mapping = yaml.safe_load("Mappings:" + TEMPLATE.read_text().split("\nMappings:")[1])
    regions: dict[str, dict[str, str]] = mapping["Mappings"]["BlazingTextRegistry"]
    return {region: values["Account"] for region, values in regions.items()}


def test_the_step_is_told_the_image_of_its_region() -> None:
    functions = Template(TEMPLATE, parameters=PARAMETERS).functions()
    told = functions["PrepareManifest"].environment["BLAZINGTEXT_IMAGE_URI"]
    assert told == "811284229777.dkr.ecr.us-east-1.amazonaws.com/blazingtext:1"


@pytest.mark.parametrize("partition", ["aws", "aws-cn", "aws-us-gov"])
def test_no_region_of_sagemakers_is_forgotten(partition: str) -> None:
    # A region the mapping does not know could not deploy the stack at all.
    regions = botocore.session.Session().get_available_regions("sagemaker", partition)
    assert set(regions) <= registry().keys()


def test_registries_are_their_own() -> None:
    accounts = [account for account in registry().values() if account != "none"]
    assert len(accounts) == len(set(accounts)) == 37
    assert all(len(account) == 12 and account.isdigit() for account in accounts)
