"""The prompt: what the model is told, made of the classes, and the text it is asked about.

Texts are hostile. A text goes out as a JSON string, in a message of its own, between two lines with a mark
that nobody who wrote a text can know. Its line ends are escaped, so that no line of it can be the mark; so is
what begins the control words of chat formats (`<|im_end|>`, `[INST]`), which some servers read even in a
message.
The instructions are one message, the same for all texts unless each has examples of its own: servers need to
read it only once.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import TypeAlias

from jinja2 import StrictUndefined, Template, TemplateError, TemplateSyntaxError, meta
from jinja2.exceptions import SecurityError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from labelloop.core.near_names import nearest_name
from labelloop.foundation_model.errors import PromptError

Message: TypeAlias = Mapping[str, str]

_CLASSES_SHOWN = 20
# With the same examples for all texts there are a few; with examples near each text, one for each.
_MOST_RENDERED = 100
_VARIABLES = ("answer_form", "classes", "examples", "guidelines", "mark")
_LABEL_ALONE = 'Answer with JSON alone: {"label": "<one of the classes, exactly as it is written above>"}'
_WITH_CONFIDENCE = (
    'Answer with JSON alone: {"label": "<one of the classes, exactly as it is written above>", '
    '"confidence": <the probability that this label is right, from 0 to 1>}'
)
_REPAIR = (
    "Your last answer to this text was not JSON with exactly one of the classes. Answer with the JSON alone, "
    "and copy the class from the list."
)
# U+2028 and U+2029 end a line for some readers; JSON leaves them as they are.
_ESCAPED = str.maketrans({sign: f"\\u{ord(sign):04x}" for sign in "<[\u2028\u2029\x7f\x85"})


@dataclass(frozen=True, slots=True)
class DescribedClass:
    """A class, and what it means; the description may be empty."""

    name: str
    description: str = ""


@dataclass(frozen=True, slots=True)
class Example:
    """A text that people labeled."""

    text: str
    label: str


def described(classes: Sequence[str], descriptions: Mapping[str, str], place: object) -> list[DescribedClass]:
    """The classes with what they mean. `place`: where that is written.

    Raises PromptError for the description of a class that there is not.
    """
    for name in descriptions:
        if name not in classes:
            near = nearest_name(name, classes)
            meant = f" Did you mean {near!r}?" if near else ""
            shown = ", ".join(map(repr, classes[:_CLASSES_SHOWN]))
            more = f" and {len(classes) - _CLASSES_SHOWN:,} more" if len(classes) > _CLASSES_SHOWN else ""
            raise PromptError(
                f"{place} describes {name!r}, which is not a class.{meant} The classes are: {shown}{more}."
            )
    return [DescribedClass(name, descriptions.get(name, "")) for name in classes]


def as_data(text: str) -> str:
    """The text as a JSON string that holds no line end, and begins no control word of a chat format."""
    return json.dumps(text, ensure_ascii=False).translate(_ESCAPED)


class Prompt:
    """What is sent about a text."""

    def __init__(
        self,
        classes: Sequence[DescribedClass],
        *,
        mark: str,
        asks_confidence: bool,
        guidelines: str = "",
        template: str | None = None,
    ) -> None:
        """`template`: the user's own, in place of ours. Raises PromptError."""
        self._classes = tuple(classes)
        self._mark = f"===== {mark} ====="
        self._template = _compiled(_own_template() if template is None else template)
        self._values = {
            "answer_form": _WITH_CONFIDENCE if asks_confidence else _LABEL_ALONE,
            "classes": self._classes,
            "guidelines": guidelines.strip(),
            "mark": self._mark,
        }
        self._rendered = lru_cache(_MOST_RENDERED)(self._render)
        if not self.instructions(()).strip():
            raise PromptError("The prompt template gives an empty text: the model would not know its task.")
        # What stands only where there are examples must fail here too, not after some thousand rows.
        self._render((Example("text", self._classes[0].name),))

    @property
    def class_names(self) -> tuple[str, ...]:
        return tuple(one.name for one in self._classes)

    @property
    def mark(self) -> str:
        """The line above and below the text."""
        return self._mark

    def instructions(self, examples: tuple[Example, ...]) -> str:
        """What the model is told about its task."""
        return self._rendered(examples)

    def messages(
        self, text: str, examples: tuple[Example, ...] = (), *, repair: bool = False
    ) -> list[Message]:
        """What is sent about the text. `repair`: the first answer could not be read."""
        told = self.instructions(examples)
        return [
            {"role": "system", "content": f"{told}\n\n{_REPAIR}" if repair else told},
            {"role": "user", "content": f"{self._mark}\n{as_data(text)}\n{self._mark}"},
        ]

    def _render(self, examples: tuple[Example, ...]) -> str:
        shown = [{"text": as_data(one.text), "label": as_data(one.label)} for one in examples]
        try:
            return self._template.render(**self._values, examples=shown).strip()
        except SecurityError as error:
            raise PromptError(f"The prompt template does what no prompt needs: {_reason(error)}.") from error
        # A template runs code of its author: it can fail like any other.
        except (TemplateError, TypeError, ValueError, ArithmeticError, LookupError, AttributeError) as error:
            raise PromptError(f"The prompt template cannot be filled in: {_reason(error)}.") from error


def _own_template() -> str:
    return (
        resources.files("labelloop.foundation_model")
        .joinpath("templates/prompt.txt.jinja")
        .read_text("utf-8")
    )


def _compiled(source: str) -> Template:
    # Not HTML: nothing is escaped, but for the texts, which come as JSON.
    environment = ImmutableSandboxedEnvironment(undefined=StrictUndefined, trim_blocks=True, autoescape=False)
    try:
        tree = environment.parse(source)
        unknown = sorted(meta.find_undeclared_variables(tree) - set(_VARIABLES))
        if unknown:
            raise PromptError(_unknown(unknown[0]))
        return environment.from_string(source)
    except TemplateSyntaxError as error:
        raise PromptError(f"The prompt template, line {error.lineno}: {_reason(error)}.") from error
    except TemplateError as error:
        raise PromptError(f"The prompt template cannot be used: {_reason(error)}.") from error


def _reason(error: Exception) -> str:
    # Jinja ends some of its messages with a full stop, and a syntax error's str() adds lines of its own.
    said = error.message if isinstance(error, TemplateError) and error.message else str(error)
    return said.rstrip(".")


def _unknown(name: str) -> str:
    near = nearest_name(name, _VARIABLES)
    meant = f" Did you mean {near!r}?" if near else ""
    text = (
        " The text itself is sent in a message of its own, after the instructions." if name == "text" else ""
    )
    return (
        f"The prompt template uses {name!r}, which does not exist.{meant} There are: {', '.join(_VARIABLES)}."
        f"{text}"
    )
