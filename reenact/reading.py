"""What the tracker's half of the engine hands to the generator's half."""

from dataclasses import dataclass

from reenact.types import FaceTrack, InnerMouth, Motion


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """What was read of the driver in one frame; `motion` is None where the face cannot be read."""

    seq: int
    t_capture: float
    motion: Motion | None
    mouth: InnerMouth | None = None
    track: FaceTrack | None = None
