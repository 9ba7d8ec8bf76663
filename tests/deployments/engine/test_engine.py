"""The engine on a tiny model: what it computes, what it reuses, what it refuses, what it frees."""

import asyncio
import multiprocessing
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import psutil
import pytest
import pytest_asyncio
import torch
from safetensors.torch import load_file
from support.tiny_lm import CHANNELS, MAX_TOKENS, make_item
from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM

from flashstream.deployments.engine.engine import MemoryEngine
from flashstream.deployments.engine.settings import EngineSettings
from flashstream.deployments.engine.yielding import IDLE, Pauses, yield_cores
from flashstream.errors import EngineError
from flashstream.models.family import MemoryItem

pytestmark = [pytest.mark.llm, pytest.mark.asyncio(loop_scope="module")]

BEFORE = "w10 w11 w12"
SETTINGS = EngineSettings(
    max_model_len=4096, kv_cache_mb=64, dtype="float32", threads=1, stall_s=2.0
)


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def engine(tiny_folder: Path) -> AsyncIterator[MemoryEngine]:
    made = MemoryEngine.start(tiny_folder, SETTINGS)
    yield made
    made.close()


async def ask(
    engine: MemoryEngine, item: MemoryItem, question: str, uuid: str, tokens: int = 24
) -> tuple[str, int]:
    """The answer's text and how many prompt tokens were reused."""
    text, cached = "", 0
    async for output in engine.generate(
        BEFORE, item, question, uuid, max_tokens=tokens, ignore_eos=True
    ):
        text += output.text
        cached = output.cached_tokens
    return text.strip(), cached


async def becomes_idle(engine: MemoryEngine, seconds: float) -> bool:
    for _ in range(int(seconds * 100)):
        if engine.running() == 0:
            return True
        await asyncio.sleep(0.01)
    return False


def reference(folder: Path, item: MemoryItem, question: str, tokens: int) -> str:
    """The same answer by transformers' Llama on embeddings of the same projector."""
    from support.tiny_projector import TinyProjector

    tensors = load_file(folder / "model.safetensors")
    config = LlamaConfig.from_pretrained(folder)
    projector = TinyProjector({"channels": CHANNELS}, config.hidden_size)
    projector.load_state_dict(
        {k.removeprefix("projector."): v for k, v in tensors.items() if k.startswith("projector.")}
    )
    llm = LlamaForCausalLM(config).eval()
    llm.load_state_dict({k: v for k, v in tensors.items() if not k.startswith("projector.")})
    tokenizer = AutoTokenizer.from_pretrained(folder)

    def words(text: str) -> torch.Tensor:
        ids = tokenizer.encode(text, add_special_tokens=False, return_tensors="pt")
        embedded: torch.Tensor = llm.get_input_embeddings()(ids)[0]
        return embedded

    with torch.inference_mode():
        memory = projector(torch.from_numpy(item.features).float(), torch.from_numpy(item.meta))
        sequence = torch.cat([words(BEFORE), memory, words(question)])
        made: list[int] = []
        for _ in range(tokens):
            best = int(llm(inputs_embeds=sequence[None]).logits[0, -1].argmax())
            made.append(best)
            sequence = torch.cat([sequence, llm.get_input_embeddings()(torch.tensor([best]))])
    return str(tokenizer.decode(made, skip_special_tokens=True))


async def test_answers_equal_transformers(engine: MemoryEngine, tiny_folder: Path) -> None:
    for seed, rows in ((1, 70), (2, 33), (3, 1)):
        item = make_item(seed, rows)
        text, _ = await ask(engine, item, "w20 w21", f"equal:{seed}")
        assert text.split() == reference(tiny_folder, item, "w20 w21", 24).split()


