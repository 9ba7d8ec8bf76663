"""Fits the `ActorReader` to frames of train worlds: linear discriminants, and how sure it may be.

Discriminants make small what differs between drawings of one thing by different hands, as seen of
all the things of train worlds; the prototypes are of the names that other worlds know, too.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from flashstream.evals.world.names import NAMES
from flashstream.models.demo.bank import Bank, Sighting
from flashstream.models.demo.pack import GRID
from flashstream.models.demo.reader import CUES, DIMENSIONS, WINDOWS, ActorReader, cues

Floats = NDArray[np.float32]

_SHRINK = 0.3
_CLEARLY = 0.7  # share of an actor in the picture
_TRACE = 0.1
# Log odds of the first and of what is beside it: a name that nobody saw misleads more than one
# that is missed, and a camera that is not held still changes a scene a little, too.
_CAUTION = (2.0, 0.5)
_CHANGE_COUNTS = 0.1  # a window's log change, beside its cosine, in being the likeliest
_SLACK = 0.05  # windows this much worse in overlap than the best are taken as well


@dataclass(frozen=True, slots=True)
class _Samples:
    """Windows on actors: differences [N, D], the thing's number and the drawing's of each; names:
    of the drawings."""

    seen: Floats
    things: NDArray[np.intp]
    drawings: NDArray[np.intp]
    names: tuple[str, ...]


def fit(bank: Bank) -> ActorReader:
    """The reader of a bank's frames; the same bank makes the same reader."""
    things = [name.word for name in NAMES]
    things += sorted({s.name for seen in bank.sightings for s in seen} - set(things))
    samples = _samples(bank, things)
    weight, bias = _discriminants(samples)
    reader = ActorReader(samples.seen.shape[1], DIMENSIONS, len(NAMES))
    drawn = _prototypes(_means(samples.seen @ weight.T + bias, samples), bank)
    with torch.no_grad():
        reader.weight.copy_(torch.from_numpy(weight))
        reader.bias.copy_(torch.from_numpy(bias))
        for number, name in enumerate(NAMES):
            if name.word not in drawn:
                raise ValueError(f"no frame shows {name.word} clearly; render more worlds")
            mean = np.mean(list(drawn[name.word].values()), axis=0)
            reader.prototypes[number] = torch.from_numpy(mean)
        reader.presence.copy_(_presence(reader, bank, drawn))
    return reader


def _samples(bank: Bank, things: Sequence[str]) -> _Samples:
    """Of each frame with one thing that is clearly there, the windows that fit it best."""
    number = {thing: k for k, thing in enumerate(things)}
    drawings: dict[str, int] = {}
    seen: list[Floats] = []
    who: list[int] = []
    drawn: list[int] = []
    masks = ActorReader(1, 1, 1).masks.numpy()
    for frame, sightings in enumerate(bank.sightings):
        if len(sightings) != 1 or sightings[0].share < _CLEARLY:
            continue
        (one,) = sightings
        fits = [_overlap(one, left, right) for _, _, left, right in WINDOWS]
        good = [k for k, fit in enumerate(fits) if fit > max(fits) - _SLACK]
        seen.append(masks[good] @ bank.difference(frame))
        who += [number[one.name]] * len(good)
        drawn += [drawings.setdefault(one.picture, len(drawings))] * len(good)
    return _Samples(np.concatenate(seen), np.array(who), np.array(drawn), tuple(drawings))


def _overlap(one: Sighting, left: int, right: int) -> float:
    """Of an actor's columns and a window's: what both have over what either has."""
    start = max(0.0, (one.x - one.half_width) * GRID)
    end = min(float(GRID), (one.x + one.half_width) * GRID)
    common = max(0.0, min(end, right) - max(start, left))
    return common / (max(end, right) - min(start, left))


def _discriminants(samples: _Samples) -> tuple[Floats, Floats]:
    """(weight [DIMENSIONS, D], bias [DIMENSIONS]): principal components, then whitened within
    things."""
    mean, scale = samples.seen.mean(0), samples.seen.std(0) + np.float32(1e-3)
    scaled = (samples.seen - mean) / scale
    _, vectors = np.linalg.eigh(scaled.T @ scaled / np.float32(len(scaled)))
    directions = vectors[:, ::-1][:, :DIMENSIONS]
    within = scaled @ directions
    for thing in np.unique(samples.things):
        within[samples.things == thing] -= within[samples.things == thing].mean(0)
    scatter = (within.T @ within / len(within)).astype(np.float64)
    scatter += np.eye(DIMENSIONS) * np.trace(scatter) / DIMENSIONS * _SHRINK
    values, vectors = np.linalg.eigh(scatter)
    weight = ((directions @ (vectors / np.sqrt(values))) / scale[:, np.newaxis]).T
    return weight.astype(np.float32), (-(weight @ mean)).astype(np.float32)


