"""A world watched and asked about through the running platform, against the same in one process."""
