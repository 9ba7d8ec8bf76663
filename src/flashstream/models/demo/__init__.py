"""The family `demo`: EfficientNet-Lite0, a projector anchored in its labels, SmolLM2-135M."""
