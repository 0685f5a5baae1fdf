"""Contact sheets and short clips: driver, truth and every variant side by side, about the face."""

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import numpy.typing as npt

from reenact.bench.cases import OF_CLIPS, Case
from reenact.bench.quality import Row
from reenact.bench.regions import Face, gap, psnr
from reenact.bench.runs import Moment
from reenact.retarget.neutral import eye_opening, head_pose, iris_place
from reenact.types import Floats, Pixels

TILE = 256  # pixels, each side
_ABOUT = 1.35  # eye distances from the middle of the face to the tile's edge
_FOLLOW = 0.1  # of the way that the tile goes after the face with each picture
_LABEL = 22  # pixels of height for a line of text
_QUALITY = 92  # JPEG
_CRF = "20"


@dataclass(frozen=True, slots=True)
class Media:
    """Files made for one case, in the gallery's folder."""

    name: str
    kind: str
    sheet: Path
    clip: Path


@dataclass(frozen=True, slots=True, eq=False)
class _Kept:
    strip: npt.NDArray[np.uint8]  # JPEG
    time: float
    face: Floats | None  # (478, 2), the truth's
    turn: Floats  # (2,)
    worst: float  # dB of the last variant's face


class Gallery:
    """A Watcher (reenact.bench.quality) that makes a sheet and a clip of every case; `media` lists them in order.

    folder  exists; names are those of the cases
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.media: list[Media] = []
        self._kept: list[_Kept] = []
        self._columns: list[str] = []
        self._places: dict[str, Floats] = {}

    def see(self, case: Case, moment: Moment, face: Face | None) -> None:
        shown = {"truth": moment.truth, **moment.outputs}
        own = None if face is None else face.points
        tiles = [self._tile(name, pixels, own, "truth") for name, pixels in shown.items()]
        if case.kind not in OF_CLIPS:  # a clip's driver is its truth
            points = None if moment.track is None else moment.track.points[:, :2]
            tiles.insert(0, self._tile("driver", moment.frame.pixels, points, "driver"))
        self._columns = [*([] if case.kind in OF_CLIPS else ["driver"]), *shown]
        _, strip = cv2.imencode(".jpg", np.hstack(tiles), [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
        turn = np.zeros(2, np.float32) if moment.track is None else head_pose(moment.track.points).rotation[:2, 2]
        last = _quality(face, list(moment.outputs.values())[-1])
        self._kept.append(_Kept(strip, moment.frame.t_capture, own, np.asarray(turn, np.float32), last))

    def end(self, case: Case, row: Row) -> None:
        kept, self._kept, self._places = self._kept, [], {}
        stem = f"{len(self.media) + 1:02d}-{_plain(case.name)}-{case.kind}"
        sheet, clip = self.folder / f"{stem}.jpg", self.folder / f"{stem}.mp4"
        _write_sheet(sheet, kept, self._columns)
        _write_clip(clip, kept, self._columns)
        self.media.append(Media(case.name, case.kind, sheet, clip))

    def _tile(self, name: str, pixels: Pixels, points: Floats | None, place: str) -> Pixels:
        """(TILE, TILE, 3): what is about the face; the tile goes slowly after it, so that its motion is seen."""
        if points is not None:
            centre = (points.min(0) + points.max(0)) / 2
            wanted = np.array([*centre, _ABOUT * gap(points, (33, 263))], np.float32)
            if name in ("truth", "driver"):
                before = self._places.get(place, wanted)
                self._places[place] = before + _FOLLOW * (wanted - before)
        x, y, reach = self._places.get(place, np.array([pixels.shape[1] / 2, pixels.shape[0] / 2, TILE / 2]))
        scale = TILE / (2 * max(float(reach), 1.0))
        matrix = np.array([[scale, 0, TILE / 2 - scale * x], [0, scale, TILE / 2 - scale * y]])
        way = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
        return np.asarray(cv2.warpAffine(pixels, matrix, (TILE, TILE), flags=way), np.uint8)


def _quality(face: Face | None, shown: Pixels) -> float:
    if face is None:
        return float("inf")
    box = face.box
    return psnr(cv2.norm(face.pixels[box], shown[box], cv2.NORM_L2SQR, face.hull), 3 * cv2.countNonZero(face.hull))


def telling(kept: Sequence[_Kept]) -> list[tuple[str, int]]:
    """Which moments a sheet shows, and what for; each but once."""
    seen = [i for i, k in enumerate(kept) if k.face is not None]
    if not seen:
        return [("first", 0)]
    faces = [kept[i].face for i in seen]
    known = [f for f in faces if f is not None]
    opening = np.array([gap(f, (13, 14)) / gap(f, (33, 263)) for f in known])
    width = np.array([gap(f, (61, 291)) / gap(f, (33, 263)) for f in known])
    lids = np.array([eye_opening(f).mean() for f in known])
    irises = np.array([iris_place(f) for f in known])
    awake = lids > 0.7 * np.median(lids)
    gaze = np.where(awake, np.abs(irises - np.median(irises, axis=0)).sum((1, 2)), -1)
    turns = np.array([kept[i].turn for i in seen])
    turned = np.linalg.norm(turns - turns[0], axis=1)
    wanted = {
        "first": np.arange(len(seen), 0, -1.0),
        "open mouth": opening,
        "wide lips": np.where(opening < np.quantile(opening, 0.5) + 1e-6, width, -1),
        "shut eyes": -lids,
        "gaze": gaze,
        "turned head": turned,
        "worst": -np.array([kept[i].worst for i in seen]),
    }
    chosen: list[tuple[str, int]] = []
    taken: set[int] = set()
    for name, values in wanted.items():
        place = next((seen[i] for i in np.argsort(-values, kind="stable") if seen[i] not in taken), None)
        if place is not None:
            chosen.append((name, place))
            taken.add(place)
    return chosen


def _write_sheet(path: Path, kept: Sequence[_Kept], columns: Sequence[str]) -> None:
    rows = [_titles(columns)]
    for what, place in telling(kept):
        rows.append(_line(f"{what}: picture {place}, {kept[place].time:.2f} s", TILE * len(columns)))
        rows.append(cv2.imdecode(kept[place].strip, cv2.IMREAD_COLOR))
    _, data = cv2.imencode(".jpg", np.vstack(rows), [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    path.write_bytes(data.tobytes())


def _write_clip(path: Path, kept: Sequence[_Kept], columns: Sequence[str]) -> None:
    head = _titles(columns)
    span = kept[-1].time - kept[0].time
    rate = Fraction((len(kept) - 1) / span if span > 0 else 25).limit_denominator(1001)
    with av.open(str(path), "w", options={"movflags": "+faststart"}) as out:
        stream = out.add_stream("libx264", rate=rate, options={"crf": _CRF, "preset": "veryfast"})
        stream.width, stream.height, stream.pix_fmt = head.shape[1], head.shape[0] + TILE, "yuv420p"
        stream.time_base = 1 / rate
        for n, each in enumerate(kept):
            picture = np.vstack([head, cv2.imdecode(each.strip, cv2.IMREAD_COLOR)])
            frame = av.VideoFrame.from_ndarray(picture, "bgr24")
            frame.pts, frame.time_base = n, 1 / rate
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))


def _titles(columns: Sequence[str]) -> Pixels:
    return np.hstack([_line(name, TILE) for name in columns])


def _line(words: str, width: int) -> Pixels:
    line = np.full((_LABEL, width, 3), 32, np.uint8)
    cv2.putText(line, words, (6, _LABEL - 7), cv2.FONT_HERSHEY_SIMPLEX, 0.45, (230, 230, 230), 1, cv2.LINE_AA)
    return line


def _plain(name: str) -> str:
    """A name that is a file's anywhere."""
    return "".join(c if c.isascii() and (c.isalnum() or c in "-_") else "-" for c in name) or "case"


@contextmanager
def gallery_beside(page: Path) -> Iterator[Gallery]:
    """A gallery in the folder `NAME_media` beside the page NAME.html: it is there when the block is done, whole."""
    final = page.with_name(f"{page.stem}_media")
    part = page.with_name(f".{page.stem}_media.part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir()
    try:
        gallery = Gallery(part)
        yield gallery
        shutil.rmtree(final, ignore_errors=True)
        part.rename(final)
        gallery.folder = final
    finally:
        shutil.rmtree(part, ignore_errors=True)
