"""The classes of a labeling task, in the order that gives each its index."""

import json
from dataclasses import dataclass

from labelloop.core.errors import LabelCategoriesError


@dataclass(frozen=True)
class LabelCategories:
    """Class names; a class's position is its index in labels and predictions."""

    names: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.names)

    def index_of(self, label: object) -> int | None:
        """The class index of a label as written in a manifest (`2` or `"2"`), None if it is no class."""
        if isinstance(label, str) and label.isascii() and label.isdigit() and len(label) <= 6:
            label = int(label)
        if isinstance(label, int) and not isinstance(label, bool) and 0 <= label < len(self.names):
            return label
        return None


def parse_label_categories(document: bytes) -> LabelCategories:
    """Read Ground Truth's label category file: `{"labels": [{"label": "business"}, ...]}`.

    Raises LabelCategoriesError when it is not such a file, names a class twice, or has fewer than two.
    """
    try:
        content = json.loads(document)
    except ValueError as error:
        raise _malformed(f"it is no JSON ({error})") from error
    labels = content.get("labels") if isinstance(content, dict) else None
    if not isinstance(labels, list):
        raise _malformed('it has no list "labels"')
    for position, entry in enumerate(labels):
        if not isinstance(entry, dict) or "label" not in entry:
            raise _malformed(f'entry {position + 1} of "labels" has no "label"')
    return checked_label_categories([entry["label"] for entry in labels])


def _malformed(what: str) -> LabelCategoriesError:
    return LabelCategoriesError(
        f'the label category file is not of the form {{"labels": [{{"label": "name"}}, ...]}}: {what}'
    )


def checked_label_categories(names: list[object]) -> LabelCategories:
    for position, name in enumerate(names):
        if not isinstance(name, str) or not name.strip():
            raise LabelCategoriesError(f"the label category file has no name for class {position}")
        if name in names[:position]:
            raise LabelCategoriesError(f"the label category file names the class {name!r} twice")
    if len(names) < 2:
        raise LabelCategoriesError(
            f"the label category file has {len(names)} class{'' if len(names) == 1 else 'es'}: "
            "a model needs at least two to choose from"
        )
    return LabelCategories(tuple(str(name) for name in names))
