"""Abstract memory: rows that follow the stream by semantic attention (arXiv 2406.08085, §3.2)."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file

from flashstream.errors import SettingError


class SemanticAttention:
    """Scores of memory rows against a frame: q·k/√d with q = W_q·m and k = W_k·f.

    query, key: float32[d, D], trained with the model; without them both are the identity, so
    that a frame is drawn to the rows it resembles.
    """

    def __init__(
        self, query: NDArray[np.float32] | None = None, key: NDArray[np.float32] | None = None
    ) -> None:
        if (query is None) != (key is None):
            raise SettingError("semantic attention takes both a query and a key matrix, or neither")
        if query is not None and key is not None and (query.ndim != 2 or query.shape != key.shape):
            raise SettingError(
                "semantic attention's query and key have to be matrices of one shape [d, D]; "
                f"got {query.shape} and {key.shape}"
            )
        for name, matrix in (("query", query), ("key", key)):
            if matrix is not None and not np.isfinite(matrix).all():
                raise SettingError(f"semantic attention's {name} matrix has NaN or infinity in it")
        self.query, self.key = query, key

    @classmethod
    def load(cls, path: Path) -> "SemanticAttention":
        """Read a safetensors file with "query" and "key", each [d, D].

        Raises SettingError if the file cannot be read or lacks one of them.
        """
        try:
            tensors = load_file(path)
            return cls(tensors["query"].astype(np.float32), tensors["key"].astype(np.float32))
        except (OSError, SafetensorError) as error:
            raise SettingError(f"attention weights {path} cannot be read: {error}") from error
        except KeyError as error:
            raise SettingError(f"attention weights {path} have no tensor {error}") from error

    def check(self, channels: int) -> None:
        """Raise SettingError unless the matrices take features of that many channels."""
        if self.query is not None and self.query.shape[1] != channels:
            raise SettingError(
                f"semantic attention takes {self.query.shape[1]} channels; features have {channels}"
            )

    def scores(
        self, memory: NDArray[np.float32], frame: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """memory float32[A, D], frame float32[D] → float32[A]."""
        width = frame.shape[0]
        asked = frame
        if self.query is not None and self.key is not None:
            width = self.key.shape[0]
            asked = np.einsum("ed,e->d", self.query, np.einsum("ed,d->e", self.key, frame))
        # einsum, not BLAS: its sums do not depend on the number of threads.
        scores: NDArray[np.float32] = np.einsum("ad,d->a", memory, asked)
        return scores / np.float32(np.sqrt(width))


class AbstractMemory:
    """Up to A rows of D channels; the first A frames fill them, each later one updates them.

    M ← M·(1 − a) + a·f with a = rate·softmax(scores) over the rows, so a frame takes the share
    `rate` of the memory in all.
    """

    def __init__(self, rows: int, channels: int, rate: float, attention: SemanticAttention) -> None:
        attention.check(channels)
        self._rows = np.zeros((rows, channels), np.float32)
        self._used = 0
        self._rate = np.float32(rate)
        self._attention = attention

    @property
    def rows(self) -> NDArray[np.float32]:
        """float32[A', D], A' ≤ A: a view, valid until the next frame."""
        return self._rows[: self._used]

    def observe(self, frame: NDArray[np.float32]) -> None:
        """Take in the mean of a frame's patches, float32[D]."""
        if self._used < len(self._rows):
            self._rows[self._used] = frame
            self._used += 1
            return
        scores = self._attention.scores(self._rows, frame)
        likeness = np.exp(scores - scores.max())
        share = (self._rate * likeness / likeness.sum())[:, np.newaxis]
        self._rows *= 1 - share
        self._rows += share * frame

    def restore(self, rows: NDArray[np.float32]) -> None:
        """Become the rows given."""
        self._used = len(rows)
        self._rows[: self._used] = rows

    def nbytes(self) -> int:
        return self._rows.nbytes
