"""The exam of `flashstream eval world`: questions about stream worlds, asked of several memories."""
