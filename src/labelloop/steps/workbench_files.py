"""What the workbench takes of the user's own files: objects with known answers, and a worker template."""

from typing import Any

from labelloop.core.errors import RequestError
from labelloop.core.manifest.label_categories import LabelCategories
from labelloop.core.manifest.labeling_output import read_labeled
from labelloop.core.manifest.lines import LabelAttribute
from labelloop.storage import s3
from labelloop.workbench.worker_template import template_in_s3
from labelloop.workflow.request import LabelingRequest


def require_workbench_files(request: LabelingRequest, categories: LabelCategories) -> None:
    """Read them once, before anything is spent, where people are to label in the workbench.

    Raises RequestError, StorageError or WorkerTemplateError for what cannot be used.
    """
    if request.active_learning.labeling_backend == "workbench":
        worker_template_uri(request, categories)
        gold_objects(request, categories)


def worker_template_uri(request: LabelingRequest, categories: LabelCategories) -> str | None:
    """The template that tasks are shown by, if it is not the built-in page. Raises WorkerTemplateError."""
    task = request.human_task_config
    if task is None or not request.active_learning.workbench.use_worker_template:
        return None
    uri = task.ui_config.ui_template_s3_uri
    if uri is not None:
        template_in_s3(uri).check(categories.names)
    return uri


def gold_objects(request: LabelingRequest, categories: LabelCategories) -> list[tuple[dict[str, Any], int]]:
    """Records with known answers, and the class of each; [] where none are asked for.

    Raises RequestError where the file has none, StorageError where it is missing.
    """
    gold = request.active_learning.workbench.gold
    if gold is None:
        return []
    attribute = LabelAttribute(request.label_attribute_name)
    known = list(read_labeled(s3.read_lines(gold.manifest_s3_uri), attribute, categories))
    if not known:
        raise RequestError(
            f"ActiveLearning.Workbench.Gold: {gold.manifest_s3_uri} has no object with a label under "
            f"{request.label_attribute_name}"
        )
    return known
