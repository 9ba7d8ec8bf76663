"""All memories through all worlds, several worlds at once."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

from flashstream.evals.world.exam.policies import Sitting, made
from flashstream.evals.world.exam.sights import sights
from flashstream.evals.world.exam.watch import watch
from flashstream.evals.world.exam.worlds import Paper, label
from flashstream.evals.world.world import World, WorldSpec
from flashstream.memory_store.snapshot import MemorySnapshot
from flashstream.models.family import ModelFamily, Progress

Snapshots = dict[float, dict[str, MemorySnapshot]]
"""By moment (seconds since the world's start) and policy."""


@dataclass(frozen=True, slots=True)
class Task:
    """One world. moments: when snapshots are taken; policies: whose; device: the encoder's."""

    spec: WorldSpec
    moments: tuple[float, ...]
    policies: tuple[str, ...]
    family: ModelFamily
    device: str
    features: Path | None
    seed: int


def sit(task: Task) -> Snapshots:
    """Show a world to all policies at once; see `watch`."""
    world, family = World(task.spec), task.family
    asked_at = tuple(int(moment * task.spec.fps + 0.5) + 1 for moment in task.moments)
    at = Sitting(label(world), asked_at, task.seed)
    policies = {name: made(name, family, at) for name in task.policies}
    seen = sights(world, family, lambda: family.encoder(task.device), task.features)
    return dict(watch(seen, task.moments, policies, world.start.timestamp()))


def sit_all(
    paper: Paper,
    policies: Sequence[str],
    family: ModelFamily,
    report: Progress,
    *,
    device: str,
    workers: int,
    features: Path | None = None,
    seed: int = 0,
) -> list[Snapshots]:
    """What each policy remembers at each moment of each world, in the order of worlds.

    workers: processes, each with one thread; with one, the work is done here.
    """
    tasks = {
        number: Task(
            world.spec,
            paper.moments(number),
            tuple(policies),
            family,
            device,
            features,
            seed,
        )
        for number, world in enumerate(paper.worlds)
        if paper.moments(number)
    }
    # The longest first, so that no process is left with it when the others are done.
    order = sorted(tasks, key=lambda number: -len(paper.worlds[number]))
    total = sum(len(paper.worlds[number]) for number in order)
    step, done = f"watching {len(order)} worlds, {total} frames", 0
    found: list[Snapshots] = [{} for _ in paper.worlds]
    report(step, 0.0)
    for number, snapshots in _run([(number, tasks[number]) for number in order], workers):
        found[number] = snapshots
        done += len(paper.worlds[number])
        report(step, done / total)
    return found


def _run(
    tasks: Sequence[tuple[int, Task]], workers: int, work: Callable[[Task], Snapshots] = sit
) -> Iterator[tuple[int, Snapshots]]:
    if workers == 1:
        for number, task in tasks:
            yield number, work(task)
        return
    context = get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context, initializer=_one_thread) as pool:
        futures = {pool.submit(work, task): number for number, task in tasks}
        for future in as_completed(futures):
            yield futures.pop(future), future.result()


def _one_thread() -> None:
    """As many processes as cores: threads of theirs would only wait for each other."""
    import torch
    from threadpoolctl import threadpool_limits

    torch.set_num_threads(1)
    threadpool_limits(1)
