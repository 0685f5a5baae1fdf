"""`reenact bench provenance`: what it takes to lose the watermark, what it costs, and that nothing is taken for one.

Bits are the 576 signs of the code, right by chance in half of the cases; the code restores the payload from about
two thirds of them.  "Read" is the whole payload, its checksum, and both as they were written.
"""

import datetime
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from reenact.bench import machine, unmarked
from reenact.bench.attacks import attacks
from reenact.config import FinishConfig
from reenact.provenance.watermark import Watermarker
from reenact.provenance.watermark_code import encode
from reenact.provenance.watermark_payload import PRODUCT, Payload
from reenact.provenance.watermark_search import Search
from reenact.provenance.watermark_tile import tile_side
from reenact.types import Pixels

SIZES = ((1280, 720), (512, 512), (256, 256))
COSTS = ((1920, 1080), *SIZES)
FRAMES = 30
SINGLY = 4  # of them are looked at one by one
MEDIA = (".mp4", ".m4v", ".mov", ".mkv", ".avi", ".mpg", ".webm", ".png", ".jpg", ".jpeg")
PAYLOAD = Payload(PRODUCT, (1, 2), datetime.date(2026, 5, 3), 0xA1B2C3D4)
_ROUNDS = 300
_LOOP_FRAMES = 60

Row = dict[str, Any]
Report = Callable[[str], None]


def find_media(folder: Path) -> list[Path]:
    """The videos and pictures in a folder.  Raises InputError where there are none."""
    from reenact.errors import InputError

    if not folder.is_dir():
        raise InputError(f"{folder} is no folder: expected one with videos or pictures")
    found = sorted(path for path in folder.iterdir() if path.suffix.lower() in MEDIA)
    if not found:
        raise InputError(f"{folder} holds no video or picture ({', '.join(MEDIA)})")
    return found


def built_in() -> list[Path]:
    """The media of the package."""
    from reenact import assets

    return [assets.VIDEO, assets.PHOTO, assets.DRIVER]


def run(
    media: Sequence[Path] = (),
    unmarked_media: Sequence[Path] = (),
    *,
    pictures: int = 10_000,
    sizes: Sequence[tuple[int, int]] = SIZES,
    frames: int = FRAMES,
    loop: bool = True,
    report: Report = lambda doing: None,
) -> Row:
    """Measures everything; what it gives is what is saved.

    media, unmarked_media  videos and pictures: to be marked and attacked; known to carry no mark.  (): not measured
    pictures               unmarked ones that are looked at
    frames                 of each file, the last of twice as many where it has them
    loop                   whether the engine runs too, for the mark's share of its time
    """
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        result: Row = {"machine": machine.facts(), "payload_bits": 64, "signs": len(encode(0, 64))}
        if media:
            result["attacks"], result["visibility"] = _attacked(media, sizes, frames, report)
            result["cost"] = [_cost(size) for size in COSTS]
        if media and loop:
            report("the engine's loop")
            result["loop"] = _share()
        if unmarked_media:
            told = lambda done, of: report(f"unmarked pictures, {done} of {of}")  # noqa: E731
            result["unmarked"] = unmarked.measure(list(unmarked_media), pictures, told)
    finally:
        cv2.setNumThreads(threads)
    return result


def _attacked(
    media: Sequence[Path], sizes: Sequence[tuple[int, int]], frames: int, report: Report
) -> tuple[list[Row], list[Row]]:
    rows: dict[tuple[str, str], list[Row]] = {}
    visible: list[Row] = []
    for size in sizes:
        marker = Watermarker(size, PAYLOAD)
        signs = encode(PAYLOAD.pack(), tile_side(size))
        for file in media:
            bare = _clip(file, size, frames)
            marked = [marker.mark(frame, frame.copy()) for frame in bare]
            psnr = [cv2.PSNR(a, b) for a, b in zip(bare, marked, strict=True)]
            name = f"{size[0]}x{size[1]}"
            visible.append({"size": name, "file": file.name, "psnr_min": round(min(psnr), 2), "psnr": _mean(psnr, 2)})
            for attack in attacks(size):
                report(f"{name}, {file.name}: {attack.name}")
                found = {"file": file.name, **_read_back(attack.on(marked), signs)}
                rows.setdefault((name, attack.name), []).append(found)
    return [_row(size, name, found) for (size, name), found in rows.items()], visible


def _clip(file: Path, size: tuple[int, int], frames: int) -> list[Pixels]:
    """`frames` pictures that fill the size, their middles; a picture stands still for as long."""
    from reenact.sources import open_media

    with open_media(file) as source:
        read: list[Pixels] = []
        while len(read) < 2 * frames and (frame := source.read()) is not None:
            read.append(_filling(frame.pixels, size))
    chosen = read[-frames:]
    return chosen + [chosen[-1]] * (frames - len(chosen))


