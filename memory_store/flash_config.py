"""Sizes of Flash memory."""

from pydantic import Field

from flashstream.memory_store.positions import TimelineName
from flashstream.memory_store.slot_config import SlotConfig


class FlashConfig(SlotConfig):
    """Sizes of Flash memory's parts; the defaults are the published ones (arXiv 2506.23825 §3.3).

    A grid of g means g×g tokens a step of two frames. The defaults give `tokens` = 11,520.
    """

    csm_slots: int = Field(60, ge=1, le=1024, description="centroids of the whole history")
    csm_grid: int = Field(8, ge=1, le=64, description="tokens on a side of a low-resolution step")
    dam_slots: int = Field(30, ge=0, le=1024, description="slots shown at full resolution")
    dam_grid: int = Field(16, ge=1, le=64, description="tokens on a side of a full step")
    timeline: TimelineName = Field("compact", description="how times become temporal positions")
    position_s: float = Field(2.0, gt=0, description="seconds of one temporal position")
    max_positions: int = Field(8192, ge=1, description="temporal positions a model was trained on")

    @property
    def tokens(self) -> int:
        """Rows of a snapshot once every part is full."""
        detailed = min(self.dam_slots, self.csm_slots)
        return detailed * self.dam_grid**2 + self.csm_slots * self.csm_grid**2

    def geometry(self) -> dict[str, int]:
        """The sizes that stored records depend on; a memory opens only under equal ones.

        All else may change between runs.
        """
        return {
            "temporal_slots": self.csm_slots,
            "temporal_grid": self.csm_grid,
            "retrieved_grid": self.dam_grid,
        }
