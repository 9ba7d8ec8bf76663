"""What a memory item has to look like before it may reach the language model.

A tensor of the wrong shape inside the engine would end the whole engine, with all answers under
way; so every item is checked at the door, where a refusal costs one question.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import torch

from flashstream.models.family import hf_projector_options


def projector_class(options: Mapping[str, Any]) -> type[torch.nn.Module]:
    """The class that "class": "module:Class" names.

    It is constructed as `Class(options, hidden_size)`; its
    `forward(features float32[N, D], meta int64[R, C])` gives [M, hidden_size]. A static method
    `tokens(meta) -> int`, if it has one, says M beforehand, so that a wrong count is refused.
    Raises ValueError if there is no such class.
    """
    path = str(options.get("class", ""))
    module, colon, name = path.partition(":")
    if not colon:
        raise ValueError(f"memory_projector.class is {path!r}; accepted: 'module:Class'")
    found = getattr(import_module(module), name, None)
    if not isinstance(found, type) or not issubclass(found, torch.nn.Module):
        raise ValueError(f"memory_projector.class {path!r} names no torch.nn.Module")
    return found


@dataclass(frozen=True, slots=True)
class ItemLimits:
    """What a checkpoint's projector accepts.

    channels: D, width of a feature row. columns: C, width of a meta row, or None if the family
    does not say. max_tokens: the most LLM tokens one item may become. tokens: M as a function of
    meta, if the projector tells it.
    """

    channels: int
    columns: int | None
    max_tokens: int
    tokens: Callable[[torch.Tensor], int] | None = None

    @classmethod
    def from_config(cls, config: Any) -> "ItemLimits":
        """Read the limits out of a Hugging Face config; ValueError if one is missing."""
        options = hf_projector_options(config)
        most = getattr(config, "memory_max_tokens", None)
        if "channels" not in options or most is None:
            raise ValueError("config.json lacks memory_projector.channels or memory_max_tokens")
        return cls(
            int(options["channels"]),
            options.get("columns"),
            int(most),
            getattr(projector_class(options), "tokens", None),
        )

    def check(self, item: object) -> None:
        """Raise ValueError saying what is wrong with the item and what is accepted.

        Accepted: {"features": float16 or float32 [N, D], finite; "meta": int64 [R, C];
        "tokens": int, 1 to max_tokens}, N and R at least 1.
        """
        if not isinstance(item, Mapping) or set(item) != {"features", "meta", "tokens"}:
            keys = sorted(map(str, item)) if isinstance(item, Mapping) else type(item).__name__
            raise ValueError(f"a memory item has features, meta and tokens, not {keys}")
        features, meta, tokens = item["features"], item["meta"], item["tokens"]
        _matrix("features", features, self.channels, (torch.float16, torch.float32))
        _matrix("meta", meta, self.columns, (torch.int64,))
        if not bool(torch.isfinite(features).all()):
            raise ValueError("memory features hold NaN or infinity; accepted: finite numbers")
        if not isinstance(tokens, int) or not 1 <= tokens <= self.max_tokens:
            raise ValueError(f"memory of {tokens} tokens; accepted: 1 to {self.max_tokens}")
        if self.tokens is not None and (made := self.tokens(meta)) != tokens:
            raise ValueError(f"memory says {tokens} tokens, but the projector makes {made} of it")


def _matrix(name: str, value: object, width: int | None, kinds: tuple[torch.dtype, ...]) -> None:
    named = " or ".join(str(kind).removeprefix("torch.") for kind in kinds)
    accepted = f"{named} [≥ 1, {'≥ 1' if width is None else width}]"
    if not isinstance(value, torch.Tensor):
        raise ValueError(f"memory {name} is a {type(value).__name__}; accepted: {accepted}")
    fits = value.ndim == 2 and value.numel() > 0 and width in (None, value.shape[1])
    if not fits or value.dtype not in kinds:
        kind = str(value.dtype).removeprefix("torch.")
        raise ValueError(f"memory {name} is {kind} {list(value.shape)}; accepted: {accepted}")
