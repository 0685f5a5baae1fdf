# mypy: disable-error-code="untyped-decorator,no-any-return,no-untyped-def"
"""The mesh warp of reenact.generation.meshwarp as CUDA kernels: triangles are set up, then a block goes through a tile.

On the CPU a triangle is gone through after the other and a depth buffer keeps the nearest.  Here each block lists, in
chunks, the triangles whose boxes meet its tile, and each of its threads keeps the nearest of those over its pixel; of
equal depths the first triangle wins, as there.  No atomics on pixels, no depth buffer in memory, and the texture is
sampled in the same launch.

Importing this module needs numba-cuda (the extra `cuda`) but no GPU; under NUMBA_ENABLE_CUDASIM=1 it runs on the CPU.
"""

import math

import numpy as np
from numba import cuda, float32, int32

from reenact.generation.cudasample import nearest, sample3

TILE = (16, 16)  # pixels of a block; tests make it smaller, the simulator runs every thread in Python
CHUNK = 256  # triangles that a block looks at before its pixels do
FIELDS = 13  # of one set up: box, slopes of the two coordinates, a corner, three depths
_FAR = np.float32(1e9)
_RIM = np.float32(-1e-4)  # barycentric: neighbours overlap by this, as on the CPU


@cuda.jit
def set_up(target, triangles, x0, y0, ready):
    """ready (T, FIELDS) float32: what `warp` needs of each triangle of the mesh in the frame; a thread a triangle.

    target (VERTICES, 3) float32;  triangles (T, 3) int32;  x0, y0 the patch's corner in the frame
    """
    t = cuda.grid(1)
    if t >= triangles.shape[0]:
        return
    ia, ib, ic = triangles[t, 0], triangles[t, 1], triangles[t, 2]
    ax, ay = target[ia, 0] - float32(x0), target[ia, 1] - float32(y0)
    bx, by = target[ib, 0] - float32(x0), target[ib, 1] - float32(y0)
    cx, cy = target[ic, 0] - float32(x0), target[ic, 1] - float32(y0)
    area = (bx - ax) * (cy - ay) - (cx - ax) * (by - ay)
    if area == float32(0):
        ready[t, 0], ready[t, 1], ready[t, 2], ready[t, 3] = _FAR, -_FAR, _FAR, -_FAR
        return
    inverse = float32(1) / area
    ready[t, 0], ready[t, 1] = math.ceil(min(ax, min(bx, cx))), math.floor(max(ax, max(bx, cx)))
    ready[t, 2], ready[t, 3] = math.ceil(min(ay, min(by, cy))), math.floor(max(ay, max(by, cy)))
    ready[t, 4], ready[t, 5] = (by - cy) * inverse, (cx - bx) * inverse
    ready[t, 6], ready[t, 7] = (cy - ay) * inverse, (ax - cx) * inverse
    ready[t, 8], ready[t, 9] = cx, cy
    ready[t, 10], ready[t, 11], ready[t, 12] = target[ia, 2], target[ib, 2], target[ic, 2]


@cuda.jit
def warp(texture, width, height, source, triangles, ready, x0, y0, frame, frame_width, w, h, out):
    """out (h, w, 3) flat: texture where the mesh is, the frame where it is not; a thread a pixel.

    texture, frame  flat interleaved uint8 of width x height and of frame_width columns
    source          (VERTICES, 3) float32: the mesh in the texture;  ready: by `set_up`
    """
    found = cuda.shared.array(CHUNK, int32)
    count = cuda.shared.array(1, int32)
    x, y = cuda.grid(2)
    thread = cuda.threadIdx.y * cuda.blockDim.x + cuda.threadIdx.x
    threads = cuda.blockDim.x * cuda.blockDim.y
    left, top = float32(cuda.blockIdx.x * cuda.blockDim.x), float32(cuda.blockIdx.y * cuda.blockDim.y)
    right, bottom = left + float32(cuda.blockDim.x - 1), top + float32(cuda.blockDim.y - 1)
    px, py = float32(x), float32(y)
    closest, number = _FAR, int32(-1)
    best_u, best_v = float32(0), float32(0)
    for first in range(0, ready.shape[0], CHUNK):
        if thread == 0:
            count[0] = 0
        cuda.syncthreads()
        for t in range(first + thread, min(first + CHUNK, ready.shape[0]), threads):
            if ready[t, 0] <= right and ready[t, 1] >= left and ready[t, 2] <= bottom and ready[t, 3] >= top:
                found[cuda.atomic.add(count, 0, 1)] = t
        cuda.syncthreads()
        for k in range(count[0]):
            t = found[k]
            if px < ready[t, 0] or px > ready[t, 1] or py < ready[t, 2] or py > ready[t, 3]:
                continue
            dx, dy = px - ready[t, 8], py - ready[t, 9]
            u = ready[t, 4] * dx + ready[t, 5] * dy
            v = ready[t, 6] * dx + ready[t, 7] * dy
            s = float32(1) - u - v
            if u < _RIM or v < _RIM or s < _RIM:
                continue
            z = u * ready[t, 10] + v * ready[t, 11] + s * ready[t, 12]
            if z < closest or (z == closest and t < number):
                closest, number, best_u, best_v = z, t, u, v
        cuda.syncthreads()
    if x >= w or y >= h:
        return
    place = 3 * (y * w + x)
    if number < 0:
        under = 3 * ((y0 + y) * frame_width + x0 + x)
        for c in range(3):
            out[place + c] = frame[under + c]
        return
    ia, ib, ic = triangles[number, 0], triangles[number, 1], triangles[number, 2]
    s = float32(1) - best_u - best_v
    from_x = best_u * source[ia, 0] + best_v * source[ib, 0] + s * source[ic, 0]
    from_y = best_u * source[ia, 1] + best_v * source[ib, 1] + s * source[ic, 1]
    colour = cuda.local.array(3, int32)
    sample3(texture, 0, width, height, nearest(from_x * float32(32)), nearest(from_y * float32(32)), colour)
    for c in range(3):
        out[place + c] = np.uint8(colour[c])
