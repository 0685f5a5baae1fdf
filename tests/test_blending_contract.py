"""What the blender promises around the equations: refusals, memory, threads, clamp, fade and boundary memory."""

import platform
import re
import threading
import tracemalloc
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from test_blending_poisson import Image, scene

from reenact.blending import PoissonBlender, gridops, poisson_blend, warmup
from reenact.blending.pixels import add_row
from reenact.blending.planning import plan
from reenact.blending.solve import blend_membrane, blend_mixed


def ready(size: int = 64, **options: Any) -> tuple[PoissonBlender, Image, Image, Image]:
    patch, frame, mask = scene(size)
    blender = PoissonBlender((size, size), **options)
    blender.set_mask(mask, (30, 20))
    return blender, patch, frame, mask


def test_out_may_be_the_frame_a_new_array_or_another_one() -> None:
    blender, patch, frame, _ = ready()
    before = frame.copy()
    fresh = blender.blend(patch, frame)
    assert np.array_equal(frame, before)
    other = np.full_like(frame, 77)
    assert blender.blend(patch, frame, other) is other
    assert blender.blend(patch, frame, frame) is frame
    assert np.array_equal(fresh, other)
    assert np.array_equal(fresh, frame)


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"patch": np.zeros((64, 64), np.uint8)}, ValueError, ["patch", "(64, 64)", "(height, width, 3)"]),
        ({"patch": np.zeros((64, 63, 3), np.uint8)}, ValueError, ["patch", "(64, 63, 3)", "(64, 64, 3)"]),
        ({"patch": np.zeros((64, 64, 3), np.float32)}, TypeError, ["patch", "float32", "uint8"]),
        ({"patch": [[1]]}, TypeError, ["patch", "list", "numpy array"]),
        ({"frame": np.zeros((60, 60, 3), np.uint8)}, ValueError, ["64 x 64", "60 x 60"]),
        ({"frame": np.zeros((200, 200, 4), np.uint8)}, ValueError, ["frame", "(200, 200, 4)"]),
        ({"frame": None}, TypeError, ["frame", "NoneType"]),
        ({"out": np.zeros((9, 9, 3), np.uint8)}, ValueError, ["out", "(9, 9, 3)", "(104, 124, 3)"]),
        ({"out": np.zeros((104, 124, 3), np.uint16)}, TypeError, ["out", "uint16", "uint8"]),
        ({"out": np.zeros((104, 248, 3), np.uint8)[:, ::2]}, ValueError, ["out", "C-contiguous"]),
    ],
)
def test_bad_pictures_are_refused_with_what_came_and_what_was_expected(
    change: dict[str, Any], error: type[Exception], words: list[str]
) -> None:
    blender, patch, frame, _ = ready()
    given = {"patch": patch, "frame": frame, "out": None, **change}
    with pytest.raises(error) as caught:
        blender.blend(**given)
    assert all(word in str(caught.value) for word in words), str(caught.value)


@pytest.mark.parametrize(
    ("mask", "error", "words"),
    [
        (np.zeros((65, 10), np.uint8), ValueError, ["(65, 10)", "(64, 64)"]),
        (np.zeros((0, 10), np.uint8), ValueError, ["(0, 10)"]),
        (np.zeros((10, 10, 1), np.uint8), ValueError, ["(10, 10, 1)", "(h, w)"]),
        (np.zeros((10, 10), np.float64), TypeError, ["float64", "uint8 or bool"]),
        ("mask", TypeError, ["str", "numpy array"]),
    ],
)
def test_bad_masks_are_refused(mask: Any, error: type[Exception], words: list[str]) -> None:
    with pytest.raises(error) as caught:
        PoissonBlender((64, 64)).set_mask(mask, (0, 0))
    assert all(word in str(caught.value) for word in words), str(caught.value)


@pytest.mark.parametrize(
    "options",
    [
        {"mode": "clone"}, {"resolution": "eighth"}, {"mode": "mixed", "resolution": "half"}, {"boundary_memory": 1.5},
        {"boundary_memory": float("nan")}, {"clamp": -1.0}, {"clamp": float("nan")}, {"feather": 65}, {"rim": -1},
    ],
)  # fmt: skip
def test_bad_options_are_refused_with_their_value(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="expected"):
        PoissonBlender((8, 8), **options)
    with pytest.raises(ValueError, match=r"\(0, 4\)"):
        PoissonBlender((0, 4))


def test_a_box_that_leaves_the_frame_is_refused() -> None:
    blender, patch, frame, mask = ready()
    for origin in [(-1, 0), (0, -1), (61, 0), (0, 41)]:
        blender.set_mask(mask, origin)
        with pytest.raises(ValueError, match="leaves the frame"):
            blender.blend(patch, frame)
    with pytest.raises(ValueError, match="set_mask"):
        PoissonBlender((8, 8)).blend(patch, frame)


