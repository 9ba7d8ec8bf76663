"""Trains the demo model: `python -m flashstream.models.demo.train` (`make train-demo`).

First the reader of actors is fitted to frames of train worlds. Then the language model learns,
from synthetic sights and then from streams of train worlds: it stays frozen but for LoRA on its
linear layers; of the projector, temperatures, scales, kind embeddings and a low-rank residual are
trained. A drill about order is the last: small memories, many questions. Everything follows from
the seed. A run that was stopped goes on from its last checkpoint (`--fresh` starts again).
"""

import argparse
import math
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from platformdirs import user_cache_path
from rich.console import Console
from rich.progress import Progress, TextColumn
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from flashstream.evals.questions import photograph_pages
from flashstream.models.demo import files, lora
from flashstream.models.demo.actors import fit
from flashstream.models.demo.attend import BATCH, fit_attention
from flashstream.models.demo.backgrounds import backgrounds
from flashstream.models.demo.bank import WORLDS, bank
from flashstream.models.demo.card import Figures, Run, card
from flashstream.models.demo.convert import LORA_PREFIX, PROJECTOR_PREFIX, RANK, convert
from flashstream.models.demo.course import Course, Page, examine, loss, packed
from flashstream.models.demo.family import DemoFamily
from flashstream.models.demo.labels import load_labels
from flashstream.models.demo.reference import ReferenceModel
from flashstream.models.demo.streams import Wardrobe
from flashstream.models.family import Progress as Report

SLOW_PARTS = ("kinds", "acting", "order", "down", "up")
FAST_PARTS = ("log_temperature", "scales", "novel")
TRAINED_PARTS = (*SLOW_PARTS, *FAST_PARTS)
"""Of the projector."""
EXAM = range(10_000_000, 10_000_016)
"""Pages that training never reaches."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How long and how fast to learn."""

    steps: int = 1200
    short_share: float = 0.08
    sights_first: float = 0.45
    worlds_then: float = 0.75
    drill: int = 110
    drill_rate: float = 3e-4
    rate: float = 1e-3
    warmup: int = 30
    seed: int = 20260
    threads: int = 2
    checkpoint_every: int = 50

    @property
    def total(self) -> int:
        """Steps in all."""
        return self.steps + self.drill

    def of_world(self, step: int) -> bool:
        """Whether a step before the drill is about a stream of a world, not synthetic sights."""
        if not self.sights_first * self.steps <= step < self.steps:
            return False
        return float(np.random.default_rng([self.seed, step, 2]).random()) < self.worlds_then

    def rate_at(self, step: int) -> float:
        """Linear warm-up, then a cosine down to a twentieth; a line to a tenth in the drill."""
        if step >= self.steps:
            return self.drill_rate * (1 - 0.9 * (step - self.steps) / max(1, self.drill))
        if step < self.warmup:
            return self.rate * (step + 1) / self.warmup
        share = (step - self.warmup) / max(1, self.steps - self.warmup)
        return self.rate * (0.05 + 0.95 * 0.5 * (1 + math.cos(math.pi * share)))


