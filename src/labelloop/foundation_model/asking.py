"""Many texts at once: what was paid for is used, the rest is asked, and nothing is lost whatever happens."""

from __future__ import annotations

import contextlib
from collections.abc import Generator, Iterable, Iterator
from contextlib import closing
from typing import Protocol

from labelloop.foundation_model.answer_cache import request_digest
from labelloop.foundation_model.errors import (
    CostLimitReachedError,
    ModelServerError,
    NoAnswerError,
    RequestRefusedError,
)
from labelloop.foundation_model.model_client import ModelClient
from labelloop.foundation_model.reading import NOT_ASKED, Outcome, Reading
from labelloop.foundation_model.replies import Reply, Usage
from labelloop.foundation_model.request_form import RequestForm
from labelloop.foundation_model.row_labeler import RowLabeler
from labelloop.foundation_model.setting_names import OF_COMMAND, SettingNames
from labelloop.foundation_model.spending import Spending, at_most
from labelloop.foundation_model.workers import Workers

# So many texts without an answer, one after the other: more would not help. Fewer are enough where the server
# has not answered at all.
_MOST_FAILURES, _MOST_FAILURES_AT_FIRST = 10, 3
# Who waited for so long so many times does not wait again.
_MOST_SLOW = 2
# If none of the first so many answers can be read, prompt and model do not fit.
_MOST_UNREADABLE = 20

# A text, and what the model says of it.
Answered = tuple[str, Reading]


class KeptAnswers(Protocol):
    """The answers that were paid for, found by the digest of the exact request; for many threads."""

    def get(self, digest: bytes) -> Reply | None:
        """The answer, if it is kept."""

    def put(self, digest: bytes, reply: Reply) -> None:
        """Once it returns, the answer survives the end of this process."""

    def form(self, server: str, model: str) -> str | None:
        """What the server accepts, if that is known."""

    def keep_form(self, server: str, model: str, form: str) -> None:
        """Keep what the server accepts."""


class _NotKeptError(Exception):
    """An answer is not in the cache."""