def test_overlapping_memory_is_refused() -> None:
    blender, patch, frame, _ = ready()
    store = np.zeros((frame.shape[0] + 1, *frame.shape[1:]), np.uint8)
    store[:-1] = frame
    with pytest.raises(ValueError, match="overlaps"):
        blender.blend(patch, store[:-1], store[1:])


def test_bool_read_only_and_strided_inputs_give_the_same() -> None:
    blender, patch, frame, mask = ready()
    want = blender.blend(patch, frame)
    wide = np.zeros((64, 128, 3), np.uint8)
    wide[:, ::2] = patch
    sealed = patch.copy()
    sealed.flags.writeable = False
    blender.set_mask(mask > 0, (30, 20))
    for p in (wide[:, ::2], sealed):
        assert np.array_equal(blender.blend(p, frame), want)
    assert np.array_equal(blender.blend(patch, np.asfortranarray(frame)), want)


def test_a_caller_who_reuses_the_masks_memory_is_not_surprised() -> None:
    blender, patch, frame, mask = ready()
    want = blender.blend(patch, frame)
    mask[:] = 0
    assert np.array_equal(blender.blend(patch, frame), want)
    blender.set_mask(mask, (30, 20))
    assert np.array_equal(blender.blend(patch, frame), frame)


def test_a_smaller_mask_after_a_larger_one_leaves_no_trace() -> None:
    patch, frame, mask = scene(64)
    small_patch, _, small = scene(21, seed=1)
    used = PoissonBlender((64, 64), rim=3)
    used.set_mask(mask, (30, 20))
    used.blend(patch, frame)
    used.set_mask(small, (5, 5))
    fresh = PoissonBlender((64, 64), rim=3)
    fresh.set_mask(small, (5, 5))
    assert np.array_equal(used.blend(small_patch, frame), fresh.blend(small_patch, frame))


