"""Small files signed for the tests, the facts they are signed with, and what is said of them."""

from datetime import UTC, datetime
from pathlib import Path

import cv2
import made

from reenact.provenance.credentials import sign_file
from reenact.provenance.identity import ensure_identity
from reenact.provenance.record import Driver, Made, Record, Shown
from reenact.provenance.verify import Verdict
from reenact.provenance.words import in_words
from reenact.sinks import Recorder
from reenact.targets.consent import Consent

WHEN = datetime(2026, 5, 3, 12, tzinfo=UTC)
AGREED = Consent("agreement", 'Ada said "yes" by mail, für Übungen', "2026-05-03", "ada", "form.pdf", "ab" * 32)
ADA = Shown("ada", "photo", "cd" * 32, AGREED, "image/jpeg", True)
GENERATOR = Made("portrait", "12" * 32, True)
KINDS = (".mp4", ".mov", ".live.mp4", ".png", ".jpg", ".mkv")


def record(
    targets: tuple[Shown, ...] = (ADA,),
    driver: Driver | None = None,
    generator: Made = GENERATOR,
    label: str = "auto",
    watermark: bool = True,
) -> Record:
    driver = driver or Driver("a file", "ef" * 32, "video/mp4")
    return Record("render", targets, driver, (generator,), label, watermark, "0badcafe", WHEN)


def unsigned(path: Path, frames: int = 12, size: tuple[int, int] = (64, 48)) -> Path:
    """A video or picture by the ending of `path`; `.live.` in it: as a live recording writes it."""
    if path.suffix in (".png", ".jpg"):
        assert cv2.imwrite(str(path), made.picture(*size))
        return path
    with Recorder(path, size, rate=25, fragmented=".live." in path.name) as sink:
        for n in range(frames):
            sink.send(made.composite(n, n / 25, size))
    return path


def signed(path: Path, facts: Record | None = None) -> Path:
    sign_file(unsigned(path), facts or record(), ensure_identity(WHEN)[0])
    return path


def text(verdict: Verdict) -> str:
    return "\n".join(f"{about}: {sentence}" for about, sentence in in_words(verdict))