@pytest.mark.parametrize(("niceness", "layers"), [(19, 0), (IDLE, 2)])
async def test_a_model_that_yields_most_pauses_before_each_layer(
    monkeypatch: pytest.MonkeyPatch, niceness: int, layers: int
) -> None:
    from flashstream.deployments.engine.memory_lm import pauses_before

    begun: list[str] = []
    monkeypatch.setattr(Pauses, "layer", lambda _: begun.append("layer"))

    def run() -> None:
        yield_cores(niceness)
        model = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.Linear(2, 2))
        pauses_before(model)
        model(torch.zeros(2))

    with ThreadPoolExecutor(1) as pool:  # yielding cannot be taken back
        pool.submit(run).result(60)
    assert len(begun) == layers


async def test_an_item_of_no_tokens_is_left_out(engine: MemoryEngine, tiny_folder: Path) -> None:
    none = MemoryItem(np.zeros((0, CHANNELS), np.float16), np.zeros((0, 2), np.int64), 0)
    text, _ = await ask(engine, none, "w20 w21", "nothing:1")
    assert text.split() == reference(tiny_folder, none, "w20 w21", 24).split()


async def test_second_question_reuses_the_memory(engine: MemoryEngine) -> None:
    item = make_item(4)
    _, first = await ask(engine, item, "w30 w31", "prefix:1")
    text, second = await ask(engine, item, "w32", "prefix:1")
    assert first == 0
    assert second == 64  # whole blocks of 32 of the 73 tokens that both questions begin with
    await engine.reset_caches()
    fresh, none = await ask(engine, item, "w32", "prefix:1")
    assert none == 0
    assert fresh == text


async def test_changed_memory_under_a_new_uuid_changes_the_answer(engine: MemoryEngine) -> None:
    before, _ = await ask(engine, make_item(5), "w40", "cam:1:7:aa")
    after, cached = await ask(engine, make_item(6), "w40", "cam:1:8:bb")
    assert cached == 0
    assert after != before


async def test_meta_reaches_the_projector(engine: MemoryEngine) -> None:
    item = make_item(7)
    shifted = replace(item, meta=item.meta + np.array([[40, 0]]))
    plain, _ = await ask(engine, item, "w41", "meta:1")
    moved, _ = await ask(engine, shifted, "w41", "meta:2")
    assert plain != moved


async def test_concurrent_equal_serial(engine: MemoryEngine) -> None:
    questions = [(make_item(i % 4), f"w{50 + i} w{60 + i}", f"many:{i % 4}") for i in range(8)]
    serial = [await ask(engine, *question) for question in questions]
    await engine.reset_caches()
    engine.reset_max_running()
    concurrent = await asyncio.gather(*(ask(engine, *question) for question in questions))
    assert [text for text, _ in concurrent] == [text for text, _ in serial]
    assert engine.max_running >= 5


@pytest.mark.parametrize(
    ("bad", "told"),
    [
        (
            MemoryItem(np.zeros((3, CHANNELS + 1), np.float16), np.zeros((3, 2), np.int64), 3),
            rf"features is float16 \[3, {CHANNELS + 1}\].*{CHANNELS}",
        ),
        (
            MemoryItem(np.full((3, CHANNELS), np.nan, np.float16), np.zeros((3, 2), np.int64), 3),
            "NaN",
        ),
        (
            MemoryItem(np.zeros((3, CHANNELS), np.float16), np.zeros((3, 5), np.int64), 3),
            r"meta is int64 \[3, 5\]",
        ),
        (make_item(1, MAX_TOKENS + 1), f"1 to {MAX_TOKENS}"),
        (replace(make_item(1, 9), tokens=8), "says 8 tokens, but the projector makes 9"),
    ],
)
async def test_bad_item_is_refused_and_the_engine_survives(
    engine: MemoryEngine, bad: MemoryItem, told: str
) -> None:
    with pytest.raises(EngineError, match=told) as refusal:
        await ask(engine, bad, "w70", "bad:1")
    assert isinstance(refusal.value.__cause__, ValueError)
    assert engine.healthy()
    assert (await ask(engine, make_item(1, 9), "w70", "good:1", tokens=2))[0]


async def test_too_long_a_prompt_is_refused(engine: MemoryEngine) -> None:
    with pytest.raises(EngineError, match="fewer than 4096") as refusal:
        await ask(engine, make_item(1), "w1 " * 4096, "long:1")
    assert refusal.value.details["accepted"] == 4095


