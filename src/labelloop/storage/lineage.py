"""The lineage of a run in S3: the executions that go on from the same first one, and the tests they began.

Both lists are with the first execution's files. A test is entered before anybody sees what it draws, under
the next free number. S3 takes only one object of a name (`If-None-Match`), so of two executions that begin a
test at the same time, one finds the other's entered, and its own takes less.
"""

import hashlib
import json
from collections.abc import Iterator, Sequence

from labelloop.core.arrays import to_bytes
from labelloop.core.certificate.conclusion import TestUnderWay
from labelloop.core.certificate.lineage import chance_spent, charged
from labelloop.core.loop import Loop
from labelloop.core.model.predictions import Predictions
from labelloop.core.records import Lineage
from labelloop.storage import s3
from labelloop.storage.loop_files import load_loop
from labelloop.workflow.lineage import BegunTest, ExecutionEntry
from labelloop.workflow.run_state import AuditUnderWay, RunState


def enter_execution(state: RunState, resumes: str | None = None) -> None:
    """Make this execution known to those that go on from the same first one."""
    entry = ExecutionEntry(prefix=state.prefix, resumes=resumes)
    s3.write_json(state.first_files.execution_entry(state.execution_name), entry.as_document())


def known_executions(state: RunState) -> set[str]:
    """The prefixes of all executions in the lineage."""
    entered = (ExecutionEntry.read(s3.read_json(uri)) for uri in s3.list_uris(state.first_files.executions))
    return {*state.earlier_prefixes, state.prefix, *(entry.prefix for entry in entered)}


def begun_tests(state: RunState) -> list[BegunTest]:
    """All tests of the lineage, in order."""
    return [BegunTest.read(s3.read_json(uri)) for uri in s3.list_uris(state.first_files.tests)]


def hear_model(state: RunState, predictions: Predictions, time: str) -> tuple[Loop, int]:
    """The loop after it has heard the model, and how many tests of the lineage it has counted.

    If a test begins, it is entered. A test that was entered before is not counted twice, if nothing about it
    is new: a step was repeated, or an execution goes on from what is before the test.
    """
    while True:
        tests = begun_tests(state)
        for counted in _ways_to_count(state, tests):
            loop = load_loop(state)
            levels = (test.level for test in tests[state.tests_counted : counted])
            loop.schedule = charged(loop.schedule, levels, loop.settings.confidence)
            loop.hear_model(predictions)
            if loop.test is None:
                if counted == len(tests):
                    return loop, counted
                continue
            entry = _entry(state, loop.test, time)
            if counted < len(tests):
                if tests[counted].fingerprint == entry.fingerprint:
                    return loop, counted + 1
            elif s3.write_new_json(state.first_files.test_entry(counted + 1), entry.as_document()):
                return loop, counted + 1


def lineage_of(state: RunState, loop: Loop) -> Lineage:
    """What a certificate says of it."""
    tests = begun_tests(state)
    spent = chance_spent(loop.schedule, loop.settings.confidence)
    return Lineage(
        executions=len(known_executions(state)),
        # Tests that an earlier version began are not entered.
        tests=max(loop.schedule.tests, len(tests)),
        chance_spent=max(spent, sum(test.level for test in tests)),
    )


def _ways_to_count(state: RunState, tests: Sequence[BegunTest]) -> Iterator[int]:
    """How many tests to count before this round's, which may be entered already."""
    for number, test in enumerate(tests):
        if number >= state.tests_counted and test.round == state.round:
            yield number
            break
    yield len(tests)


def _entry(state: RunState, test: TestUnderWay, time: str) -> BegunTest:
    return BegunTest(
        execution_name=state.execution_name,
        round=state.round,
        level=sum(group.level for group in test.audit.groups),
        fingerprint=_fingerprint(test),
        time=time,
    )


def _fingerprint(test: TestUnderWay) -> str:
    """Of all that decides how a test goes, but for people's answers."""
    plan = AuditUnderWay.of(test, candidates_s3_uri="", auto_labels_s3_uri="").model_dump(mode="json")
    promise = {"target_error": test.audit.promise.target_error, "reviewed": test.audit.reviewed}
    told = json.dumps({**plan, **promise}, sort_keys=True).encode()
    return hashlib.sha256(told + to_bytes(test.audit.candidates)).hexdigest()