class Asking:
    """Asks one model on one server about texts, each of them once however many rows have it."""

    def __init__(
        self,
        labeler: RowLabeler,
        client: ModelClient,
        cache: KeptAnswers,
        spending: Spending,
        *,
        server: str,
        at_once: int,
        names: SettingNames = OF_COMMAND,
    ) -> None:
        """`names`: what messages call the settings."""
        self._labeler, self._client, self._cache, self._spending = labeler, client, cache, spending
        self._server, self._at_once = server, at_once
        kept = cache.form(server, labeler.settings.model)
        self._form_is_known = kept is not None
        self._form = client.form.of_document(kept) if kept else client.form
        self._counted: set[bytes] = set()
        self._health = _Health(names)

    def kept(self, texts: Iterable[str]) -> Iterator[Answered]:
        """The texts of which all answers are there already. Nothing is sent."""
        for text in texts:
            with contextlib.suppress(_NotKeptError):
                yield text, self._labeler.label(text, self._form, self._from_cache)

    def ask(self, texts: Iterable[str]) -> Generator[Answered, None, None]:
        """Each text with what the model says of it, in the order in which it does.

        Where the limit of the cost is reached, it ends early. Raises ModelServerError where going on makes no
        sense. All answers that have come are in the cache, however this ends; close it, if that is early.
        """
        self._client.begin()
        left = iter(texts)
        while not self._form_is_known and (text := next(left, None)) is not None:
            answered = self._noted(text, self._until_the_form_is_known(text))
            yield answered
            if _is_over(answered[1]):
                return
        with closing(Workers(self._answer, self._at_once, self._client.stop)) as workers:
            for text, reading in workers.map(left, until=_is_over):
                yield self._noted(text, reading)

    @property
    def form(self) -> RequestForm:
        """What the server accepts, as far as that is known."""
        return self._form

    def size_of(self, text: str) -> int:
        """Of a request about the text, in bytes."""
        return len(self._labeler.body(text, self._form))

    def _noted(self, text: str, reading: Reading) -> Answered:
        self._health.note(reading)
        return text, reading

    # What the server accepts --------------------------------------------------------------------------------

    def _until_the_form_is_known(self, text: str) -> Reading:
        """What the server names in a refusal is left out; if it names nothing, the schema."""
        while True:
            try:
                reading = self._label(text)
            except RequestRefusedError as error:
                named = self._form.named_in(str(error))
                if named is None:
                    return self._without_schema(text, error)
                self._form = named
            else:
                return self._knowing_the_form(reading)

    def _without_schema(self, text: str, refusal: RequestRefusedError) -> Reading:
        """If that is refused too, the fault was the text's."""
        with_schema = self._form
        self._form = with_schema.without_schema()
        try:
            return self._knowing_the_form(self._label(text))
        except RequestRefusedError:
            self._form = with_schema
            return Reading(Outcome.REFUSED, fault=str(refusal))

    def _knowing_the_form(self, reading: Reading) -> Reading:
        if reading.outcome not in (Outcome.FAILED, Outcome.NOT_ASKED):
            self._form_is_known = True
            self._cache.keep_form(self._server, self._labeler.settings.model, self._form.as_document())
        return reading

    # One text -----------------------------------------------------------------------------------------------

    def _answer(self, text: str) -> Reading:
        try:
            return self._label(text)
        except RequestRefusedError as error:
            return Reading(Outcome.REFUSED, fault=str(error))

    def _label(self, text: str) -> Reading:
        try:
            return self._labeler.label(text, self._form, self._fetch)
        except NoAnswerError as error:
            return Reading(Outcome.FAILED, fault=str(error))
        except CostLimitReachedError:
            return NOT_ASKED

    def _from_cache(self, body: bytes, sample: int) -> Reply:
        digest = request_digest(self._server, body, sample)
        reply = self._cache.get(digest)
        if reply is None:
            raise _NotKeptError
        if digest not in self._counted:
            self._counted.add(digest)
            self._spending.kept(self._at_most(body), reply.usage)
        return reply

    def _fetch(self, body: bytes, sample: int) -> Reply:
        try:
            return self._from_cache(body, sample)
        except _NotKeptError:
            return self._sent(body, request_digest(self._server, body, sample))

    def _at_most(self, body: bytes) -> Usage:
        return at_most(body, self._labeler.settings.most_tokens, self._form.added_tokens)

    def _sent(self, body: bytes, digest: bytes) -> Reply:
        most, reason, attempts, slow = self._at_most(body), "", 0, 0
        for attempt in self._client.attempts():
            self._spending.reserve(most)
            try:
                reply = self._client.complete(body)
            except NoAnswerError as error:
                self._spending.release(most, lost=error.lost)
                # Some servers fail at what they do not know.
                if not self._form_is_known and self._form.named_in(str(error)) is not None:
                    raise RequestRefusedError(str(error)) from error
                reason, attempts, slow = str(error), attempt + 1, slow + error.slow
                if slow >= _MOST_SLOW:
                    break
                continue
            except BaseException:
                self._spending.release(most, lost=False)
                raise
            self._spending.answered(most, reply.usage)
            self._counted.add(digest)
            self._cache.put(digest, reply)
            return reply
        raise NoAnswerError(f"{reason}, in {attempts} attempts")


def _is_over(reading: Reading) -> bool:
    """Where one text cannot be paid for, no other is tried: else only short ones would be labeled."""
    return reading.outcome is Outcome.NOT_ASKED


class _Health:
    """Ends what leads nowhere, before it has gone on for hours or cost much."""

    def __init__(self, names: SettingNames) -> None:
        self._names = names
        self._failures = self._unreadable = 0
        self._answered = self._labeled = False

    def note(self, reading: Reading) -> None:
        """Raises ModelServerError."""
        self._labeled = self._labeled or reading.outcome is Outcome.LABELED
        self._failures = self._failures + 1 if reading.outcome is Outcome.FAILED else 0
        self._answered = self._answered or reading.outcome is not Outcome.FAILED
        self._unreadable += reading.outcome in (Outcome.UNREADABLE, Outcome.REFUSED)
        if self._failures >= (_MOST_FAILURES if self._answered else _MOST_FAILURES_AT_FIRST):
            raise ModelServerError(
                f"{self._failures} texts one after the other have no answer; the last: {reading.fault}. "
                f"What has been answered is kept. {self._names.repeat} once the server works."
            )
        if not self._labeled and self._unreadable >= _MOST_UNREADABLE:
            raise ModelServerError(
                f"None of the first {self._unreadable} answers could be read; the last: {reading.fault}. See "
                f"what is sent with {self._names.shown_prompt}, or take another model."
            )
