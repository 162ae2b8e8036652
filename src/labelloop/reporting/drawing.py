"""Draws small SVG charts: scales, axes and marks. The page's CSS classes set the colors."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from xml.etree import ElementTree

from markupsafe import Markup

Point = tuple[float, float]
WIDTH, HEIGHT = 360, 230  # a phone's width: text stays readable without scaling down
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 20, 14, 40


def nice_ticks(low: float, high: float, most: int = 5, *, whole: bool = False) -> list[float]:
    """Round numbers (1, 2, 2.5, 5 times a power of ten) within low to high, at most about `most`.

    `whole`: integers only, for counts.
    """
    if not high > low:
        return [low]
    rough = max((high - low) / most, 1 if whole else 0)
    power = 10 ** math.floor(math.log10(rough))
    factors = (1, 2, 5, 10) if whole else (1, 2, 2.5, 5, 10)
    step = next(factor * power for factor in factors if factor * power >= rough * (1 - 1e-9))
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [number * step for number in range(first, last + 1)]


@dataclass(frozen=True)
class Scale:
    """A linear mapping from `low` to `high` onto pixels."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        span = self.high - self.low
        share = (value - self.low) / span if span else 0.5
        return round(self.start + min(1.0, max(0.0, share)) * (self.end - self.start), 2)


class Drawing:
    """One SVG image with a text alternative. ElementTree escapes its texts."""

    def __init__(
        self, description: str, width: float = WIDTH, height: float = HEIGHT, *, stretched: bool = False
    ) -> None:
        self.width, self.height = width, height
        self._root = ElementTree.Element(
            "svg",
            {
                "viewBox": f"0 0 {width:g} {height:g}",
                "role": "img",
                "aria-label": description,
            },
        )
        if stretched:
            self._root.set("preserveAspectRatio", "none")

    def markup(self) -> Markup:
        # Escaped by ElementTree.
        return Markup(ElementTree.tostring(self._root, encoding="unicode"))  # noqa: S704

    def rect(self, x: float, y: float, width: float, height: float, mark: str, title: str = "") -> None:
        if width <= 0 or height <= 0:
            return
        place = {"x": _px(x), "y": _px(y), "width": _px(width), "height": _px(height), "class": mark}
        element = ElementTree.SubElement(self._root, "rect", place)
        if title:
            ElementTree.SubElement(element, "title").text = title

    def dot(self, at: Point, mark: str, title: str = "") -> None:
        element = ElementTree.SubElement(
            self._root, "circle", {"cx": _px(at[0]), "cy": _px(at[1]), "r": "3.5", "class": mark}
        )
        if title:
            ElementTree.SubElement(element, "title").text = title

    def line(self, points: Sequence[Point], mark: str) -> None:
        ElementTree.SubElement(self._root, "polyline", {"points": _points(points), "class": mark})

    def area(self, points: Sequence[Point], mark: str) -> None:
        ElementTree.SubElement(self._root, "polygon", {"points": _points(points), "class": mark})

    def text(self, at: Point, text: str, mark: str) -> None:
        place = {"x": _px(at[0]), "y": _px(at[1]), "class": mark}
        ElementTree.SubElement(self._root, "text", place).text = text


class Plot(Drawing):
    """A drawing with a horizontal and a vertical axis."""

    def __init__(
        self, description: str, x: tuple[float, float], y: tuple[float, float], height: float = HEIGHT
    ) -> None:
        super().__init__(description, height=height)
        self.x = Scale(*x, _LEFT, self.width - _RIGHT)
        self.y = Scale(*y, height - _BOTTOM, _TOP)

    def at(self, x: float, y: float) -> Point:
        return self.x(x), self.y(y)

    def y_axis(self, form: Callable[[float], str], most: int = 4, *, whole: bool = False) -> None:
        for value in nice_ticks(self.y.low, self.y.high, most, whole=whole):
            height = self.y(value)
            self.line([(self.x.start, height), (self.x.end, height)], "grid")
            self.text((self.x.start - 6, height + 4), form(value), "tick end")

    def x_axis(self, name: str, ticks: Sequence[tuple[float, str]]) -> None:
        foot = self.y.start
        self.line([(self.x.start, foot), (self.x.end, foot)], "axis")
        for position, label in ticks:
            self.text((position, foot + 16), label, "tick middle")
        self.text(((self.x.start + self.x.end) / 2, foot + 34), name, "axis-name middle")

    def x_number_axis(
        self, name: str, form: Callable[[float], str], most: int = 5, *, whole: bool = False
    ) -> None:
        values = nice_ticks(self.x.low, self.x.high, most, whole=whole)
        self.x_axis(name, [(self.x(value), form(value)) for value in values])

    def band(self, rows: Sequence[tuple[float, float, float]], mark: str) -> None:
        """Fill the area between two lines; `rows` are x, low and high."""
        upper = [self.at(x, high) for x, _, high in rows]
        lower = [self.at(x, low) for x, low, _ in reversed(rows)]
        if rows:
            self.area(upper + lower, mark)

    def whisker(self, x: float, low: float, high: float, mark: str) -> None:
        self.line([self.at(x, low), self.at(x, high)], mark)

    def curve(self, points: Sequence[Point], mark: str) -> None:
        self.line([self.at(*point) for point in points], mark)


def _px(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")


def _points(points: Sequence[Point]) -> str:
    return " ".join(f"{_px(x)},{_px(y)}" for x, y in points)
