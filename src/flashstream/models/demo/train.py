"""Trains the demo model: `python -m flashstream.models.demo.train` (`make train-demo`).

The language model stays frozen but for LoRA on its linear layers; of the projector, temperatures,
scales, kind embeddings and a low-rank residual are trained. Everything follows from the seed. A
run that was stopped goes on from its last checkpoint (`--fresh` starts again).
"""

import argparse
import math
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from platformdirs import user_cache_path
from rich.console import Console
from rich.progress import Progress, TextColumn
from safetensors.torch import save_file
from torch import Tensor, nn

from flashstream.evals.questions import photograph_pages
from flashstream.models.demo import files, lora
from flashstream.models.demo.backgrounds import backgrounds
from flashstream.models.demo.card import Figures, card
from flashstream.models.demo.convert import LORA_PREFIX, PROJECTOR_PREFIX, RANK, convert
from flashstream.models.demo.course import Course, examine, loss, packed
from flashstream.models.demo.family import DemoFamily
from flashstream.models.demo.labels import load_labels
from flashstream.models.demo.reference import ReferenceModel

TRAINED_PARTS = ("log_temperature", "scales", "kinds", "order", "down", "up")
EXAM = range(10_000_000, 10_000_016)
"""Pages that training never reaches."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How long and how fast to learn."""

    steps: int = 700
    short_share: float = 0.15
    rate: float = 1e-3
    warmup: int = 30
    seed: int = 20260
    threads: int = 2
    checkpoint_every: int = 50

    def rate_at(self, step: int) -> float:
        """Linear warm-up, then a cosine down to a twentieth."""
        if step < self.warmup:
            return self.rate * (step + 1) / self.warmup
        share = (step - self.warmup) / max(1, self.steps - self.warmup)
        return self.rate * (0.05 + 0.95 * 0.5 * (1 + math.cos(math.pi * share)))


class Trainer:
    """Holds the model, its trainable parts and the optimiser."""

    def __init__(self, plan: Plan, work: Path, console: Console) -> None:
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
        nn.init.normal_(self.model.projector.down, std=0.04)
        nn.init.normal_(self.model.projector.order, std=0.05)
        own = dict(self.model.projector.named_parameters())
        slow = [own[name] for name in ("kinds", "order", "down", "up")]
        slow += [p for adapter in self._adapters.values() for p in (adapter.a, adapter.b)]
        fast = [own[name] for name in ("log_temperature", "scales")]
        self._trainable = slow + fast
        self._optimizer = torch.optim.AdamW(
            [{"params": slow, "scale": 1.0}, {"params": fast, "scale": 5.0}],
            lr=plan.rate,
            betas=(0.9, 0.98),
            weight_decay=0.0,
        )
        self.step = 0
        projector = self.model.projector
        self.course = Course(
            load_labels(),
            DemoFamily.memory,
            backgrounds(DemoFamily(), plan.seed),
            projector.classifier_weight.detach().numpy(),
            projector.classifier_bias.detach().numpy(),
            plan.seed,
        )

    def learn(self) -> float:
        """One step; returns its loss."""
        for group in self._optimizer.param_groups:
            group["lr"] = self.plan.rate_at(self.step) * group["scale"]
        short = self.step < self.plan.short_share * self.plan.steps
        out = loss(self.model, packed(self.model, self.course.page(self.step, short)))
        self._optimizer.zero_grad(set_to_none=True)
        out.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self._trainable, 1.0)
        self._optimizer.step()
        self.step += 1
        return float(out.detach())

    def weights(self) -> dict[str, Tensor]:
        """What `convert` takes, in bf16."""
        own = self.model.projector.state_dict()
        out = {PROJECTOR_PREFIX + name: own[name] for name in TRAINED_PARTS}
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
        self.step = int(state["step"])
        self._console.log(f"going on from step {self.step}")

    def exam(self) -> dict[str, Figures]:
        """How much is known of new synthetic memories, and of photographs that were not used."""
        projector = self.model.projector
        classifier = (
            projector.classifier_weight.detach().numpy(),
            projector.classifier_bias.detach().numpy(),
        )
        pages = {"synthetic": [self.course.page(number, short=False) for number in EXAM]}
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


def main(arguments: Sequence[str] | None = None) -> None:
    """Train, show the loss, write the weights and say what the model knows."""
    parser = argparse.ArgumentParser(description=__doc__)
    usual = Plan()
    parser.add_argument("--steps", type=int, default=usual.steps)
    parser.add_argument("--seed", type=int, default=usual.seed)
    parser.add_argument("--out", type=Path, default=files.TRAINED)
    parser.add_argument("--work", type=Path, default=user_cache_path("flashstream") / "demo-train")
    parser.add_argument("--fresh", action="store_true", help="ignore an earlier checkpoint")
    options = parser.parse_args(arguments)
    console = Console()
    started = time.monotonic()
    trainer = Trainer(Plan(steps=options.steps, seed=options.seed), options.work, console)
    if not options.fresh:
        trainer.resume()
    _run(trainer, console)
    seconds = round(time.monotonic() - started)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    save_file(trainer.weights(), options.out)
    options.out.chmod(0o644)
    console.log(f"wrote {options.out} after {seconds} s")
    figures = trainer.exam()
    options.out.with_name("card.md").write_text(
        card(
            figures,
            rank=RANK,
            seed=trainer.plan.seed,
            steps=trainer.plan.steps,
            seconds=seconds,
            threads=trainer.plan.threads,
        )
    )
    trainer.forget_checkpoint()
    for name, each in figures.items():
        for kind, (right, asked) in each.items():
            console.log(f"{name}: {kind:>10} {right} of {asked}")


def _run(trainer: Trainer, console: Console) -> None:
    columns = (*Progress.get_default_columns(), TextColumn("loss {task.fields[loss]:.3f}"))
    recent: list[float] = []
    with Progress(*columns, console=console) as progress:
        task = progress.add_task(
            "training", total=trainer.plan.steps, completed=trainer.step, loss=math.nan
        )
        while trainer.step < trainer.plan.steps:
            recent = [*recent[-24:], trainer.learn()]
            progress.update(task, completed=trainer.step, loss=float(np.mean(recent)))
            if trainer.step % 25 == 0:
                console.log(f"step {trainer.step} loss {np.mean(recent):.3f}")
            if trainer.step % trainer.plan.checkpoint_every == 0:
                trainer.save_checkpoint()


if __name__ == "__main__":
    main()
