"""The functions of the tests' stack."""

import os
import threading
from typing import Any

import boto3

calls: list[Any] = []
# What `slow` works until.
released = threading.Event()


class ShortOfPaper(Exception):  # noqa: N818 - its name is what the tests catch
    pass


def echo(event: Any, context: Any) -> Any:
    calls.append(event)
    return event


def fails(event: Any, context: Any) -> Any:
    raise ShortOfPaper(f"no paper for {event}")


def prints(event: Any, context: Any) -> Any:
    print("printed by the handler")  # noqa: T201
    return {
        "own": os.environ["OWN"],
        "region": os.environ["REGION"],
        "name": context.function_name,
        "arn": context.invoked_function_arn,
        "memory": context.memory_limit_in_mb,
        "left": context.get_remaining_time_in_millis(),
        "request_id": context.aws_request_id,
    }


def remember(event: Any, context: Any) -> Any:
    calls.append(event)
    return {"count": len(calls)}


def too_large(event: Any, context: Any) -> Any:
    return "x" * (6 * 1024 * 1024 + 200)


def odd(event: Any, context: Any) -> Any:
    return {1, 2}


def put_object(event: Any, context: Any) -> Any:
    boto3.client("s3").put_object(Bucket=event["Bucket"], Key=event["Key"], Body=event["Body"].encode())
    return {}


def waits_for_token(event: Any, context: Any) -> Any:
    calls.append(event["token"])
    return {}


def returns_token(event: Any, context: Any) -> Any:
    boto3.client("stepfunctions").send_task_success(taskToken=event["token"], output='"at once"')
    return {}


def slow(event: Any, context: Any) -> Any:
    assert released.wait(300)
    return {}
