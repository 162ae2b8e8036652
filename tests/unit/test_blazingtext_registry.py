"""BlazingText's image, by region. A region without it can deploy the stack all the same."""

import botocore.session
import pytest

from labelloop.core.errors import RequestError
from labelloop.workflow.blazingtext import REGISTRY_ACCOUNTS, image_uri


@pytest.mark.parametrize(
    ("region", "uri"),
    [
        ("us-east-1", "811284229777.dkr.ecr.us-east-1.amazonaws.com/blazingtext:1"),
        ("us-gov-west-1", "226302683700.dkr.ecr.us-gov-west-1.amazonaws.com/blazingtext:1"),
        ("us-iso-east-1", "490574956308.dkr.ecr.us-iso-east-1.c2s.ic.gov/blazingtext:1"),
    ],
)
def test_the_image_is_that_of_the_region(region: str, uri: str) -> None:
    assert image_uri(region) == uri


@pytest.mark.parametrize("region", ["mx-central-1", "ap-southeast-7", "xx-new-1"])
def test_where_there_is_none_only_a_request_for_it_is_refused(region: str) -> None:
    with pytest.raises(RequestError, match=f"not available in this region .{region}."):
        image_uri(region)


# SageMaker is there, and BlazingText is not.
WITHOUT = {"ap-east-2", "ap-southeast-5", "ap-southeast-6", "ap-southeast-7", "mx-central-1"}


@pytest.mark.parametrize("partition", ["aws", "aws-us-gov"])
def test_no_region_of_sagemakers_is_forgotten(partition: str) -> None:
    regions = botocore.session.Session().get_available_regions("sagemaker", partition)
    assert set(regions) <= REGISTRY_ACCOUNTS.keys() | WITHOUT


def test_registries_are_their_own() -> None:
    accounts = list(REGISTRY_ACCOUNTS.values())
    assert len(accounts) == len(set(accounts)) == 35
    assert all(len(account) == 12 and account.isdigit() for account in accounts)
