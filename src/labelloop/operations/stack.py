"""What a deployed stack says about itself: its state machine, its bucket, its role."""

from collections.abc import Mapping
from dataclasses import dataclass

from botocore.exceptions import ClientError

from labelloop.operations.cloud import Cloud, OperationError, error_code, explained

LOOP_OUTPUT = "ActiveLearningLoopArn"
BUCKET_OUTPUT = "DataBucketName"
ROLE_OUTPUT = "JobRole"
# Who labels if a request does not say: a parameter of stacks that have a choice.
BACKEND_PARAMETER = "LabelingBackend"
WORKBENCH_TABLE = "WorkbenchTable"


@dataclass(frozen=True)
class Stack:
    """A deployed labelloop. `values` are its outputs and parameters; an output wins over a parameter."""

    name: str
    values: Mapping[str, str]

    @property
    def loop_arn(self) -> str:
        """The ARN of the state machine `ActiveLearningLoop`."""
        return self.values[LOOP_OUTPUT]

    @property
    def bucket(self) -> str | None:
        return self.values.get(BUCKET_OUTPUT) or None

    @property
    def job_role_arn(self) -> str | None:
        return self.values.get(ROLE_OUTPUT) or None


def stack_exists(cloud: Cloud, name: str) -> bool:
    """Whether there is a stack of this name, of whatever kind and in whatever state."""
    with explained():
        try:
            cloud.cloudformation.describe_stacks(StackName=name)
        except ClientError as error:
            if error_code(error) == "ValidationError":
                return False
            raise
    return True


def find_stack(cloud: Cloud, name: str) -> Stack:
    """Read a stack. Raises OperationError when there is no such stack, or it is not a labelloop."""
    with explained():
        try:
            stack = cloud.cloudformation.describe_stacks(StackName=name)["Stacks"][0]
        except ClientError as error:
            if error_code(error) == "ValidationError":
                raise OperationError(
                    f"there is no stack {name!r} in {cloud.region}: deploy it (docs/deploying.md), or "
                    "choose another with --stack, another region with --region"
                ) from error
            raise
    parameters = {
        parameter["ParameterKey"]: parameter.get("ParameterValue", "")
        for parameter in stack.get("Parameters", ())
    }
    outputs = {output["OutputKey"]: output.get("OutputValue", "") for output in stack.get("Outputs", ())}
    if LOOP_OUTPUT not in outputs:
        raise OperationError(
            f"the stack {name!r} ({stack['StackStatus']}) has no output {LOOP_OUTPUT}: it is not a "
            "labelloop, or not completely deployed"
        )
    return Stack(name, {**parameters, **outputs})


def workbench_table(cloud: Cloud, stack: Stack) -> str:
    """The name of the table with people's answers. Raises OperationError when the stack has no workbench."""
    with explained():
        try:
            found = cloud.cloudformation.describe_stack_resource(
                StackName=stack.name, LogicalResourceId=WORKBENCH_TABLE
            )
        except ClientError as error:
            if error_code(error) == "ValidationError":
                raise OperationError(
                    f"the stack {stack.name!r} has no workbench: it was deployed with another LabelingBackend"
                ) from error
            raise
    return found["StackResourceDetail"]["PhysicalResourceId"]
