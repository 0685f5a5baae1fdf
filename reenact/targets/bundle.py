"""A target on disk: one folder, the *bundle*, that says what it is and whose consent it has.

target.toml       name, kind, size, rate, source, consent, and the SHA-256 of every other file
picture.png       photo: the picture as prepared
matte.png         photo: opacity of the head layer, 8 bits; absent where no layers could be made
background.png    photo: the picture with the person filled in
video.*           video: the source file, byte for byte
frames.bin .npy   video: its frames as JPEG, when they are too many to be kept decoded (reenact.targets.frames)
tracks.npz        points (N, 478, 3) float32, found (N,) bool, neutral (478, 3) float32
mouthbank.npz     video: reenact.targets.mouthbank
agreement.*       the file that shows the consent, where one was given and is not too large to be copied
"""

import hashlib
import json
import tomllib
import zipfile
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from reenact.errors import TargetError
from reenact.retarget.population import population
from reenact.targets.consent import Consent, how_to_consent
from reenact.types import POINTS, Floats, Pixels

FORMAT = 1
MANIFEST = "target.toml"
PICTURE, MATTE, BACKGROUND = "picture.png", "matte.png", "background.png"
TRACKS, BANK = "tracks.npz", "mouthbank.npz"
FRAMES, FRAME_ENDS = "frames.bin", "frames.npy"
FORM = "agreement"  # with the ending of the file it was copied from


@dataclass(frozen=True, slots=True, eq=False)
class Tracks:
    """The target's own face, frame by frame.

    points   (N, 478, 3) float32, pixels of the frame; N = 1 for a photo
    found    (N,) bool: False where no face was there; the points are then those of the nearest frame with one
    neutral  (478, 3) float32, head axes, IOD 1: the face at rest, see reenact.retarget.neutral_shape
    weights  (N, k) float32: the expressions it makes, see reenact.retarget.population; None where nobody measured them
    """

    points: Floats
    found: np.ndarray[Any, np.dtype[np.bool_]]
    neutral: Floats
    weights: Floats | None = None

    def __post_init__(self) -> None:
        n = len(self.points)
        if self.weights is not None:
            count = len(population().modes)
            if self.weights.shape != (n, count) or self.weights.dtype != np.float32:
                raise TargetError(
                    f"tracks: weights is {self.weights.dtype} {self.weights.shape}, expected {(n, count)}"
                )
            if not np.isfinite(self.weights).all():
                raise TargetError("tracks: weights holds values that are not finite")
        for name, value, dtype, shape in (
            ("points", self.points, np.float32, (n, POINTS, 3)),
            ("found", self.found, np.bool_, (n,)),
            ("neutral", self.neutral, np.float32, (POINTS, 3)),
        ):
            if n == 0 or value.shape != shape or value.dtype != dtype:
                want = (max(n, 1), *shape[1:])
                raise TargetError(f"tracks: {name} is {value.dtype} {value.shape}, expected {np.dtype(dtype)} {want}")
            if not np.isfinite(value).all():
                raise TargetError(f"tracks: {name} holds values that are not finite")


@dataclass(frozen=True, slots=True, eq=False)
class Bundle:
    """A target's folder, described; `folder` holds `files` (name to SHA-256) besides target.toml.

    kind           "photo" or "video"
    size           (width, height) pixels; rate: frames/s, 0 for a photo
    frames         number of frames, 1 for a photo
    source         name and SHA-256 of the file it was made from
    notes          what was decided while it was prepared, one sentence each
    """

    folder: Path
    name: str
    kind: str
    size: tuple[int, int]
    rate: float
    frames: int
    source_name: str
    source_sha256: str
    consent: Consent
    notes: tuple[str, ...] = ()
    files: dict[str, str] = field(default_factory=dict)

    def path(self, name: str) -> Path:
        return self.folder / name

    @property
    def video(self) -> Path:
        """The video file of a video target."""
        return next(self.folder / name for name in self.files if name.startswith("video."))

    @property
    def form(self) -> Path | None:
        """The copy of the file that shows the consent; None where there is none."""
        return next((self.folder / name for name in self.files if name.split(".")[0] == FORM), None)


def sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _string(text: str) -> str:
    # JSON's strings are TOML's basic strings, but for DEL, which TOML wants escaped.
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def write_manifest(bundle: Bundle) -> None:
    """Hashes the bundle's files and writes target.toml: the last step of making a bundle."""
    names = sorted(p.name for p in bundle.folder.iterdir() if p.is_file() and p.name != MANIFEST)
    lines = [
        "# A reenact target.  Change it with `reenact target`: the hashes below are checked whenever it is loaded.",
        f"format = {FORMAT}",
        f"name = {_string(bundle.name)}",
        f"kind = {_string(bundle.kind)}",
        f"size = [{bundle.size[0]}, {bundle.size[1]}]",
        f"rate = {float(bundle.rate)!r}",
        f"frames = {bundle.frames}",
        f"notes = [{', '.join(_string(n) for n in bundle.notes)}]",
        "",
        "[source]",
        f"name = {_string(bundle.source_name)}",
        f"sha256 = {_string(bundle.source_sha256)}",
        "",
        "[consent]",
        f"kind = {_string(bundle.consent.kind)}",
        f"note = {_string(bundle.consent.note)}",
        f"date = {_string(bundle.consent.date)}",
        f"recorded_by = {_string(bundle.consent.recorded_by)}",
        *_agreement(bundle.consent),
        "",
        "[files]",
        *(f"{_string(name)} = {_string(sha256(bundle.folder / name))}" for name in names),
    ]
    bundle.path(MANIFEST).write_text("\n".join(lines) + "\n", encoding="utf-8")


