"""What the memory is measured against: our own code of what the papers describe.

Streaming k-means (arXiv 2406.08085 §3.2 and 2506.23825 §3.3, with the procedure of the published
code), first-in-first-out and uniform sampling, and clustering of the whole history at once.
"""

from flashstream.evals.baselines.offline import OfflineKMeans
from flashstream.evals.baselines.sampling import FifoWindow, UniformSampling
from flashstream.evals.baselines.streaming import StreamingKMeans

__all__ = ["FifoWindow", "OfflineKMeans", "StreamingKMeans", "UniformSampling"]
