import pytest

from flashstream.errors import MissingPackageError
from flashstream.models.demo import labels as module
from flashstream.models.demo.labels import Labels, load_labels, mentions, with_article


def test_there_are_a_thousand_lines_in_the_classifiers_order(labels: Labels) -> None:
    assert len(labels.lines) == 1000
    assert labels.names[967] == "espresso"
    assert labels.names[293] == "cheetah"
    assert labels.lines[0][0] == "tench"
    assert labels.lines[999][0].startswith("toilet tissue")


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("A cheetah.", "cheetah"),
        ("CHEETAHS run", "cheetah"),
        ("Two folding chairs, I think", "folding chair"),
        ("strawberries", "strawberry"),
        ("a jack-o'-lantern", "jack-o'-lantern"),
        ("the wine glasses", "wine glass"),
        ("A bus.", "bus"),
        ("A spider's web", "spider web"),
    ],
)
def test_whole_words_count_whatever_case_and_number(text: str, word: str) -> None:
    assert mentions(text, word)


@pytest.mark.parametrize(
    ("text", "word"),
    [("A catalogue.", "cat"), ("a chair that folds", "folding chair"), ("", "cat"), ("cat", "")],
)
def test_parts_of_words_do_not_count(text: str, word: str) -> None:
    assert not mentions(text, word)


def test_a_synonym_of_the_line_names_the_label(labels: Labels) -> None:
    assert labels.named("It is a landrover.", 609)
    assert labels.named("It is a jeep.", 609)
    assert not labels.named("It is a convertible.", 609)


def test_kinds_of_things(labels: Labels) -> None:
    assert labels.groups[285] == "cat"
    assert labels.groups[207] == "dog"
    assert labels.groups[99] == "bird"
    assert labels.groups[967] is None


def test_articles() -> None:
    assert with_article("espresso") == "an espresso"
    assert with_article("Egyptian cat") == "an Egyptian cat"
    assert with_article("drum") == "a drum"


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "package_folder", lambda _: None)
    with pytest.raises(MissingPackageError, match="timm"):
        load_labels()
