"""The stream world: long camera streams, made from a seed, of which everything is known.

See docs/world.md.
"""
