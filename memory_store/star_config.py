"""Sizes of STAR memory."""

from pydantic import Field

from flashstream.memory_store.slot_config import SlotConfig


class StarConfig(SlotConfig):
    """Sizes of STAR memory's parts; the defaults are the published ones (arXiv 2406.08085).

    A grid of g means g×g patches a frame, made by average pooling of the encoder's G×G; every grid
    has to divide G. The defaults give `tokens` = 681.
    """

    spatial_frames: int = Field(1, ge=1, le=64, description="newest frames, first in first out")
    spatial_grid: int = Field(8, ge=1, le=64, description="patches on a side of a spatial frame")
    temporal_slots: int = Field(25, ge=1, le=1024, description="centroids of the whole history")
    temporal_grid: int = Field(4, ge=1, le=64, description="patches on a side of a centroid")
    abstract_slots: int = Field(25, ge=1, le=1024, description="rows under semantic attention")
    abstract_rate: float = Field(0.2, gt=0, le=1, description="share a frame takes in all rows")
    retrieved_slots: int = Field(3, ge=0, le=1024, description="slots shown in detail")
    retrieved_grid: int = Field(8, ge=1, le=64, description="patches on a side of a kept frame")

    @property
    def tokens(self) -> int:
        """Rows of a snapshot once every part is full."""
        return (
            self.abstract_slots
            + self.temporal_slots * self.temporal_grid**2
            + min(self.retrieved_slots, self.temporal_slots) * self.retrieved_grid**2
            + self.spatial_frames * self.spatial_grid**2
        )

    def geometry(self) -> dict[str, int]:
        """The sizes that stored records depend on; a memory opens only under equal ones.

        All else may change between runs.
        """
        return {
            "spatial_frames": self.spatial_frames,
            "spatial_grid": self.spatial_grid,
            "temporal_slots": self.temporal_slots,
            "temporal_grid": self.temporal_grid,
            "abstract_slots": self.abstract_slots,
            "retrieved_grid": self.retrieved_grid,
        }
