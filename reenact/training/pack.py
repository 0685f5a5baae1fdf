"""Packed people: upright crops of one person's face with their landmarks, a file a person.

A file NAME.npz (numpy, no pickle) holds
    jpeg    uint8, the crops one after the other, JPEG; 320 x 320: the network's crop and a margin of 32 all round
    ends    (n,) int64, where each ends
    points  (n, 478, 3) int16, landmarks in 1/32 pixels of the crop
    times   (n,) float32, seconds
    meta    a string, JSON: what is said of the person
About 14 KB a crop: three thousand are 40 MB.
"""

import json
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import cv2
import numpy as np

from reenact.errors import InputError
from reenact.tracking.canonical import SIZE, canonical_matrix, to_crop
from reenact.types import Floats, Pixels

MARGIN = 32
CROP = SIZE + 2 * MARGIN
_UNIT = 32.0
_QUALITY = 92


@dataclass(frozen=True, slots=True)
class Person:
    """What is known of a person in a pack; `kind` is real or rendered, `split` train or held."""

    name: str
    kind: str
    split: str
    source: str = ""
    licence: str = ""
    traits: dict[str, str] = field(default_factory=dict)  # skin, age, glasses, beard, ...


@dataclass(frozen=True, slots=True, eq=False)
class Pack:
    """One person: crops (n, CROP, CROP, 3) uint8 BGR, points (n, 478, 3) float32 in their pixels, times (n,)."""

    person: Person
    crops: Pixels
    points: Floats
    times: Floats


def cut(picture: Pixels, points: Floats) -> tuple[Pixels, Floats]:
    """The crop (CROP, CROP, 3) of a face with points (478, 3) in picture, and the points in it."""
    matrix = canonical_matrix(points, SIZE, MARGIN)
    shrink = float(np.sqrt(abs(np.linalg.det(matrix[:, :2]))))
    source = picture
    if shrink < 0.5:  # bilinear sampling skips pixels below half size
        factor = shrink * 1.4
        source = cv2.resize(picture, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
        scaled = np.array([source.shape[1] / picture.shape[1], source.shape[0] / picture.shape[0]])
        matrix = np.concatenate([matrix[:, :2] / scaled, matrix[:, 2:]], axis=1)
        points = points * np.array([*scaled, scaled.mean()], np.float32)
    crop = cv2.warpAffine(source, matrix, (CROP, CROP), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return crop, to_crop(points, matrix)


def write_pack(
    path: Path,
    person: Person,
    crops: Sequence[Pixels],
    points: Sequence[Floats],
    times: Sequence[float],
    quality: int = _QUALITY,
) -> int:
    """Writes a person's file whole or not at all, interrupted or not; returns its bytes.  quality: of the JPEGs."""
    coded = [cv2.imencode(".jpg", crop, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].reshape(-1) for crop in crops]
    fixed = np.clip(np.round(np.stack(points) * _UNIT), -32768, 32767).astype(np.int16)
    part = path.with_suffix(".part")
    try:
        with part.open("wb") as file:
            np.savez_compressed(
                file,
                jpeg=np.concatenate(coded),
                ends=np.cumsum([len(c) for c in coded]),
                points=fixed,
                times=np.asarray(times, np.float32),
                meta=np.array(json.dumps(asdict(person))),
            )
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    return path.stat().st_size


def read_pack(path: Path) -> Pack:
    """Raises InputError for a file that is not one."""
    try:
        with np.load(path, allow_pickle=False) as data:
            jpeg, ends, points, times = data["jpeg"], data["ends"], data["points"], data["times"]
            person = Person(**json.loads(str(data["meta"])))
        starts = np.concatenate([[0], ends[:-1]])
        crops = [cv2.imdecode(jpeg[a:b], cv2.IMREAD_COLOR) for a, b in zip(starts, ends, strict=True)]
        if any(c is None or c.shape != (CROP, CROP, 3) for c in crops):
            raise ValueError(f"a crop is not a picture of {CROP} x {CROP}")
        return Pack(person, np.stack(crops), points.astype(np.float32) / _UNIT, times)
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile, zlib.error, cv2.error) as error:
        raise InputError(f"{path} is not a packed person ({error}): make one with `reenact train data`") from error


def list_packs(folder: Path) -> list[Path]:
    """A data set's files, sorted; InputError where there are none."""
    found = sorted(folder.glob("*.npz"))
    if not found:
        raise InputError(f"{folder} holds no packed people: make a data set with `reenact train data {folder} ...`")
    return found


def person_of(path: Path) -> Person:
    """Who is in a file, without reading the pictures.  Raises InputError for a file that is not one."""
    try:
        with np.load(path, allow_pickle=False) as data:
            return Person(**json.loads(str(data["meta"])))
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise InputError(f"{path} is not a packed person ({error}): make one with `reenact train data`") from error
