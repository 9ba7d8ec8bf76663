"""The memories of S streams as tensors: K slots of W numbers each."""

from dataclasses import dataclass, fields

import torch

from flashstream.kernels.checks import check, check_range


@dataclass(frozen=True, slots=True)
class WardState:
    """S memories at once, changed in place by `ward_update`; all contiguous, on one device.

    centroids: float32[S, K, W]; rows from `used` on hold nothing.
    carries: int16[S, K, W], what rounding took from the centroids, in units of 2⁻¹⁵ of their last
        bit, as in `flashstream.memory_store.means`. Without it a slot of 10⁷ frames would stand
        still, as a frame's share is below a float32's last bit.
    weights: int64[S, K], frames in each slot.
    first_s, mean_s, last_s: float64[S, K], seconds.
    squared: float32[S, K, K], squared distances; infinite on the diagonal and at free rows.
    used: int32[S], rows taken, from the first.
    arrivals: int32[S, 2], zeros between calls: which program comes last is counted in it.
    """

    centroids: torch.Tensor
    carries: torch.Tensor
    weights: torch.Tensor
    first_s: torch.Tensor
    mean_s: torch.Tensor
    last_s: torch.Tensor
    squared: torch.Tensor
    used: torch.Tensor
    arrivals: torch.Tensor

    @classmethod
    def empty(
        cls, streams: int, slots: int, width: int, device: torch.device | str = "cpu"
    ) -> "WardState":
        """Memories that have seen nothing. Raises MemoryShapeError for a size below 1."""
        for name, size in (("streams", streams), ("slots", slots), ("width", width)):
            check_range(name, size, 1, 2**31 - 1)

        def zeros(*shape: int, dtype: torch.dtype) -> torch.Tensor:
            return torch.zeros(shape, dtype=dtype, device=device)

        return cls(
            centroids=zeros(streams, slots, width, dtype=torch.float32),
            carries=zeros(streams, slots, width, dtype=torch.int16),
            weights=zeros(streams, slots, dtype=torch.int64),
            first_s=zeros(streams, slots, dtype=torch.float64),
            mean_s=zeros(streams, slots, dtype=torch.float64),
            last_s=zeros(streams, slots, dtype=torch.float64),
            squared=zeros(streams, slots, slots, dtype=torch.float32).fill_(torch.inf),
            used=zeros(streams, dtype=torch.int32),
            arrivals=zeros(streams, 2, dtype=torch.int32),
        )

    def clone(self) -> "WardState":
        """The same memories in tensors of their own."""
        return WardState(*(getattr(self, field.name).clone() for field in fields(self)))

    def check(self) -> None:
        """Refuse a tensor of another type, shape or device. Raises MemoryShapeError."""
        check("centroids", self.centroids, dtypes=(torch.float32,), shape=("S", "K", "W"))
        streams, slots, width = self.centroids.shape
        for name, dtype, shape in (
            ("centroids", torch.float32, (streams, slots, width)),
            ("carries", torch.int16, (streams, slots, width)),
            ("weights", torch.int64, (streams, slots)),
            ("first_s", torch.float64, (streams, slots)),
            ("mean_s", torch.float64, (streams, slots)),
            ("last_s", torch.float64, (streams, slots)),
            ("squared", torch.float32, (streams, slots, slots)),
            ("used", torch.int32, (streams,)),
            ("arrivals", torch.int32, (streams, 2)),
        ):
            check(
                name,
                getattr(self, name),
                dtypes=(dtype,),
                shape=shape,
                device=self.centroids.device,
                contiguous=True,
            )


@dataclass(frozen=True, slots=True)
class WardStep:
    """What one frame did to each of S memories, as `flashstream.memory_store.ward.Step` says it.

    home: int32[S], row that the frame is in now; -1 if the frame was refused.
    merged: int32[S], row whose centroid became the mean of two points; -1 if a free row was taken.
    pair: int32[S, 2], the two points that merged, lower first, where K is the frame; -1 if none.
    """

    home: torch.Tensor
    merged: torch.Tensor
    pair: torch.Tensor

    @classmethod
    def empty(cls, streams: int, device: torch.device) -> "WardStep":
        """Memory to be written to, its values undefined."""
        return cls(
            home=torch.empty(streams, dtype=torch.int32, device=device),
            merged=torch.empty(streams, dtype=torch.int32, device=device),
            pair=torch.empty((streams, 2), dtype=torch.int32, device=device),
        )