def _agreement(consent: Consent) -> list[str]:
    if not consent.agreement:
        return []
    return [
        f"agreement = {_string(consent.agreement)}",
        f"agreement_sha256 = {_string(consent.agreement_sha256)}",
    ]


def damaged(folder: Path, what: str) -> TargetError:
    """The error for a bundle whose files cannot be used."""
    return TargetError(f"the target in {folder} is damaged: {what}; prepare it again with `reenact target add`")


def read_manifest(folder: Path) -> Bundle:
    """Reads target.toml and checks what it says, not yet the files it lists.

    Raises TargetError for a folder that holds no target, an unreadable or incomplete entry, no consent.
    """
    if not folder.is_dir():
        raise TargetError(f"there is no target in {folder}: the folder does not exist")
    if not (folder / MANIFEST).is_file():
        raise TargetError(f"{folder} is a folder that is no target (no {MANIFEST}): expected a picture or a video")
    try:
        entry = tomllib.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise damaged(folder, f"{MANIFEST} cannot be read ({error})") from None
    if entry.get("format") != FORMAT:
        raise damaged(folder, f"{MANIFEST} has format {entry.get('format')!r}, expected {FORMAT}")
    if not isinstance(entry.get("consent"), dict):
        raise TargetError(how_to_consent(f"the target in {folder}"))
    try:
        said = entry["consent"]
        form = {key: str(said[key]) for key in ("agreement", "agreement_sha256") if key in said}
        consent = Consent(**{key: str(said[key]) for key in ("kind", "note", "date", "recorded_by")}, **form)
        width, height = (int(v) for v in entry["size"])
        bundle = Bundle(
            folder=folder,
            name=str(entry["name"]),
            kind=str(entry["kind"]),
            size=(width, height),
            rate=float(entry["rate"]),
            frames=int(entry["frames"]),
            source_name=str(entry["source"]["name"]),
            source_sha256=str(entry["source"]["sha256"]),
            consent=consent,
            notes=tuple(str(n) for n in entry["notes"]),
            files={str(name): str(digest) for name, digest in entry["files"].items()},
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise damaged(folder, f"{MANIFEST} lacks or garbles {error}") from None
    needed = {"photo": [PICTURE, TRACKS], "video": [TRACKS]}.get(bundle.kind)
    if needed is None or width < 1 or height < 1 or bundle.frames < 1:
        raise damaged(folder, f"{MANIFEST} says kind {bundle.kind!r}, size {bundle.size}, {bundle.frames} frames")
    missing = [name for name in needed if name not in bundle.files]
    if bundle.kind == "video" and not any(name.startswith("video.") for name in bundle.files):
        missing.append("the video")
    if missing:
        raise damaged(folder, f"{MANIFEST} does not list {', '.join(missing)}")
    return bundle


def read_bundle(folder: Path) -> Bundle:
    """Reads target.toml and checks that every file it lists is there, unchanged.  Raises TargetError."""
    bundle = read_manifest(folder)
    for name, digest in bundle.files.items():
        path = folder / name
        if Path(name).name != name or name in ("", ".", ".."):
            raise damaged(folder, f"{MANIFEST} lists {name!r}, which is no file name")
        try:
            found = sha256(path)
        except FileNotFoundError:
            raise damaged(folder, f"{name} is missing") from None
        except OSError as error:
            raise damaged(folder, f"{name} cannot be read ({error.strerror})") from None
        if found != digest:
            raise damaged(folder, f"{name} is not the file that was prepared (its SHA-256 differs)")
    return bundle


def write_tracks(folder: Path, tracks: Tracks) -> None:
    more = {} if tracks.weights is None else {"weights": tracks.weights}
    np.savez(folder / TRACKS, points=tracks.points, found=tracks.found, neutral=tracks.neutral, **more)


def read_tracks(bundle: Bundle) -> Tracks:
    """The target's tracks; TargetError where they are unreadable, of a wrong shape, or not of every frame."""
    try:
        with np.load(bundle.path(TRACKS), allow_pickle=False) as data:
            tracks = Tracks(data["points"], data["found"], data["neutral"], data.get("weights"))
    except (OSError, KeyError, ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise damaged(bundle.folder, f"{TRACKS} cannot be read ({error})") from None
    except TargetError as error:
        raise damaged(bundle.folder, str(error)) from None
    if len(tracks.points) != bundle.frames:
        raise damaged(bundle.folder, f"{TRACKS} has {len(tracks.points)} frames, {MANIFEST} says {bundle.frames}")
    return tracks


def write_picture(folder: Path, name: str, pixels: Pixels) -> None:
    """Writes (H, W) or (H, W, 3) uint8 BGR as PNG; OSError where there is no room."""
    ok, data = cv2.imencode(".png", pixels)
    if not ok:
        raise OSError(f"{name} cannot be encoded as PNG")
    (folder / name).write_bytes(data.tobytes())


def read_layer(bundle: Bundle, name: str, channels: int) -> Pixels:
    """A PNG of the bundle, (H, W, 3) uint8 BGR or (H, W) uint8; TargetError unless it has the target's size."""
    flag = cv2.IMREAD_COLOR if channels == 3 else cv2.IMREAD_GRAYSCALE
    try:
        data = np.fromfile(bundle.path(name), np.uint8)
        pixels = cv2.imdecode(data, flag) if len(data) else None
    except (OSError, cv2.error):
        pixels = None
    if pixels is None:
        raise damaged(bundle.folder, f"{name} is no picture")
    if pixels.shape[1::-1] != bundle.size:
        raise damaged(bundle.folder, f"{name} is {pixels.shape[1::-1]} pixels, expected {bundle.size}")
    return np.ascontiguousarray(pixels)