class Trainer:
    """Holds the model, its trainable parts and the optimiser."""

    def __init__(self, plan: Plan, work: Path, console: Console, report: Report) -> None:
        self.plan, self._work, self._console = plan, work, console
        torch.manual_seed(plan.seed)
        torch.set_num_threads(plan.threads)
        base = work / "base"
        shutil.rmtree(base, ignore_errors=True)
        base.mkdir(parents=True)
        convert(base, {}, lambda what, _share: console.log(what))
        self.model = ReferenceModel(base)
        self.model.projector.float()
        self._adapters = lora.adapt(self.model.llm.model.layers, RANK, plan.seed)
        self.model.llm.requires_grad_(False)
        for adapter in self._adapters.values():
            adapter.a.requires_grad_(True)
            adapter.b.requires_grad_(True)
        frames = bank(work / "frames.npy", DemoFamily(), WORLDS, report)
        self.model.projector.reader.load_state_dict(fit(frames).state_dict())
        self.attention = fit_attention(frames, plan.seed)
        nn.init.normal_(self.model.projector.down, std=0.04)
        nn.init.normal_(self.model.projector.order, std=0.05)
        own = dict(self.model.projector.named_parameters())
        slow = [own[name] for name in SLOW_PARTS]
        slow += [p for adapter in self._adapters.values() for p in (adapter.a, adapter.b)]
        fast = [own[name] for name in FAST_PARTS]
        self._trainable = slow + fast
        self._optimizer = torch.optim.AdamW(
            [{"params": slow, "scale": 1.0}, {"params": fast, "scale": 5.0}],
            lr=plan.rate,
            betas=(0.9, 0.98),
            weight_decay=0.0,
        )
        self.step = 0
        self.seconds = 0.0
        projector = self.model.projector
        self.course = Course(
            load_labels(),
            DemoFamily.memory,
            self.attention.semantic(),
            backgrounds(DemoFamily(), plan.seed),
            projector.classifier_weight.detach().numpy(),
            projector.classifier_bias.detach().numpy(),
            Wardrobe(frames),
            plan.seed,
        )

    def begin_from(self, weights: Path) -> None:
        """Take the weights of another run that learned from sights, and go on with worlds (of a
        plan without steps: with the drill alone).

        Raises:
            ValueError: they are not of this model.
        """
        start = matching(weights, self.weights())
        with torch.no_grad():
            for name, adapter in self._adapters.items():
                adapter.a.copy_(start[f"{LORA_PREFIX}{name}.a"])
                adapter.b.copy_(start[f"{LORA_PREFIX}{name}.b"])
            own = self.model.projector.state_dict()
            for name in TRAINED_PARTS:
                own[name].copy_(start[PROJECTOR_PREFIX + name])
        self.step = math.ceil(self.plan.sights_first * self.plan.steps)

    def learn(self) -> float:
        """One step; returns its loss."""
        began = time.monotonic()
        for group in self._optimizer.param_groups:
            group["lr"] = self.plan.rate_at(self.step) * group["scale"]
        out = loss(self.model, packed(self.model, self._page(self.step)))
        self._optimizer.zero_grad(set_to_none=True)
        out.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self._trainable, 1.0)
        self._optimizer.step()
        self.step += 1
        self.seconds += time.monotonic() - began
        return float(out.detach())

    def _page(self, step: int) -> Page:
        if self.plan.of_world(step):
            page = self.course.world(step)
            if any(page.lessons):
                return page
        if step >= self.plan.steps and step % 9:  # one of nine is as before the drill
            page = self.course.drill(step, short=step % 9 > 6)
            if any(page.lessons):
                return page
        return self.course.sights(step, step < self.plan.short_share * self.plan.steps)

    def weights(self) -> dict[str, Tensor]:
        """What `convert` takes, in bf16."""
        own = self.model.projector.state_dict()
        fitted = [name for name in own if name.startswith("reader.")]
        out = {PROJECTOR_PREFIX + name: own[name] for name in (*TRAINED_PARTS, *fitted)}
        for name, adapter in self._adapters.items():
            out[f"{LORA_PREFIX}{name}.a"] = adapter.a.detach()
            out[f"{LORA_PREFIX}{name}.b"] = adapter.b.detach()
        return {name: tensor.to(torch.bfloat16).contiguous() for name, tensor in out.items()}

    def save_checkpoint(self) -> None:
        """Weights, optimiser and step, written aside and renamed."""
        path = self._checkpoint()
        state = {
            "plan": repr(self.plan),
            "step": self.step,
            "seconds": self.seconds,
            "parameters": [p.detach() for p in self._trainable],
            "optimizer": self._optimizer.state_dict(),
        }
        torch.save(state, path.with_suffix(".new"))
        path.with_suffix(".new").replace(path)

    def resume(self) -> None:
        """Go on from the last checkpoint, if it is of the same plan."""
        if not self._checkpoint().exists():
            return
        state = torch.load(self._checkpoint(), weights_only=True)
        if state["plan"] != repr(self.plan):
            return
        with torch.no_grad():
            for parameter, saved in zip(self._trainable, state["parameters"], strict=True):
                parameter.copy_(saved)
        self._optimizer.load_state_dict(state["optimizer"])
        self.step, self.seconds = int(state["step"]), float(state["seconds"])
        self._console.log(f"going on from step {self.step}")

    def exam(self) -> dict[str, Figures]:
        """How much is known of new synthetic memories, and of photographs that were not used."""
        projector = self.model.projector
        classifier = (
            projector.classifier_weight.detach().numpy(),
            projector.classifier_bias.detach().numpy(),
        )
        pages = {
            "sights": [self.course.sights(number, short=False) for number in EXAM],
            "worlds": [self.course.world(number) for number in EXAM],
        }
        for split in ("eval", "demo"):
            pages[f"photographs ({split})"] = photograph_pages(
                DemoFamily(), load_labels(), classifier, split, len(EXAM), self.plan.seed
            )
        return {name: examine(self.model, each) for name, each in pages.items()}

    def forget_checkpoint(self) -> None:
        """The run is complete: the next one starts anew."""
        self._checkpoint().unlink(missing_ok=True)

    def _checkpoint(self) -> Path:
        return self._work / "checkpoint.pt"


