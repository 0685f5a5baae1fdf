"""Draws the figures of docs/blending.md from the demonstration pictures that come with reenact.

python benchmarks/blend_figures.py docs/figures
"""

import sys
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

import reenact.assets
from reenact.bench import exact
from reenact.bench.pairs import Pair, real
from reenact.blending import PoissonBlender

Image = npt.NDArray[np.uint8]
SIZE = 256
MARGIN = 24


def panel(picture: Image, pair: Pair, text: str) -> Image:
    x, y = pair.origin
    cut = picture[y - MARGIN : y + SIZE + MARGIN, x - MARGIN : x + SIZE + MARGIN].copy()
    bar = np.full((26, cut.shape[1], 3), 255, np.uint8)
    cv2.putText(bar, text, (4, 18), cv2.FONT_HERSHEY_SIMPLEX, 0.37, (0, 0, 0), 1, cv2.LINE_AA)
    return np.vstack([bar, cut])


def save(path: Path, panels: list[Image]) -> None:
    gap = np.full((panels[0].shape[0], 4, 3), 255, np.uint8)
    row = panels[0]
    for p in panels[1:]:
        row = np.hstack([row, gap, p])
    cv2.imwrite(str(path), row, [cv2.IMWRITE_PNG_COMPRESSION, 9])
    print(path, row.shape)


def blend(pair: Pair, **options: object) -> Image:
    blender = PoissonBlender((SIZE, SIZE), **options)  # type: ignore[arg-type]
    blender.set_mask(pair.mask, pair.origin)
    return blender.blend(pair.patch, pair.frame)


def bleeding(pair: Pair, folder: Path) -> None:
    x, y = pair.origin
    pasted = pair.frame.copy()
    pasted[y : y + SIZE, x : x + SIZE][pair.mask > 0] = pair.patch[pair.mask > 0]
    made = [
        ("pasted", pasted),
        ("medians matched (clamp=0)", blend(pair, clamp=0.0, feather=0)),
        ("membrane, no clamp", blend(pair)),
        ("membrane, clamp=1.5, feather=0", blend(pair, clamp=1.5, feather=0)),
        ("membrane, clamp=1.5, feather=12", blend(pair, clamp=1.5, feather=12)),
    ]
    smaller = replace(pair, mask=cv2.erode(np.pad(pair.mask, 1), np.ones((37, 37), np.uint8))[1:-1, 1:-1].copy())
    made.append(("the same, mask 18 pixels smaller", blend(smaller, clamp=1.5, feather=12)))
    save(folder / "blend_bleeding.png", [panel(picture, pair, text) for text, picture in made])


def flicker(pair: Pair, folder: Path) -> None:
    inside = pair.mask > 0
    x, y = pair.origin
    panels = []
    for memory in (0.0, 0.5, 0.75):
        blender = PoissonBlender((SIZE, SIZE), boundary_memory=memory)
        blender.set_mask(pair.mask, pair.origin)
        rng = np.random.default_rng(0)
        before, total, count = None, np.zeros((SIZE, SIZE)), 0
        for n in range(24):
            grainy = (pair.frame + rng.normal(0, 4, pair.frame.shape)).clip(0, 255).astype(np.uint8)
            now = blender.blend(pair.patch, grainy)[y : y + SIZE, x : x + SIZE].astype(float)
            if before is not None and n > 6:
                total += np.abs(now - before).mean(2) * inside
                count += 1
            before = now
        change = total / count
        shown = pair.frame.copy()
        shown[y : y + SIZE, x : x + SIZE] = cv2.applyColorMap(
            (change * 80).clip(0, 255).astype(np.uint8), cv2.COLORMAP_VIRIDIS
        )
        text = f"boundary_memory={memory:g}: {change[inside].mean():.2f} levels a frame"
        panels.append(panel(shown, pair, text))
    save(folder / "blend_flicker.png", panels)


def errors(pair: Pair, folder: Path) -> None:
    truth = exact.solve(pair.patch, pair.frame, pair.mask, pair.origin)
    x, y = pair.origin
    panels = []
    for text, options in (
        ("quarter", {"resolution": "quarter"}),
        ("quarter, rim=6", {"resolution": "quarter", "rim": 6}),
        ("full", {"resolution": "full"}),
    ):
        error = np.abs(blend(pair, **options) - truth)[y : y + SIZE, x : x + SIZE]
        e = error[pair.mask > 0]
        shown = pair.frame.copy()
        heat = cv2.applyColorMap((error.mean(2) * 40).clip(0, 255).astype(np.uint8), cv2.COLORMAP_VIRIDIS)
        shown[y : y + SIZE, x : x + SIZE] = heat
        panels.append(
            panel(shown, pair, f"{text}: mean {e.mean():.2f}, 99 % {np.percentile(e, 99):.1f}, max {e.max():.0f}")
        )
    save(folder / "blend_errors.png", panels)


def main() -> None:
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    pair = real(Path(reenact.assets.__file__).parent, SIZE, 1)[0]
    bleeding(pair, folder)
    flicker(pair, folder)
    errors(pair, folder)


if __name__ == "__main__":
    main()
