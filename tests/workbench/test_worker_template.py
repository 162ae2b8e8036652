"""Ground Truth's worker templates: what renders, and what is refused before people are asked."""

from collections.abc import Sequence
from importlib import resources

import pytest

from labelloop.workbench.worker_template import WorkerTemplate, WorkerTemplateError

CLASSES = ("fruit & veg", 'say "cheese"', "it's")
OURS = resources.files("labelloop.preparation").joinpath("worker_template.html").read_text()
IMAGE = """<crowd-form>
<crowd-image-classifier name="image" src="{{ task.input.taskObject | grant_read_access }}"
  header="What is it?" categories='{{ task.input.labels | to_json }}'></crowd-image-classifier>
</crowd-form>"""


def classifier(categories: str, target: str = "{{ task.input.taskObject }}") -> str:
    return (
        f'<crowd-classifier categories="{categories}"><classification-target>{target}</classification-target>'
        "</crowd-classifier>"
    )


def no_access(uri: str) -> str:
    raise AssertionError(f"{uri} was asked for")


def test_the_template_that_labelloop_prepares_is_one() -> None:
    template = WorkerTemplate(OURS)
    template.check(CLASSES)
    page = template.render("<script>x</script> & {{ more }}", CLASSES, no_access)
    assert "&lt;script&gt;x&lt;/script&gt; &amp; {{ more }}" in page
    assert "fruit &amp; veg" in page


def test_an_image_is_shown_by_the_address_it_is_granted() -> None:
    template = WorkerTemplate(IMAGE)
    template.check(CLASSES)
    page = template.render("s3://bucket/a.png", CLASSES, lambda uri: f"https://signed/{uri[5:]}?a=1&b=2")
    assert 'src="https://signed/bucket/a.png?a=1&amp;b=2"' in page


def test_values_are_escaped_once_however_the_template_asks() -> None:
    asked = ("", " | escape", " | escape_once")
    source = "|".join(f"{{{{ task.input.taskObject{how} }}}}" for how in asked)
    assert WorkerTemplate(source).render("<", CLASSES, no_access) == "&lt;|&lt;|&lt;"


def test_skip_autoescape_leaves_a_value_as_it_is() -> None:
    source = "{{ task.input.taskObject | skip_autoescape }}"
    assert WorkerTemplate(source).render("<b>x</b>", CLASSES, no_access) == "<b>x</b>"


def test_the_manifests_own_names_hold_the_object() -> None:
    source = "{{ task.input.source }} {{ task.input['source-ref'] }}"
    assert WorkerTemplate(source).render("text", CLASSES, no_access) == "text text"


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("a\n{% if %}", "line 2"),
        ("{{ 'x' | shout }}", "shout"),
        ("{% include 'other' %}", "other"),
        ("{% for i in (1..10000000) %}x{% endfor %}", "loop iteration limit"),
        ("<p>{{ task.input.taskObject }}</p>", "has 0 of the elements"),
        (classifier("[]") * 2, "has 2 of the elements"),
        (classifier("{{ task.input.labels | to_json }}", "text"), "does not show the object"),
        (classifier("['fruit', 'other']"), "offers the categories ['fruit', 'other']"),
        (classifier("fruit, other"), "not a JSON list"),
    ],
)
def test_a_template_people_could_not_label_with_is_refused(source: str, told: str) -> None:
    with pytest.raises(WorkerTemplateError, match="worker template") as raised:
        WorkerTemplate(source).check(["fruit", "vegetable"])
    assert told in str(raised.value)


@pytest.mark.parametrize("classes", [("a", "b"), ("b", "a")])
def test_fixed_categories_may_stand_in_any_order(classes: Sequence[str]) -> None:
    WorkerTemplate(classifier("['a', 'b']")).check(classes)


def test_a_template_reads_the_object_and_its_own_folder_and_nothing_else() -> None:
    def page(uri: str, template_uri: str = "s3://bucket/templates/a.html") -> str:
        source = '{{ "%s" | grant_read_access }} {{ task.input.taskObject | grant_read_access }}'
        return WorkerTemplate(source % uri, template_uri).render(
            "s3://bucket/in/1.png", ["a"], "signed:{}".format
        )

    assert "signed:s3://bucket/in/1.png" in page("s3://bucket/in/1.png")
    assert "signed:s3://bucket/templates/help/cat.png" in page("s3://bucket/templates/help/cat.png")
    for other in (
        "s3://bucket/out/secret.json",
        "s3://bucket/in/2.png",
        "s3://bucket/templates-2/x",
        "s3://other/x",
    ):
        with pytest.raises(WorkerTemplateError, match="may not read"):
            page(other)
    for at_the_top in ("s3://bucket/a.html", ""):
        with pytest.raises(WorkerTemplateError, match="may not read"):
            page("s3://bucket/out/secret.json", at_the_top)
