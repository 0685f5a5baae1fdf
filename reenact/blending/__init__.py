"""Seamless blending of a generated face into the target's picture.

    blender = PoissonBlender(max_shape=(256, 256))
    blender.set_mask(mask, origin=(x, y))          # only what changed is planned again
    blender.blend(patch, frame, out=frame)         # uint8 BGR, in place

`poisson_blend` is the one-call form, `PoissonCompositor` the stage of the engine, `warmup` compiles every kernel
into numba's cache on disk.
"""

from reenact.blending.compositor import AlphaCompositor, PoissonCompositor
from reenact.blending.poisson import PoissonBlender, poisson_blend
from reenact.blending.warm import warmup

__all__ = ["AlphaCompositor", "PoissonBlender", "PoissonCompositor", "poisson_blend", "warmup"]
