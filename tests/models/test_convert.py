import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
from safetensors import safe_open
from torch import Tensor

from flashstream import media
from flashstream.memory_store.snapshot import MemorySnapshot
from flashstream.models.demo import convert as module
from flashstream.models.demo.convert import MAX_TOKENS, MEMORY_TOKEN_ID, prepare
from flashstream.models.demo.files import llm_file
from flashstream.models.demo.pack import pack
from flashstream.models.demo.projector import DemoProjector
from flashstream.models.family import ModelFamily, Progress

Remember = Callable[..., MemorySnapshot]


class FakeConvert:
    """Stands for the conversion of a real model, which takes 20 s."""

    def __init__(self, fails: bool = False) -> None:
        self.calls = 0
        self.fails = fails

    def __call__(self, folder: Path, trained: dict[str, Tensor], tell: Progress) -> None:
        self.calls += 1
        (folder / "model.safetensors").write_bytes(b"weights")
        if self.fails:
            raise RuntimeError("disk full")
        (folder / "config.json").write_text("{}")


def test_a_folder_is_made_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = FakeConvert()
    monkeypatch.setattr(module, "convert", fake)
    first = prepare(tmp_path, "abc")
    assert prepare(tmp_path, "abc") == first
    assert prepare(tmp_path, "other") != first
    assert fake.calls == 2
    assert (first / "model.safetensors").read_bytes() == b"weights"


def test_a_failed_conversion_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "convert", FakeConvert(fails=True))
    with pytest.raises(RuntimeError, match="disk full"):
        prepare(tmp_path, "abc")
    assert [path for path in tmp_path.iterdir() if path.is_dir()] == []
    monkeypatch.setattr(module, "convert", FakeConvert())
    assert (prepare(tmp_path, "abc") / "config.json").is_file()


def test_two_at_once_get_one_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake, together = FakeConvert(), Barrier(4)
    monkeypatch.setattr(module, "convert", fake)

    def ask(_: int) -> Path:
        together.wait()
        return prepare(tmp_path, "abc")

    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(ask, range(4)))) == 1
    assert fake.calls == 1


@pytest.mark.llm
def test_the_file_is_parsed_once(demo_folder: Path, parses: list[object]) -> None:
    assert parses == [str(llm_file())]


@pytest.mark.llm
def test_the_folder_holds_what_the_engine_needs(demo_folder: Path, remember: Remember) -> None:
    config: dict[str, Any] = json.loads((demo_folder / "config.json").read_text())
    assert config["architectures"] == ["MemoryLM"]
    assert config["memory_text_arch"] == "LlamaForCausalLM"
    assert config["memory_token_id"] == MEMORY_TOKEN_ID
    assert config["memory_max_tokens"] == MAX_TOKENS == pack(remember(70)).tokens
    named = config["memory_projector"].pop("class")
    assert named == f"{DemoProjector.__module__}:{DemoProjector.__name__}"
    projector = DemoProjector(config["memory_projector"], config["hidden_size"])
    with safe_open(demo_folder / "model.safetensors", framework="pt") as file:
        stored = {
            name.removeprefix("projector."): tuple(file.get_slice(name).get_shape())
            for name in file.keys()  # noqa: SIM118 (not a dict)
            if name.startswith("projector.")
        }
    assert stored == {name: tuple(p.shape) for name, p in projector.named_parameters()}


@pytest.mark.llm
def test_the_converted_model_names_a_photograph_from_memory_tokens_alone(
    demo_folder: Path, family: ModelFamily
) -> None:
    import numpy as np
    from PIL import Image

    from flashstream.evals.still import remember as show
    from flashstream.evals.still import still_frames
    from flashstream.models.demo.labels import load_labels
    from flashstream.models.demo.reference import ReferenceModel

    model, encoder = ReferenceModel(demo_folder), family.encoder("cpu")
    rng = np.random.default_rng(0)
    labels = load_labels()
    for name in ("espresso", "drum", "cheetah"):
        with Image.open(media.locate(name)) as picture:
            snapshot, _ = show(
                family, encoder, still_frames(picture, rng, 4), stream=name, start_s=1.79e9
            )
        prompt = family.prompt("What does the camera show now?", snapshot)
        answer = model.answer(prompt, family.pack(snapshot), 16)
        measured = media.medium(name).measured
        assert measured is not None
        assert labels.named(answer, measured.label), answer
        ranked = family.grounder(demo_folder).rank("What is it?", answer, snapshot)
        assert sorted(slot for slot, _ in ranked) == sorted(snapshot.slots.ids.tolist())
        assert all(0.0 <= relevance <= 1.0 for _, relevance in ranked)
        assert ranked[0][1] > 0.5
