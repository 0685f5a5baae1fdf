"""The demonstration: one driver drives a photo and a video at once, the three shown side by side."""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from reenact.assembly import open_engine
from reenact.config import FinishConfig, GeneratorConfig, RetargetConfig, TrackingConfig
from reenact.rendering import find_rest, frames
from reenact.stages import Sink
from reenact.stats import Stats
from reenact.types import Composite, Kind, Pixels

if TYPE_CHECKING:
    from reenact.provenance.signing import Signed
    from reenact.targets.library import OpenTarget

PANEL = 480  # pixels, each of the three is a square
BAR = 40  # the label under it
SIZE = (3 * PANEL, PANEL + BAR)
LABELS = ("driver", "photo target", "video target")


@dataclass(frozen=True, slots=True)
class Demonstrated:
    """Pictures written, their rate, the times of both engines, and whose credentials the file carries.

    The first engine read the driver for both.
    """

    frames: int
    rate: float
    photo: Stats
    video: Stats
    signed: "Signed"


def run(
    driver: Path,
    photo: "OpenTarget",
    video: "OpenTarget",
    output: Path,
    *,
    window: Sink | None = None,
    limit: int | None = None,
    finish: FinishConfig | None = None,
    progress: Callable[[int, int | None], None] | None = None,
) -> Demonstrated:
    """Writes `output`, SIZE large, one picture for each of the driver's frames, `limit` at most."""
    from reenact.finish import Finish
    from reenact.provenance.label import label_due
    from reenact.provenance.marker import known_signer
    from reenact.provenance.record import PICTURE, Ledger, driver_file
    from reenact.provenance.signing import signs
    from reenact.sinks import Recorder
    from reenact.sources import VideoFile

    finish = finish or FinishConfig()
    label = any(label_due(finish.label, target.bundle.consent.kind) for target in (photo, video))
    bare = FinishConfig(watermark=False, label="off")  # what is finished is the picture of all three
    told: list[Signed] = []
    ledger = Ledger("demo", lambda _: driver_file(driver, PICTURE), GeneratorConfig(), label=label)
    with ExitStack() as stack:
        source = stack.enter_context(VideoFile(driver))
        stack.enter_context(signs(output, ledger.from_now(), told.append))
        one = stack.enter_context(open_engine(photo, tracking=TrackingConfig(views=True), finish=bare))
        two = stack.enter_context(open_engine(video, finish=bare))
        rest = find_rest(driver, RetargetConfig())
        if rest is not None:
            one.retargeter.calibrate(rest)
        ledger.add(one.playing)
        ledger.add(two.playing)
        whole = Finish(SIZE, finish, signer=known_signer())
        ledger.finished_by(whole)
        sink = stack.enter_context(Recorder(output, SIZE, time_base=source.time_base, rate=source.rate))
        total = source.frames if limit is None else limit
        done = 0
        for frame in frames(source):
            reading = one.read(frame)
            shown = [engine.compose(reading, frame.seq, frame.t_capture) for engine in (one, two)]
            # The one place where a driver's picture is put into an output: the built-in driver is nobody.
            panels = side_by_side(frame.pixels, *(composite.pixels for composite in shown))
            with one.stats.stage("mark"):
                whole(panels, label)
            picture = Composite(panels, frame.seq, frame.t_capture, Kind.LIVE)
            with one.stats.stage("write"):
                sink.send(picture)
            if window is not None:
                window.send(picture)
                window.poll_key()  # type: ignore[attr-defined]
            done += 1
            if progress is not None:
                progress(done, total)
            if done == limit:
                break
        rate = source.rate
    return Demonstrated(done, rate, one.stats, two.stats, told[0])


def side_by_side(*pictures: Pixels) -> Pixels:
    """Each picture's middle square in a panel, its label under it: (PANEL + BAR, 3 * PANEL, 3) uint8 BGR."""
    sheet = np.full((SIZE[1], SIZE[0], 3), 24, np.uint8)
    for i, (picture, label) in enumerate(zip(pictures, LABELS, strict=True)):
        height, width = picture.shape[:2]
        side = min(height, width)
        top, left = (height - side) // 2, (width - side) // 2
        square = picture[top : top + side, left : left + side]
        x = i * PANEL
        sheet[:PANEL, x : x + PANEL] = cv2.resize(square, (PANEL, PANEL), interpolation=cv2.INTER_AREA)
        (wide, high), _ = cv2.getTextSize(label, cv2.FONT_HERSHEY_SIMPLEX, 0.7, 1)
        place = (x + (PANEL - wide) // 2, PANEL + (BAR + high) // 2)
        cv2.putText(sheet, label, place, cv2.FONT_HERSHEY_SIMPLEX, 0.7, (225, 225, 225), 1, cv2.LINE_AA)
    return sheet
