"""What both kinds of memory let be chosen about their slots."""

from pydantic import BaseModel, ConfigDict, Field

from flashstream.memory_store.detail import DetailName
from flashstream.memory_store.weighing import Weighing


class SlotConfig(BaseModel):
    """How frames count and what is kept of them; all of it may change between runs.

    `docs/memory.md` says what the defaults come from. The papers' own are detail "heaviest",
    foresight 1 and no saturation.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    candidates: int = Field(2, ge=1, le=16, description="frames kept for each temporal slot")
    thumbnail_bytes: int = Field(65_536, ge=0, description="largest thumbnail taken")
    detail: DetailName = Field("balanced", description="which slots are shown in detail")
    temper: float = Field(1.0, ge=0, le=1, description="β: a weight w counts as w^β in the cost")
    foresight: float = Field(32.0, ge=1, le=1e9, description="frames that the newest counts as")
    saturation: float = Field(
        64.0,
        ge=1,
        allow_inf_nan=True,
        description="frames a slot counts as at most; .inf: no limit",
    )

    @property
    def weighing(self) -> Weighing:
        """How frames count in the Ward cost."""
        return Weighing(self.temper, self.foresight, self.saturation)
