"""Published benchmarks: video question answering data sets in their own formats, to a score."""