def _filling(pixels: Pixels, size: tuple[int, int]) -> Pixels:
    height, width = pixels.shape[:2]
    scale = max(size[0] / width, size[1] / height)
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    whole = max(size[0], round(width * scale)), max(size[1], round(height * scale))
    large = cv2.resize(pixels, whole, interpolation=way)
    top, left = (large.shape[0] - size[1]) // 2, (large.shape[1] - size[0]) // 2
    return np.ascontiguousarray(large[top : top + size[1], left : left + size[0]])


def _read_back(arrived: Sequence[Pixels], signs: Any) -> Row:
    """What single pictures give, spread over all, and what all of them give together."""
    singly = []
    for i in np.linspace(0, len(arrived) - 1, SINGLY + 1).astype(int)[1:]:
        search = Search()
        search.add(arrived[i])
        singly.append((search.look(), _right(search, signs)))
    together = Search()
    for pixels in arrived:
        together.add(pixels)
    found = together.look()
    answers = [one for one, _ in singly] + [found]
    return {
        "one": [one is not None and one.payload == PAYLOAD for one, _ in singly],
        "one_bits": [right for _, right in singly],
        "frames": len(arrived),
        "all": found is not None and found.payload == PAYLOAD,
        "all_bits": _right(together, signs),
        "wrong": sum(one is not None and one.payload != PAYLOAD for one in answers),
    }


def _right(search: Search, signs: Any) -> float:
    return float((np.sign(search.signs) == signs).mean()) if search.signs.any() else 0.5


def _row(size: str, attack: str, found: list[Row]) -> Row:
    ones = [read for row in found for read in row["one"]]
    return {
        "size": size,
        "attack": attack,
        "files": len(found),
        "voted_frames": max(row["frames"] for row in found),
        "one_frame_read": _mean(ones, 3),
        "one_frame_bits": _mean([right for row in found for right in row["one_bits"]], 3),
        "voted_read": _mean([row["all"] for row in found], 3),
        "voted_bits": _mean([row["all_bits"] for row in found], 3),
        "read_wrong": sum(row["wrong"] for row in found),
        "one_frame_missed_in": [row["file"] for row in found if not all(row["one"])],
        "voted_missed_in": [row["file"] for row in found if not row["all"]],
    }


def _cost(size: tuple[int, int]) -> Row:
    """Milliseconds to mark one picture in place, of noise on a ramp, beside copying it."""
    rng = np.random.default_rng(0)
    ramp = np.linspace(40, 200, size[0])[None, :, None]
    bare = np.clip(rng.normal(ramp, 4.0, (size[1], size[0], 3)), 0, 255).astype(np.uint8)
    picture, marker = bare.copy(), Watermarker(size, PAYLOAD)
    marking, copying = [], []
    for _ in range(_ROUNDS):
        begin = time.perf_counter()
        np.copyto(picture, bare)
        middle = time.perf_counter()
        marker.mark(picture)
        copying.append(middle - begin)
        marking.append(time.perf_counter() - middle)
    ms = {
        name: [round(float(v), 4) for v in np.percentile(np.array(times) * 1e3, (1, 50, 95))]
        for name, times in (("mark", marking), ("copy", copying))
    }
    return {
        "size": f"{size[0]}x{size[1]}",
        "ms_p1": ms["mark"][0],
        "ms_p50": ms["mark"][1],
        "ms_p95": ms["mark"][2],
        "copy_ms_p50": ms["copy"][1],
    }


def _share() -> Row:
    """The engine on built-in media, 1280x720: median milliseconds by stage, and finishing's share of their sum."""
    from reenact import assets
    from reenact.assembly import open_engine
    from reenact.sources import VideoFile
    from reenact.targets.library import open_target

    with (
        VideoFile(assets.DRIVER) as driver,
        open_target(assets.PHOTO, consent="synthetic") as target,
        open_engine(target, finish=FinishConfig(label="on")) as engine,
    ):
        for n in range(_LOOP_FRAMES):
            if n == _LOOP_FRAMES // 6:
                engine.stats.clear()
            frame = driver.read()
            assert frame is not None
            engine.step(frame)
        stages = {row.name: round(row.p50_ms, 3) for row in engine.stats.table()}
    return {
        "target": "photo, 1280x720",
        "stages_ms": stages,
        "share": round(stages["mark"] / sum(stages.values()), 4),
    }


def _mean(values: Sequence[float], digits: int) -> float:
    return round(float(np.mean(values)), digits)
