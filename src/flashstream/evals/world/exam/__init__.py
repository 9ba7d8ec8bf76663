"""The exam of `flashstream eval world`: questions about worlds, asked of several memories."""
