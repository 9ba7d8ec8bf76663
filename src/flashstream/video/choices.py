"""What settings may choose of a source; apart, so that reading settings loads no codec."""

from typing import Literal

DecoderName = Literal["auto", "software", "cuda"]
"""Software, or an NVIDIA GPU's video engine; auto: the GPU if it opens (see `Decoder`)."""

DecodeName = Literal["auto", "all"]
"""Which pictures are decoded: those that the wanted ones need, or all that others may need."""
