"""flashstream: ask questions, in words, of live cameras, about now and about any moment before."""

from importlib.metadata import version

__version__ = version("flashstream")