async def test_memory_token_in_the_text_is_refused(engine: MemoryEngine) -> None:
    with pytest.raises(EngineError, match="memory token"):
        await ask(engine, make_item(1), "w1 <memory> w2", "twice:1")


async def test_leaving_frees_the_request(engine: MemoryEngine) -> None:
    outputs = engine.generate(
        BEFORE, make_item(8), "w80", "leave:1", max_tokens=3500, ignore_eos=True
    )
    await anext(outputs)
    assert engine.running() == 1
    await outputs.aclose()
    assert await becomes_idle(engine, 1.0)


async def test_cancellation_frees_the_request(engine: MemoryEngine) -> None:
    async def patient() -> None:
        async for _ in engine.generate(
            BEFORE, make_item(8), "w81", "cancel:1", max_tokens=3500, ignore_eos=True
        ):
            started.set()

    started = asyncio.Event()
    task = asyncio.create_task(patient())
    await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await becomes_idle(engine, 1.0)


async def test_cancellation_while_it_is_handed_over_frees_the_request(
    engine: MemoryEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    core = engine._llm.engine_core  # type: ignore[union-attr]
    send = core.add_request_async

    async def send_slowly(request: object) -> None:
        await send(request)
        await asyncio.sleep(60)

    monkeypatch.setattr(core, "add_request_async", send_slowly)
    task = asyncio.create_task(ask(engine, make_item(9), "w82", "early:1", tokens=3500))
    for _ in range(200):
        if engine.running():
            break
        await asyncio.sleep(0.01)
    assert engine.running() == 1
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await becomes_idle(engine, 1.0)


async def test_counts_and_reason_are_told(engine: MemoryEngine) -> None:
    outputs = [
        output
        async for output in engine.generate(
            BEFORE, make_item(10), "w90", "count:1", max_tokens=5, ignore_eos=True
        )
    ]
    last = outputs[-1]
    assert sum(output.tokens for output in outputs) == 5
    assert (last.finished, last.finish_reason) == (True, "length")
    assert last.prompt_tokens == 3 + 70 + 1


async def test_folder_of_another_kind_is_refused(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"architectures": ["LlamaForCausalLM"]}')
    with pytest.raises(EngineError, match="MemoryLM"):
        MemoryEngine.start(tmp_path, SETTINGS)


async def test_an_engine_that_hangs_is_told_and_one_that_works_is_not(engine: MemoryEngine) -> None:
    async def found(stalled: bool, seconds: float) -> bool:
        for _ in range(int(seconds * 20)):
            if engine.stalled() == stalled:
                return True
            await asyncio.sleep(0.05)
        return False

    async def ask_on() -> None:
        while True:  # a fast machine says all 3500 words in less than it is watched for
            await ask(engine, make_item(8), "w85", "hangs:1", tokens=3500)

    asking = asyncio.create_task(ask_on())
    assert not await found(True, 2 * SETTINGS.stall_s)
    assert not asking.done()
    processes = [psutil.Process(child.pid) for child in multiprocessing.active_children()]
    for process in processes:
        process.suspend()
    try:
        assert await found(True, 10 * SETTINGS.stall_s)
        assert engine.healthy()
    finally:
        for process in processes:
            process.resume()
    assert await found(False, 10 * SETTINGS.stall_s)
    asking.cancel()
    assert await becomes_idle(engine, 5.0)


async def test_dead_engine_is_told(engine: MemoryEngine) -> None:
    """Last in this module: the engine's process is killed."""
    asking = asyncio.create_task(ask(engine, make_item(8), "w83", "dead:1", tokens=3500))
    await asyncio.sleep(0.2)
    for child in multiprocessing.active_children():
        child.kill()
    with pytest.raises(EngineError):
        await asyncio.wait_for(asking, 10)
    assert not engine.healthy()
    with pytest.raises(EngineError):
        await ask(engine, make_item(8), "w84", "dead:2")
