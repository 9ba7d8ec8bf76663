"""The same network in fewer passes over memory.

A batch norm at inference is an affine map of each channel, so it is folded into the convolution
before it; a padding that is equal on all sides is the convolution's own; activations are made in
place; and channels lie side by side, as the convolution's kernels want them.
"""

from itertools import pairwise

import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval


def folded(network: nn.Module) -> nn.Module:
    """The network itself, in eval mode, changed to give the same to rounding, sooner.

    In each module, a `BatchNorm2d` must come directly after the convolution whose output it
    normalises.
    """
    network.eval()
    modules = list(network.modules())
    for module in modules:
        if isinstance(module, nn.ReLU6):
            module.inplace = True
        if isinstance(module, nn.Conv2d):
            _pad_within(module)
    for module in modules:  # after that: a convolution that is folded is another object
        for (before, first), (name, second) in pairwise(list(module.named_children())):
            if isinstance(first, nn.Conv2d) and isinstance(second, nn.BatchNorm2d):
                setattr(module, before, fuse_conv_bn_eval(first, second))
                setattr(module, name, nn.Identity())
    changed: nn.Module = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return changed


def _pad_within(convolution: nn.Conv2d) -> None:
    """Take over a padding module's work where the sides are equal (see the package's
    `Conv2dStaticSamePadding`)."""
    outer = getattr(convolution, "static_padding", None)
    if isinstance(outer, nn.ZeroPad2d):
        left, right, top, bottom = outer.padding
        if left == right and top == bottom:
            convolution.padding = (top, left)
            convolution.static_padding = nn.Identity()
