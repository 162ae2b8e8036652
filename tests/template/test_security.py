"""The stack's bucket, its key and its parameters."""

import re
from pathlib import Path
from typing import Any

import pytest

from labelloop.local.template import Template
from labelloop.storage import s3
from labelloop.workflow.run_files import RunFiles

ROOT = Path(__file__).parents[2]
KEY = "arn:aws:kms:us-east-1:123456789012:key/11111111-2222-3333-4444-555555555555"


def properties(name: str, **parameters: str) -> dict[str, Any]:
    template = Template(ROOT / "template.yaml", parameters=parameters)
    resolved: dict[str, Any] = template.resolve(template.resources[name]["Properties"], name)
    return resolved


def test_the_bucket_is_encrypted_versioned_and_private() -> None:
    bucket = properties("OwnBucket")
    (rule,) = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert rule["ServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}
    assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}
    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    (statement,) = properties("OwnBucketPolicy")["PolicyDocument"]["Statement"]
    assert (statement["Effect"], statement["Principal"], statement["Action"]) == ("Deny", "*", "s3:*")
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_the_bucket_outlives_the_stack_and_is_not_made_beside_the_users_own() -> None:
    resource = Template(ROOT / "template.yaml").resources["OwnBucket"]
    # A first deployment that fails has put nothing into it.
    assert resource["DeletionPolicy"] == "RetainExceptOnCreate"
    assert resource["UpdateReplacePolicy"] == "Retain"
    for name in ("OwnBucket", "OwnBucketPolicy"):
        assert Template(ROOT / "template.yaml").resources[name]["Condition"] == "OwnsBucket"


@pytest.mark.slow
def test_the_customers_key_encrypts_whatever_can_be_encrypted() -> None:
    (rule,) = properties("OwnBucket", KmsKeyArn=KEY)["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert rule["ServerSideEncryptionByDefault"] == {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": KEY}
    template = Template(ROOT / "template.yaml", parameters={"KmsKeyArn": KEY})
    groups = [name for name, item in template.resources.items() if item["Type"] == "AWS::Logs::LogGroup"]
    for name in groups:
        assert properties(name, KmsKeyArn=KEY)["KmsKeyId"] == KEY
        assert "KmsKeyId" not in properties(name)
    assert template.functions()["PrepareManifest"].environment["KMS_KEY_ARN"] == KEY
    text = (ROOT / "template.yaml").read_text()
    shared = text[text.index("Globals:") : text.index("Resources:")]
    assert "KmsKeyArn: !If [HasKmsKey, !Ref KmsKeyArn, !Ref AWS::NoValue]" in shared


@pytest.mark.parametrize(
    ("key", "intermediate"),
    [
        ("prepared/manifest.jsonl", True),
        ("round-002/training/train/train.jsonl", True),
        ("round-002/predictions/00017.jsonl.out", True),
        ("round-002/merged/manifest.jsonl", True),
        ("round-002/model/job/output/model.tar.gz", False),
        ("round-002/labeling/job/manifests/output/output.manifest", False),
        ("output/output.manifest", False),
        ("execution.json", False),
    ],
)
def test_only_what_its_run_alone_needs_expires(key: str, intermediate: bool) -> None:
    rules = properties("OwnBucket")["LifecycleConfiguration"]["Rules"]
    (expiring,) = [rule for rule in rules if "ExpirationInDays" in rule]
    (tag,) = expiring["TagFilters"]
    assert expiring["ExpirationInDays"] > 366, "an execution may take a year"
    tagging = s3.tagging(f"s3://bucket/run/{key}").get("Tagging")
    assert (tagging == f"{tag['Key']}={tag['Value']}") == intermediate
    assert RunFiles("s3://bucket/run/").round(2).folder == "s3://bucket/run/round-002/"


def test_every_parameter_is_in_a_group_and_described() -> None:
    text = (ROOT / "template.yaml").read_text()
    groups = text[text.index("ParameterGroups:") : text.index("\nParameters:\n")]
    grouped = [
        name.strip() for names in re.findall(r"Parameters: \[(.*)\]", groups) for name in names.split(",")
    ]
    declared = text[text.index("\nParameters:\n") : text.index("\nConditions:\n")]
    names = re.findall(r"^  (\w+):$", declared, re.MULTILINE)
    assert sorted(grouped) == sorted(names)
    assert declared.count("    Description:") == len(names)
