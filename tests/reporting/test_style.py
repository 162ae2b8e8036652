"""The style sheet's colors, measured as WCAG 2.2 does."""

import re
from importlib import resources
from itertools import product

import pytest

STYLE = resources.files("labelloop.reporting").joinpath("templates/report.css").read_text(encoding="utf-8")
LIGHT, DARK = (
    dict(re.findall(r"--([a-z]+): (#[0-9a-f]{6})", block))
    for block in re.findall(r":root \{(.*?)\}", STYLE, re.S)[:2]
)

# What lies side by side in a bar is told apart without seeing color.
PAIRS = (("human", "auto"), ("human", "open"), ("failed", "open"))


def luminance(color: str) -> float:
    parts = [int(color[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    low, high = sorted([luminance(one), luminance(other)])
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("colors", [LIGHT, DARK], ids=["light", "dark"])
def test_text_and_marks_stand_out(colors: dict[str, str]) -> None:
    for ground, text in product(("paper", "card"), ("ink", "muted", "human")):
        assert contrast(colors[ground], colors[text]) >= 4.5, (ground, text)
    for mark in ("human", "auto", "failed", "training", "predicting"):
        assert contrast(colors["card"], colors[mark]) >= 3, mark
    for one, other in PAIRS:
        assert contrast(colors[one], colors[other]) >= 1.5, (one, other)
