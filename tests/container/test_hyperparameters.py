"""Hyperparameters are read from strings, and refused by name."""

import pytest
from classifier.hyperparameters import HyperparameterError
from text_classifier.hyperparameters import TextHyperparameters

REQUIRED = {"num_classes": "3", "label_attribute": "category"}


def refusal(**given: object) -> str:
    with pytest.raises(HyperparameterError) as caught:
        TextHyperparameters.of({**REQUIRED, **given})
    return str(caught.value)


def test_strings_become_the_types_of_the_fields() -> None:
    given = {**REQUIRED, "text_attribute": "title", "seed": "7", "epochs": "3", "learning_rate": "1e-3"}
    settings = TextHyperparameters.of(given)
    assert settings == TextHyperparameters(
        3, "category", text_attribute="title", seed=7, epochs=3, learning_rate=0.001
    )


def test_the_text_is_under_source_when_nothing_else_is_said() -> None:
    assert TextHyperparameters.of(REQUIRED).text_attribute == "source"


def test_numbers_that_are_no_strings_are_read_as_well() -> None:
    assert TextHyperparameters.of({"num_classes": 3, "label_attribute": "category"}).num_classes == 3


@pytest.mark.parametrize(("given", "read"), [("true", True), ("False", False), (True, True), (False, False)])
def test_a_switch_is_read_as_it_is_written(given: object, read: bool) -> None:
    assert TextHyperparameters.of({**REQUIRED, "prune_label_errors": given}).prune_label_errors is read


def test_keys_of_sagemaker_itself_are_passed_over() -> None:
    given = {**REQUIRED, "sagemaker_job_name": "x", "sagemaker_region": "eu-west-1"}
    assert TextHyperparameters.of(given) == TextHyperparameters(3, "category")


@pytest.mark.parametrize(("given", "read"), [('["gpt-4o", "a rule"]', ("gpt-4o", "a rule")), ("[]", ())])
def test_prior_labels_are_a_list_of_keys(given: str, read: tuple[str, ...]) -> None:
    assert TextHyperparameters.of({**REQUIRED, "prior_labels": given}).prior_labels == read
    assert TextHyperparameters.of(REQUIRED).prior_labels == ()


def test_prior_labels_under_the_labels_own_key_are_refused() -> None:
    assert "'prior_labels' must not name the label_attribute" in refusal(prior_labels='["category"]')


def test_unknown_names_are_refused_with_the_known_ones() -> None:
    message = refusal(epoch="3")
    assert "'epoch' is unknown" in message
    assert "epochs" in message.split("known are")[1]


@pytest.mark.parametrize("name", ["num_classes", "label_attribute"])
def test_required_names_are_asked_for(name: str) -> None:
    with pytest.raises(HyperparameterError, match=f"'{name}' is missing"):
        TextHyperparameters.of({key: value for key, value in REQUIRED.items() if key != name})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("num_classes", "1"),
        ("num_classes", "2.0"),
        ("num_classes", "-3"),
        ("num_classes", ""),
        ("num_classes", "9" * 5000),
        ("num_classes", "٣"),
        ("num_classes", True),
        ("num_classes", [3]),
        ("label_attribute", " "),
        ("seed", "-1"),
        ("seed", str(2**32)),
        ("epochs", "0"),
        ("epochs", "ten"),
        ("batch_size", "0"),
        ("learning_rate", "0"),
        ("learning_rate", "nan"),
        ("learning_rate", "inf"),
        ("label_smoothing", "1"),
        ("label_smoothing", "-0.1"),
        ("max_tokens", "0"),
        ("max_characters", "many"),
        ("max_components", "-1"),
        ("max_pool_texts", "all"),
        ("embedding_size", "1025"),
        ("prune_label_errors", "1"),
        ("prior_labels", "gpt"),
        ("prior_labels", '"gpt"'),
        ("prior_labels", '["gpt", 1]'),
        ("prior_labels", '[" "]'),
        ("prior_labels", '["gpt", "gpt"]'),
        ("prior_labels", "[" * 100_000),
    ],
)
def test_a_wrong_value_is_refused_with_its_name_and_what_it_may_be(name: str, value: object) -> None:
    assert refusal(**{name: value}).startswith(f"Hyperparameters: '{name}' must be ")


def test_all_problems_are_told_at_once() -> None:
    message = refusal(epochs="x", seed="y", colour="z")
    assert "'epochs'" in message
    assert "'seed'" in message
    assert "'colour'" in message


@pytest.mark.parametrize(("records", "epochs"), [(1, 30), (500, 30), (2_000, 16), (5_000, 7), (100_000, 5)])
def test_few_records_are_seen_more_often_than_many(records: int, epochs: int) -> None:
    assert TextHyperparameters(2, "category").epochs_for(records) == epochs


def test_epochs_asked_for_are_kept_whatever_the_records() -> None:
    assert TextHyperparameters(2, "category", epochs=3).epochs_for(1) == 3