def _means(mapped: Floats, samples: _Samples) -> dict[str, Floats]:
    """Of each drawing, the mean of its windows [DIMENSIONS]."""
    return {
        drawing: mapped[samples.drawings == number].mean(0)
        for number, drawing in enumerate(samples.names)
    }


def _prototypes(means: Mapping[str, Floats], bank: Bank) -> dict[str, dict[str, Floats]]:
    """Of each thing, its drawings' means."""
    out: dict[str, dict[str, Floats]] = {}
    for seen in bank.sightings:
        for one in seen:
            if one.picture in means:
                out.setdefault(one.name, {})[one.picture] = means[one.picture]
    return out


def _presence(reader: ActorReader, bank: Bank, drawn: Mapping[str, Mapping[str, Floats]]) -> Tensor:
    """[2, CUES]: logistic regressions, of whether something is there, and something beside it.

    Nothing is there in empty frames, nor where the whole scene has become another. What is there
    is compared with the other drawings of its thing, as a drawing never seen would be.
    """
    there: list[tuple[Tensor, bool]] = []
    beside: list[tuple[Tensor, bool]] = []
    worlds = sorted(set(bank.worlds))
    owners = np.array(bank.worlds)
    for at, world in enumerate(worlds):
        frames = np.flatnonzero(owners == world).tolist()
        views = torch.from_numpy(bank.features[frames].astype(np.float32)).flatten(1, 2)
        looks = reader.look(views, torch.from_numpy(bank.background(world)))
        for row, frame in enumerate(frames):
            seen = [s for s in bank.sightings[frame] if s.share > _TRACE]
            if any(s.share < _CLEARLY or len(drawn.get(s.name, ())) < 2 for s in seen):
                continue
            names = _strangers(reader.prototypes, seen, drawn)
            first, second = _cues(reader, tuple(each[row] for each in looks), names)
            there.append((first, bool(seen)))
            if seen:
                beside.append((second, len(seen) > 1))
        if at % 3 == 0:
            other = torch.from_numpy(bank.background(worlds[(at + 1) % len(worlds)]))
            looks = reader.look(views, other)
            for row in range(len(frames)):
                one = tuple(each[row] for each in looks)
                there.append((_cues(reader, one, reader.prototypes)[0], False))
    presence = torch.stack([_logistic(there), _logistic(beside)])
    presence[:, -1] -= torch.tensor(_CAUTION)
    return presence


def _strangers(
    prototypes: Tensor, seen: Sequence[Sighting], drawn: Mapping[str, Mapping[str, Floats]]
) -> Tensor:
    """The prototypes, those of what is seen made of other drawings than the ones in the frame."""
    known = {name.word: number for number, name in enumerate(NAMES)}
    out = [prototypes]
    for one in seen:
        others = [mean for picture, mean in drawn[one.name].items() if picture != one.picture]
        made = torch.from_numpy(np.mean(others, axis=0))
        if one.name in known:
            out[0] = out[0].clone()
            out[0][known[one.name]] = made
        else:
            out.append(made[None])
    return torch.cat(out)


def _cues(
    reader: ActorReader, look: tuple[Tensor, ...], prototypes: Tensor
) -> tuple[Tensor, Tensor]:
    """Cues [CUES] of the likeliest window of a frame, and of the likeliest beside it."""
    seen, change, still = look
    best, who = (seen @ F.normalize(prototypes, dim=-1).T).max(-1)
    found = cues(best, change, still)
    score = best + _CHANGE_COUNTS * found[:, 1]
    place = int(score.argmax())
    elsewhere = reader.apart[place] & (who != who[place])
    beside = int(score.masked_fill(~elsewhere, -100.0).argmax())
    return found[place], found[beside]


def _logistic(cases: Sequence[tuple[Tensor, bool]]) -> Tensor:
    """[CUES], both classes weighing the same."""
    x = torch.stack([each for each, _ in cases]).double()
    y = torch.tensor([float(true) for _, true in cases], dtype=torch.float64)
    share = y.mean().clamp(1e-3, 1 - 1e-3)
    weight = torch.where(y > 0.5, 0.5 / share, 0.5 / (1 - share))
    mean, scale = x.mean(0), x.std(0) + 1e-6
    mean[-1], scale[-1] = 0.0, 1.0
    z = (x - mean) / scale
    beta = torch.zeros(CUES, dtype=torch.float64)
    for _ in range(50):  # Newton's steps; the ridge keeps them bounded if the classes part
        p = torch.sigmoid(z @ beta)
        slope = z.T @ (weight * (p - y)) / len(y) + 1e-3 * beta
        curve = (z.T * (weight * p * (1 - p))) @ z / len(y) + 1e-3 * torch.eye(CUES).double()
        beta = beta - torch.linalg.solve(curve, slope)
    out = beta / scale
    out[-1] = beta[-1] - (beta[:-1] * mean[:-1] / scale[:-1]).sum()
    return out.float()