def matching(path: Path, like: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors of a file that has the same names and shapes as others have.

    Raises:
        ValueError: it has not.
    """
    found = load_file(path)
    if {name: t.shape for name, t in found.items()} != {name: t.shape for name, t in like.items()}:
        raise ValueError(f"{path} does not hold the trained parts of this model")
    return found


def main(arguments: Sequence[str] | None = None) -> None:
    """Train, show the loss, write the weights and say what the model knows."""
    parser = argparse.ArgumentParser(description=__doc__)
    usual = Plan()
    parser.add_argument("--steps", type=int, default=usual.steps)
    parser.add_argument("--seed", type=int, default=usual.seed)
    parser.add_argument("--out", type=Path, default=files.TRAINED)
    parser.add_argument("--work", type=Path, default=user_cache_path("flashstream") / "demo-train")
    parser.add_argument(
        "--start",
        type=Path,
        help="weights that learned from sights already; with --steps 0, of which all is learned "
        "but the drill",
    )
    parser.add_argument("--fresh", action="store_true", help="ignore an earlier checkpoint")
    options = parser.parse_args(arguments)
    console = Console()
    plan = Plan(steps=options.steps, seed=options.seed)
    trainer = Trainer(plan, options.work, console, lambda what, share: _tell(console, what, share))
    if options.start is not None:
        trainer.begin_from(options.start)
    if not options.fresh:
        trainer.resume()
    _run(trainer, console)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    save_file(trainer.weights(), options.out)
    attention = options.out.with_name(files.ATTENTION.name)
    trainer.attention.save(attention)
    for each in (options.out, attention):
        each.chmod(0o644)  # safetensors makes files that only their owner may read
    console.log(f"wrote {options.out} after {trainer.seconds:.0f} s")
    figures = trainer.exam()
    options.out.with_name("card.md").write_text(
        card(
            figures,
            Run(
                rank=RANK,
                seed=plan.seed,
                steps=trainer.step,
                seconds=round(trainer.seconds),
                threads=plan.threads,
                history=_began(options.start) if options.start else "",
                drawn=(trainer.attention.drawn, trainer.attention.plain),
                rows=BATCH,
            ),
        )
    )
    trainer.forget_checkpoint()
    for name, each in figures.items():
        for kind, (right, asked) in each.items():
            console.log(f"{name}: {kind:>10} {right} of {asked}")


def _began(start: Path) -> str:
    return (
        f"The steps of sights alone are those of earlier weights (sha256 "
        f"{files.digest(start)[:12]}…), which this run began from (`--start`)."
    )


def _tell(console: Console, what: str, share: float) -> None:
    if round(share * WORLDS) % 50 == 0:
        console.log(f"{what}: {share:.0%}")


def _run(trainer: Trainer, console: Console) -> None:
    columns = (*Progress.get_default_columns(), TextColumn("loss {task.fields[loss]:.3f}"))
    recent: list[float] = []
    with Progress(*columns, console=console) as progress:
        task = progress.add_task(
            "training", total=trainer.plan.total, completed=trainer.step, loss=math.nan
        )
        while trainer.step < trainer.plan.total:
            recent = [*recent[-24:], trainer.learn()]
            progress.update(task, completed=trainer.step, loss=float(np.mean(recent)))
            if trainer.step % 25 == 0:
                console.log(f"step {trainer.step} loss {np.mean(recent):.3f}")
            if trainer.step % trainer.plan.checkpoint_every == 0:
                trainer.save_checkpoint()


if __name__ == "__main__":
    main()