@pytest.mark.parametrize("mode", ["membrane", "mixed"])
def test_a_mask_that_did_not_change_is_not_planned_again(mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from reenact.blending import plans

    calls = []
    monkeypatch.setattr(plans, "plan", lambda *a: calls.append(1) or plan(*a))
    blender, patch, frame, mask = ready(mode=mode)
    for _ in range(3):
        blender.set_mask(mask.copy(), (31, 21))
        blender.blend(patch, frame)
    assert len(calls) == 1
    mask[32, 32] = 0
    blender.set_mask(mask, (31, 21))
    blender.blend(patch, frame)
    assert len(calls) == 2


def test_nothing_is_allocated_per_frame() -> None:
    blender, patch, frame, mask = ready(256, boundary_memory=0.5, clamp=2.0, rim=4)
    blender.blend(patch, frame, frame)
    other = mask.copy()
    other[128, 128] = 0
    tracemalloc.start()
    for k in range(6):
        blender.set_mask(other if k % 2 else mask, (30, 20))
        blender.blend(patch, frame, frame)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20_000, f"{peak} bytes"


def test_two_blenders_in_two_threads_give_what_one_gives() -> None:
    jobs = []
    for k, mode in enumerate(["membrane", "mixed", "membrane", "mixed"]):
        patch, frame, mask = scene(120, seed=k)
        jobs.append((patch, frame, mask, mode, poisson_blend(patch, frame, mask, (30, 20), mode)))
    faults: list[str] = []

    def work(first: int) -> None:
        mine = jobs[first::2]
        blenders = [PoissonBlender((120, 120), mode) for *_, mode, _ in mine]
        for _ in range(30):
            for blender, (patch, frame, mask, mode, want) in zip(blenders, mine, strict=True):
                blender.set_mask(mask, (30, 20))
                if not np.array_equal(blender.blend(patch, frame), want):
                    faults.append(mode)

    threads = [threading.Thread(target=work, args=(k,)) for k in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not any(thread.is_alive() for thread in threads)
    assert faults == []


def test_kernels_release_the_gil_and_warmup_compiles_them() -> None:
    warmup()
    for dispatcher in (plan, blend_membrane, blend_mixed):
        assert dispatcher.targetoptions["nogil"]
        assert dispatcher.signatures


@pytest.mark.skipif(platform.machine() != "x86_64", reason="reads x86-64 assembly")
def test_the_hot_loops_are_vectorised() -> None:
    row, line, pixels = np.zeros(512, np.float32), np.zeros(512, np.int16), np.zeros(512, np.uint8)
    gridops.step(row, row.copy(), row, row, 32, np.float32(1), 32, 480)
    add_row(pixels, pixels.copy(), 160, line, line, line)
    for kernel, packed in ((gridops.step, r"\bv?addps\b"), (add_row, r"\bv?padd[w]\b")):
        (assembly,) = kernel.inspect_asm().values()
        assert len(re.findall(packed, assembly)) >= 3, kernel


# Against bleeding and flicker


def still(frame: Image, seed: int) -> Image:
    grain = np.random.default_rng(seed).normal(0, 3, frame.shape)
    return (frame.astype(float) + grain).clip(0, 255).astype(np.uint8)


def flicker(memory: float) -> float:
    """Mean change of the correction from frame to frame, of a still scene with grain."""
    patch, frame, mask = scene(96)
    blender = PoissonBlender((96, 96), boundary_memory=memory)
    blender.set_mask(mask, (30, 20))
    pictures = [blender.blend(patch, still(frame, seed))[20:116, 30:126] for seed in range(12)]
    inner = mask > 0
    inner[:30], inner[66:], inner[:, :30], inner[:, 66:] = False, False, False, False
    return float(np.mean([np.abs(b.astype(int) - a)[inner].mean() for a, b in pairwise(pictures[4:])]))


def test_boundary_memory_calms_a_grainy_scene() -> None:
    none, half, much = flicker(0.0), flicker(0.5), flicker(0.8)
    assert half < 0.75 * none
    assert much < half


@pytest.mark.parametrize("memory", [0.5, 0.9])
def test_boundary_memory_forgets_at_a_cut(memory: float) -> None:
    patch, frame, mask = scene(96)
    blender = PoissonBlender((96, 96), boundary_memory=memory)
    blender.set_mask(mask, (30, 20))
    for _ in range(3):
        blender.blend(patch, frame)
    after = 255 - frame
    assert np.array_equal(blender.blend(patch, after), poisson_blend(patch, after, mask, (30, 20)))


def test_boundary_memory_follows_a_mask_that_moves_by_a_pixel() -> None:
    patch, frame, mask = scene(96)
    blender = PoissonBlender((96, 96), boundary_memory=0.8)
    blender.set_mask(mask, (30, 20))
    blender.blend(patch, frame)
    moved = np.roll(mask, 1, 1)
    moved[:, 0] = 0
    shifted = (frame.astype(int) + 8).clip(0, 255).astype(np.uint8)  # too little for a cut
    blender.set_mask(moved, (30, 20))
    got = blender.blend(patch, shifted)[20:116, 30:126][moved > 0].mean()
    new = poisson_blend(patch, shifted, moved, (30, 20))[20:116, 30:126][moved > 0].mean()
    old = poisson_blend(patch, frame, moved, (30, 20))[20:116, 30:126][moved > 0].mean()
    assert abs(got - (0.8 * old + 0.2 * new)) < 1.0


def with_hair(size: int = 96) -> tuple[Image, Image, Image]:
    """A frame of the patch's own colours, but for a dark streak across a sixth of the boundary."""
    _, _, mask = scene(size)
    rng = np.random.default_rng(0)
    frame = (150 + rng.normal(0, 2, (size + 40, size + 60, 3))).astype(np.uint8)
    frame[20 : 20 + size // 8, 30 : 30 + size] = 20
    return np.full((size, size, 3), 140, np.uint8), frame, mask


def test_the_clamp_stops_bleeding_and_its_fade_hides_the_seam() -> None:
    patch, frame, mask = with_hair()
    plain = poisson_blend(patch, frame, mask, (30, 20)).astype(int)
    held = poisson_blend(patch, frame, mask, (30, 20), clamp=3.0, feather=8).astype(int)
    bare = poisson_blend(patch, frame, mask, (30, 20), clamp=3.0, feather=0).astype(int)
    middle = (slice(58, 78), slice(68, 88))
    assert plain[middle].mean() < 140  # the streak darkens the middle of the face
    assert abs(held[middle].mean() - 150) < 4
    inside = np.zeros(frame.shape[:2], bool)
    inside[20:116, 30:126] = mask > 0
    first = inside & ~np.roll(inside, 1, 0)  # the topmost mask pixel of each column, beside the streak
    first[40:] = False
    beside = np.roll(frame, 1, 0)[first].astype(int)
    dark = (beside < 60).all(1)
    assert np.abs(held[first] - beside)[dark].mean() < 0.5 * np.abs(bare[first] - beside)[dark].mean()
    assert np.array_equal(held[~inside], frame[~inside])


def test_clamp_0_is_one_shift_of_colour_and_a_wide_clamp_nothing() -> None:
    patch, frame, mask = scene(96)
    shifted = poisson_blend(patch, frame, mask, (30, 20), clamp=0.0, feather=0)[20:116, 30:126].astype(int) - patch
    shift = np.median(shifted[mask > 0], 0)
    assert (np.abs(shifted[mask > 0] - shift).max(0) <= 1).all()
    wide = poisson_blend(patch, frame, mask, (30, 20), clamp=1000.0).astype(int)
    assert np.abs(wide - poisson_blend(patch, frame, mask, (30, 20))).max() <= 1


def test_the_rim_takes_the_largest_errors_down() -> None:
    patch, frame, mask = scene(256)
    rough = np.random.default_rng(2).integers(0, 256, frame.shape, dtype=np.uint8)
    exact = poisson_blend(patch, rough, mask, (30, 20), resolution="full").astype(int)
    without, with_rim = (
        np.abs(poisson_blend(patch, rough, mask, (30, 20), rim=rim).astype(int) - exact).max() for rim in (0, 6)
    )
    assert with_rim < 0.4 * without
