"""What the environment says about serving, and what it may not say."""

import socket
from typing import Any

import numpy as np
import pytest
from classifier.serving import ServingError, Settings, do_without_blas_threads, listen
from threadpoolctl import threadpool_info, threadpool_limits

from tests.container.conftest import MakeJob

# Each test starts a program.
pytestmark = pytest.mark.slow


def test_without_a_word_it_is_served_as_sagemaker_wants_it() -> None:
    assert Settings.of({}) == Settings(host="0.0.0.0", port=8080, max_payload_mb=6, default_k=None)


def test_the_environment_sets_address_limit_and_classes() -> None:
    environment = {
        "BIND_HOST": "127.0.0.1",
        "SAGEMAKER_BIND_TO_PORT": "9000",
        "SAGEMAKER_MAX_PAYLOAD_IN_MB": "20",
        "TOP_K": "3",
    }
    assert Settings.of(environment) == Settings("127.0.0.1", 9000, 20, 3)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SAGEMAKER_BIND_TO_PORT", "65536"),
        ("SAGEMAKER_BIND_TO_PORT", "http"),
        ("TOP_K", "-1"),
        ("TOP_K", "all"),
    ],
)
def test_a_wrong_variable_ends_the_program_with_its_name(make_job: MakeJob, name: str, value: str) -> None:
    environment: dict[str, Any] = {name: value}
    ended = make_job().run("serve", **environment)
    assert ended.returncode == 1
    assert ended.stderr.startswith(f"The environment variable {name} must be a whole number")
    assert ended.stderr.count("\n") == 1


def test_a_tree_without_a_model_ends_the_program_at_once(make_job: MakeJob) -> None:
    ended = make_job().run("serve", BIND_HOST="127.0.0.1")
    assert ended.returncode == 1
    assert ended.stderr.startswith("There is no model to serve: ")


def test_an_address_that_is_taken_is_refused_with_what_to_set() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(ServingError, match=f"Cannot listen on 127.0.0.1:{port} .*SAGEMAKER_BIND_TO_PORT"):
            listen(Settings("127.0.0.1", port, 6, None))


def test_answers_are_not_held_back_for_more_to_send() -> None:
    with (
        listen(Settings("127.0.0.1", 0, 6, None)) as listener,
        socket.create_connection(listener.getsockname()),
    ):
        connection, _ = listener.accept()
        with connection:
            assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_numpy_serves_on_one_thread() -> None:
    np.ones((2, 2)) @ np.ones((2, 2))
    with threadpool_limits(2, user_api="blas"):
        do_without_blas_threads()
        numbers = [found["num_threads"] for found in threadpool_info() if found["user_api"] == "blas"]
        assert numbers
        assert set(numbers) == {1}
