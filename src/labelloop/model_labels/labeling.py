"""From a run's texts to what the model says of each: by batch inference, by single requests, or by both."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import replace
from itertools import islice

from labelloop.core.errors import RequestError
from labelloop.core.records import FoundationModelRecord
from labelloop.foundation_model.asking import Asking
from labelloop.foundation_model.converse_form import ConverseForm
from labelloop.foundation_model.errors import ModelServerError
from labelloop.foundation_model.forecast import tokens_for
from labelloop.foundation_model.reading import Outcome, Reading
from labelloop.foundation_model.replies import Usage
from labelloop.foundation_model.setting_names import OF_REQUEST
from labelloop.foundation_model.spending import Prices, Spending, at_most
from labelloop.model_labels.asking_again import labels_in_run
from labelloop.model_labels.batch_inference import (
    BatchAnswers,
    as_model_input,
    batch_digest,
    parts_of,
    read_answers,
    write_requests,
)
from labelloop.model_labels.batch_jobs import ended_jobs, job_of, jobs_begun, jobs_under_way
from labelloop.model_labels.bedrock import bedrock_client
from labelloop.model_labels.instructions import PLACE, prompt_digest, read_template, row_labeler
from labelloop.model_labels.kept_answers import S3Answers, mark_of
from labelloop.model_labels.readings import write_readings
from labelloop.model_labels.texts import Texts
from labelloop.workflow.request import FEWEST_BATCH_RECORDS, FoundationModel
from labelloop.workflow.run_state import BatchJob, ModelWork, RunState

_SERVER = "Amazon Bedrock"
# Asked first: they tell whether the model can be asked, what it accepts, and what all will cost.
FIRST_TEXTS = 10
# With a worse batch, the texts would be paid for once more, at the full price.
_LEAST_READABLE = 0.5

Readings = dict[str, Reading]


def advance(state: RunState, model: FoundationModel, until: float) -> ModelWork:
    """Ask for a while, and say what comes next. All answers are kept when it returns or raises.

    `until`: no request is begun after this time of `time.monotonic`.

    Raises RequestError for what the request can mend, ModelServerError where the model cannot be asked.
    """
    if under_way := jobs_under_way(state, model):
        return ModelWork(next="BATCH", jobs=under_way)
    return _Labeling(state, model).advance(until)


class _Labeling:
    """All that is known about a run's texts, and what asks about the others."""

    def __init__(self, state: RunState, model: FoundationModel) -> None:
        self._state, self._model = state, model
        self._so_far = state.foundation_model or ModelWork()
        self._files = state.asked_files
        self._texts = Texts.of(state)
        mark, template = mark_of(self._files), read_template(model)
        self._labeler = row_labeler(model, state.class_names, self._texts.labeled, mark, template)
        self._answers = S3Answers(self._files)
        self._batch = BatchAnswers()
        for number in ended_jobs(self._files):
            read_answers(self._files.job(number), self._batch)
        prices = model.prices
        self._prices = Prices(prices.input_tokens, prices.output_tokens) if prices else None
        self._share = prices.batch_share if prices else 0.0
        self._by_batch: Readings = {}
        self._batch_usage = Usage()
        self._spending = Spending()
        self._asking = self._made_asking()
        self._readings: Readings = {}

    def advance(self, until: float) -> ModelWork:
        texts = self._texts.different
        self._read_batch(texts)
        self._readings.update(self._by_batch)
        self._readings.update(self._asking.kept(text for text in texts if text not in self._by_batch))
        left = [text for text in texts if text not in self._readings]
        if not left:
            return self._done()
        estimated = self._so_far.estimated
        if estimated is None:
            estimated = self._after_first_answers(left)
            left = [text for text in left if text not in self._readings]
        if jobs := self._batch_jobs(left):
            return ModelWork(next="BATCH", jobs=jobs, answered=len(self._readings), estimated=estimated)
        return self._one_by_one(left, until, estimated)

    # One by one ---------------------------------------------------------------------------------------------

    def _one_by_one(self, left: list[str], until: float, estimated: float | None) -> ModelWork:
        self._ask(_before(until, left))
        answered = len(self._readings)
        if answered == len(self._texts.different):
            return self._done(estimated)
        if answered <= self._so_far.answered:
            raise ModelServerError(
                f"{self._model.model_id} answered about no text in a whole step: its limits may be used up. "
                "What it answered before is kept."
            )
        return ModelWork(next="ASK", answered=answered, estimated=estimated)

    def _ask(self, texts: Iterable[str]) -> None:
        with closing(self._asking.ask(texts)) as answers:
            for text, reading in answers:
                if reading.outcome is Outcome.NOT_ASKED:
                    raise self._too_expensive()
                self._readings[text] = reading

    def _after_first_answers(self, left: list[str]) -> float | None:
        """What all texts will cost. Raises RequestError where that is more than the limit."""
        before = self._spending.usage
        first = list(islice(left, FIRST_TEXTS))
        self._ask(first)
        if self._prices is None:
            return None
        rest = left[len(first) :]
        tokens = tokens_for(rest, first, self._spending.usage - before, self._asking.size_of)
        share = self._share if self._may_take_a_batch(rest) else 1.0
        cost = self._spent + share * self._prices.cost(tokens)
        if self._limit is not None and cost > self._limit:
            raise self._too_expensive(cost)
        return round(cost, 4)

    # Batches ------------------------------------------------------------------------------------------------

    def _read_batch(self, texts: list[str]) -> None:
        """What the jobs that ended say; of what cannot be read there, nothing."""
        unreadable: list[Reading] = []
        for text in texts if self._batch.asked else ():
            record = self._model_input(text)
            reply = self._batch.replies.get(batch_digest(record))
            if reply is None:
                continue
            most = at_most(record, self._model.max_answer_tokens)
            self._batch_usage += reply.usage or most
            reading = self._labeler.reader.read(reply)
            if reading.mendable or reading.outcome is Outcome.UNREADABLE:
                unreadable.append(reading)
            else:
                self._by_batch[text] = reading
        read = len(self._by_batch) + len(unreadable)
        if self._model.inference != "converse" and len(self._by_batch) < _LEAST_READABLE * read:
            raise ModelServerError(
                f"{len(unreadable):,} of {read:,} answers of batch inference cannot be read, the first as "
                f"{unreadable[0].fault}. The model may need the tool that only single requests have: set "
                f"{PLACE}.Inference to converse, or say in Instructions how to answer."
            )
        self._spending = self._made_spending()
        self._asking = self._made_asking()

    def _batch_jobs(self, left: list[str]) -> list[BatchJob]:
        """The jobs that are worth it, with their requests written."""
        if not self._may_take_a_batch(left):
            return []
        new = [text for text in left if batch_digest(self._model_input(text)) not in self._batch.asked]
        if len(new) < self._fewest:
            return []
        number = max(jobs_begun(self._files), default=0)
        jobs = []
        for part in parts_of(map(self._model_input, new)):
            if len(part) >= FEWEST_BATCH_RECORDS:
                number += 1
                write_requests(self._files.job(number), part)
                jobs.append(job_of(self._state, self._model, number))
        return jobs

    @property
    def _fewest(self) -> int:
        return FEWEST_BATCH_RECORDS if self._model.inference == "batch" else self._model.batch_from

    def _may_take_a_batch(self, texts: list[str]) -> bool:
        model = self._model
        return (
            model.inference != "converse" and model.confidence_from == "stated" and len(texts) >= self._fewest
        )

    def _model_input(self, text: str) -> bytes:
        form = self._asking.form
        assert isinstance(form, ConverseForm), "Bedrock is asked by its Converse operation"
        return as_model_input(self._labeler.body(text, replace(form, tool=False)))

    # The end, and money -------------------------------------------------------------------------------------

    def _done(self, estimated: float | None = None) -> ModelWork:
        of_objects = [
            self._readings[text] if asked else None
            for text, asked in zip(self._texts.of_objects, self._texts.asked, strict=True)
        ]
        write_readings(self._state, of_objects)
        readings = [reading for reading in of_objects if reading is not None]
        labels = sum(reading.outcome is Outcome.LABELED for reading in readings)
        without = [reading.outcome.value for reading in readings if reading.outcome is not Outcome.LABELED]
        model, again = self._model, self._state.asks_model_again
        usage = self._spending.usage + self._batch_usage
        record = FoundationModelRecord(
            model=model.model_id,
            attribute=model.attribute_again if again else model.attribute,
            prompt_digest=prompt_digest(self._labeler),
            labels=labels,
            without_label=len(without),
            reasons=dict(Counter(without).most_common()),
            texts=len(self._texts.different),
            tokens_in=usage.tokens_in,
            tokens_out=usage.tokens_out,
            by_batch=len(self._by_batch),
            estimated=self._so_far.estimated if estimated is None else estimated,
            spent=round(self._spent, 4) if self._prices else None,
            asked_after=labels_in_run(self._state) if again else 0,
        )
        return ModelWork(next="MERGE", answered=len(self._readings), record=record)

    @property
    def _batch_cost(self) -> float:
        return self._share * self._prices.cost(self._batch_usage) if self._prices else 0.0

    @property
    def _spent(self) -> float:
        return self._batch_cost + (self._spending.cost or 0.0)

    def _made_spending(self) -> Spending:
        limit = self._limit
        return Spending(self._prices, None if limit is None else max(0.0, limit - self._batch_cost))

    @property
    def _limit(self) -> float | None:
        """What people's labels so far, and an asking before this one, leave of the run's limit."""
        loop = self._state.loop_settings
        if loop.max_cost is None:
            return None
        by_people = labels_in_run(self._state) + self._state.repeated_answers
        return max(0.0, loop.max_cost - loop.prices.of_objects(by_people))

    def _made_asking(self) -> Asking:
        return Asking(
            self._labeler,
            bedrock_client(self._model),
            self._answers,
            self._spending,
            server=_SERVER,
            at_once=self._model.requests_at_once,
            names=OF_REQUEST,
        )

    def _too_expensive(self, cost: float | None = None) -> RequestError:
        currency, limit = self._state.settings.prices.currency, self._limit
        texts, answered = len(self._texts.different), len(self._readings)
        done = f"{answered:,} of {texts:,} texts are answered, for {self._spent:.2f} {currency}, and kept."
        if self._state.asks_model_again:
            left = f"{limit:.2f} {currency} are left of MaxCost"
            mend = "Raise MaxCost, or go on without AskAgainAfter: people's labels are kept"
        else:
            left = f"MaxCost is {limit:g} {currency}"
            mend = "Raise MaxCost, or take a cheaper model"
        if cost is None:
            what = "stopped before it could cost too much"
        else:
            what = f"would take about {cost:.2f} {currency} for the labels of {texts:,} texts"
        return RequestError(f"ActiveLearning.MaxCost: the foundation model {what}, and {left}. {done} {mend}")


def _before(until: float, texts: Iterable[str]) -> Iterator[str]:
    """What is begun is answered: so no text is given out too late."""
    for text in texts:
        if time.monotonic() > until:
            return
        yield text
