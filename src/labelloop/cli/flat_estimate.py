"""The question that a run asks when more labels do not lower what people will have to label in all."""

import sys
from collections.abc import Callable
from typing import Any

import typer
from rich.console import Console

from labelloop.cli.progress import EstimateIsFlat
from labelloop.cli.run_options import option_of_promise
from labelloop.cli.sentences import say
from labelloop.core.records import OtherPromise

_GO_ON, _STOP = 1, 0


def can_ask(console: Console) -> bool:
    """Whether somebody sits at the terminal."""
    return console.is_terminal and sys.stdin.isatty()


def ask_how_to_go_on(
    console: Console, flat: EstimateIsFlat, prompt: Callable[..., int] = typer.prompt
) -> dict[str, Any] | None:
    """The fields of the request's block that change; none to go on as it is. None to stop."""
    data_objects = flat.run.counts.input
    say(
        console,
        "The last rounds did not change what is to be expected: as it stands, people label "
        f"{_labels(flat.expected, data_objects)}. All labels so far are kept, whatever you choose.",
    )
    others = [one for one in flat.others if not _is_own(one, flat)]
    choices = [f"go on as it is: {_labels(flat.expected, data_objects)}"]
    choices += [f"{_option(one, flat)}: {_labels(one.human_labels, data_objects)}" for one in others]
    for number, words in enumerate(choices, _GO_ON):
        say(console, f"  {number}  {words}")
    say(console, f"  {_STOP}  stop here")
    if not others:
        say(console, "No other promise that was tried would take fewer labels with this model.")
    number = _chosen(prompt, len(choices))
    if number == _STOP:
        return None
    if number == _GO_ON:
        return {}
    one = others[number - _GO_ON - 1]
    say(console, f"From now on the command has {_option(one, flat)}.")
    if one.certificate_for != flat.run.loop_settings.certificate_for:
        return {"CertificateFor": one.certificate_for}
    return {"TargetError": one.target_error}


def _chosen(prompt: Callable[..., int], choices: int) -> int:
    number = -1
    while not _STOP <= number <= choices:
        try:
            number = prompt("Which", default=_GO_ON, type=int)
        except typer.Abort:  # Ctrl-C
            return _STOP
    return number


def _option(one: OtherPromise, flat: EstimateIsFlat) -> str:
    return option_of_promise(one.certificate_for, one.target_error, flat.run.loop_settings.certificate_for)


def _is_own(one: OtherPromise, flat: EstimateIsFlat) -> bool:
    settings = flat.run.loop_settings
    return (one.certificate_for, one.target_error) == (settings.certificate_for, settings.target_error)


def _labels(number: int, data_objects: int) -> str:
    return f"about {number:,} of {data_objects:,} labels"
