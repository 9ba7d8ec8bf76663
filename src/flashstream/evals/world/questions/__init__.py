"""Questions about worlds, with true answers and the scoring of free text against them."""
