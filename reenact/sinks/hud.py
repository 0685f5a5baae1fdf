"""What is written over the preview."""

from dataclasses import dataclass

import cv2

from reenact.types import Kind, Pixels, check_pixels

_COLOURS = {  # BGR: green, amber, blue, red
    Kind.LIVE: (80, 200, 80),
    Kind.HOLD: (40, 180, 240),
    Kind.REST: (220, 150, 70),
    Kind.SLATE: (70, 70, 230),
}
_FONT = cv2.FONT_HERSHEY_SIMPLEX


@dataclass(frozen=True, slots=True)
class HudStats:
    """What the head-up display shows; note is the caller's own, such as the keys, in lines."""

    kind: Kind
    rate: float = 0.0  # pictures/s
    latency_ms: float = 0.0  # from the camera's picture to the one sent
    drops: int = 0
    device: str = ""
    note: str = ""
    p95_ms: float = 0.0  # of the latency; 0: not known
    recording: bool = False


def draw_hud(pixels: Pixels, stats: HudStats) -> Pixels:
    """A copy of pixels, (H, W, 3) uint8 BGR, with stats written in the upper left corner; pixels stay as they are."""
    check_pixels("pixels", pixels)
    drawn = pixels.copy()
    height, width = drawn.shape[:2]
    scale = max(0.35, min(width, height) / 900)
    line, margin = round(34 * scale), round(12 * scale)
    thick = max(1, round(1.6 * scale))
    aged = f"{stats.latency_ms:.0f} ms" + (f" (p95 {stats.p95_ms:.0f})" if stats.p95_ms else "")
    lines = [f"{stats.rate:.1f} fps   {aged}   {stats.drops} dropped"]
    lines += [text for text in (stats.device, *stats.note.split("\n")) if text]
    badge = stats.kind.name + ("   REC" if stats.recording else "")
    wide = max(cv2.getTextSize(text, _FONT, scale, thick)[0][0] for text in [*lines, badge + "  "])
    box = drawn[margin : margin * 2 + line * (len(lines) + 1), margin : margin * 3 + wide]
    box[:] = box // 3  # darkened: the text stays legible on any picture
    radius = max(2, round(8 * scale))
    x, y = 2 * margin, margin + line
    cv2.circle(drawn, (x + radius, y - radius), radius, _COLOURS[stats.kind], -1, cv2.LINE_AA)
    cv2.putText(drawn, badge, (x + 3 * radius, y), _FONT, scale, _COLOURS[stats.kind], thick, cv2.LINE_AA)
    for text in lines:
        y += line
        shown = text.encode("ascii", "replace").decode()  # the stroke font has no other letters
        cv2.putText(drawn, shown, (x, y), _FONT, scale, (235, 235, 235), thick, cv2.LINE_AA)
    return drawn


def draw_inset(pixels: Pixels, driver: Pixels, mirror: bool) -> Pixels:
    """A copy of pixels with the driver's picture, a fifth as wide, in the lower right corner, mirrored if asked."""
    check_pixels("driver", driver)
    drawn = pixels.copy()
    height, width = drawn.shape[:2]
    wide = max(8, width // 5)
    high = min(max(8, wide * driver.shape[0] // driver.shape[1]), height // 2)
    small = cv2.resize(driver, (wide, high), interpolation=cv2.INTER_AREA)
    if mirror:
        small = small[:, ::-1]
    edge = max(2, width // 100)
    drawn[height - edge - high : height - edge, width - edge - wide : width - edge] = small
    return drawn
