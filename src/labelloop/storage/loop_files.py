"""The Loop between two steps: loaded from the run's state and S3, and stored there again."""

from labelloop.core.certificate.audit import as_candidates
from labelloop.core.certificate.conclusion import TestUnderWay
from labelloop.core.certificate.tuning import DEFAULT, GIVEN_LABELS
from labelloop.core.ledger import Ledger
from labelloop.core.loop import Loop, Proposal
from labelloop.storage import s3
from labelloop.storage.array_files import read_array, write_array
from labelloop.storage.auto_label_files import read_auto_labels
from labelloop.workflow.run_state import AuditUnderWay, RunState


def load_loop(state: RunState) -> Loop:
    """Raises LedgerError or StorageError when a file that the state names cannot be read."""
    labeling = state.labeling
    loop = Loop(
        settings=state.loop_settings,
        ledger=Ledger.from_bytes(s3.read_bytes(state.ledger_s3_uri)),
        labels_in_input=state.labels_in_input,
        round=state.round,
        idle_rounds=state.idle_rounds,
        repeated_answers=state.repeated_answers,
        schedule=state.schedule,
        test=_load_test(state),
        certificate=state.certificate,
        goes_on=state.goes_on,
        model=state.model,
        proposal=_load_proposal(state),
        tuning=GIVEN_LABELS if state.labels_are_given else DEFAULT,
    )
    if state.spot_checks_s3_uri is not None:
        loop.disputed = read_array(state.spot_checks_s3_uri)
    if state.ahead is not None and state.ahead.recorded_s3_uri is not None:
        loop.recorded_before = read_array(state.ahead.recorded_s3_uri)
    if labeling is not None:
        loop.sent_to_people, loop.drawn_for_test = labeling.selected, labeling.drawn
        if labeling.recorded_s3_uri is not None:
            loop.recorded = read_array(labeling.recorded_s3_uri)
    return loop


def save_test(state: RunState, test: TestUnderWay | None, uri: str) -> AuditUnderWay | None:
    """Write a test that goes on, with people's answers so far; returns its progress."""
    if test is None or state.audit is None:
        return None
    write_array(uri, test.audit.candidates)
    return state.audit.model_copy(update={"candidates_s3_uri": uri})


def save_disputed(loop: Loop, uri: str) -> str | None:
    """Write the spot checks that people disagree on; None if there are none."""
    if not len(loop.disputed):
        return None
    write_array(uri, loop.disputed)
    return uri


def _load_test(state: RunState) -> TestUnderWay | None:
    if state.audit is None:
        return None
    candidates = as_candidates(read_array(state.audit.candidates_s3_uri))
    return state.audit.test(candidates, state.loop_settings)


def _load_proposal(state: RunState) -> Proposal | None:
    """Labels that need no test; during a test, its candidates hold them."""
    if state.model is None or state.audit is not None or not state.model.auto_labels:
        return None
    return Proposal(*read_auto_labels(state.model.auto_labels_s3_uri, state.label_attribute))
