"""Every default of the engine, once: one frozen dataclass per stage, checked when it is made.

The command line's flags are made from these; nothing else in the package holds a default of its own.
"""

from dataclasses import dataclass

from reenact.errors import InputError
from reenact.provenance.languages import LANGUAGES


def _within(name: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        raise InputError(f"{name} is {value}: expected {low} to {high}")


def _one_of(name: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise InputError(f"{name} is {value!r}: expected one of {', '.join(choices)}")


@dataclass(frozen=True, slots=True)
class MediaConfig:
    """Pictures and videos from files; the limits are checked against the header, before anything is decoded."""

    max_pixels: int = 64_000_000  # of one picture: 8000 x 8000
    max_bytes: int = 4_000_000_000  # of one file


@dataclass(frozen=True, slots=True)
class CameraConfig:
    """A webcam or a stream."""

    width: int = 1280
    height: int = 720
    rate: float = 30.0
    open_timeout_s: float = 10.0
    read_timeout_s: float = 2.0  # without a picture for so long, it is opened anew
    silent_s: float = 1.0  # without one for so long, that is said
    wait_s: float = 0.25  # one `read` of a camera that mends itself waits no longer than this
    retry_s: float = 0.25  # a lost camera is looked for after so long, then twice as long, and so on
    retry_most_s: float = 2.0
    frozen_s: float = 1.0  # the very same picture for so long: a real sensor's noise never repeats
    dark_level: int = 16  # a picture in which next to nothing is brighter is black: the lens is covered

    def __post_init__(self) -> None:
        _within("camera width", self.width, 16, 16384)
        _within("camera height", self.height, 16, 16384)
        _within("camera rate", self.rate, 1, 1000)
        _within("retry_s", self.retry_s, 0.01, self.retry_most_s)
        _within("wait_s", self.wait_s, 0.01, 0.5)
        _within("dark_level", self.dark_level, 0, 255)


@dataclass(frozen=True, slots=True)
class VirtualCameraConfig:
    """The virtual camera and the process that holds its device, see reenact.sinks.camerahost."""

    quiet_s: float = 0.5  # without a new picture for so long, the slate is shown
    linger_s: float = 15.0  # how long the device is held, showing the slate, for an engine that died: it may come back
    leave_s: float = 1.0  # the same after one that ended in order
    start_s: float = 60.0  # how long the process may take to start
    answer_s: float = 0.25  # how long it may take to write one picture
    stuck_s: float = 5.0  # without an answer for so long it is ended and started anew
    retry_s: float = 0.25  # a lost device is opened anew after so long, then twice as long, and so on
    retry_most_s: float = 2.0
    watch_s: float = 0.5  # how often a device is looked at whose driver reports no errors

    def __post_init__(self) -> None:
        _within("retry_s", self.retry_s, 0.01, self.retry_most_s)
        for name in ("quiet_s", "linger_s", "leave_s", "start_s", "answer_s", "stuck_s", "watch_s"):
            _within(name, getattr(self, name), 0.0, 3600.0)


@dataclass(frozen=True, slots=True)
class TrackingConfig:
    """Face tracking and smoothing (one-euro filter: Casiez, Roussel, Vogel, CHI 2012)."""

    max_faces: int = 3
    min_score: float = 0.5
    min_cutoff_hz: float = 10.0  # smoothing of a face at rest
    beta: float = 150.0  # how fast the smoothing gives way to motion, Hz for each IOD/s
    smooth: bool = True
    views: bool = False  # the picture of the face goes with its track: skin is read as well, 7 ms more

    def __post_init__(self) -> None:
        _within("max_faces", self.max_faces, 1, 16)
        _within("min_score", self.min_score, 0.0, 1.0)


@dataclass(frozen=True, slots=True)
class RetargetConfig:
    """Transfer of motion; gains of 1 copy the driver, 0 leaves the target at rest."""

    expression_gain: float = 1.0
    head_gain: float = 1.0
    gaze_gain: float = 1.0
    neutral: str = "auto"  # "auto": over the first good frames; "first": the first frame that shows a face
    calibration_frames: int = 15

    def __post_init__(self) -> None:
        for name in ("expression_gain", "head_gain", "gaze_gain"):
            _within(name, getattr(self, name), 0.0, 3.0)
        _one_of("neutral", self.neutral, ("auto", "first"))
        _within("calibration_frames", self.calibration_frames, 1, 1000)


MOUTHS = ("auto", "bank", "driver", "generated")


@dataclass(frozen=True, slots=True)
class GeneratorConfig:
    """The network and where it runs."""

    model: str = "portrait-256"
    network: bool = True  # False: the base picture as it is
    mouth: str = "auto"
    provider: str = "auto"  # auto, cpu, cuda, tensorrt, coreml, directml
    allow_cpu: bool = False
    threads: int = 1  # a second pool thread loses when the tracker owns the other core
    retry_s: float = 0.25  # after a device's fault the generator is made anew after so long, then twice as long
    retry_most_s: float = 2.0

    def __post_init__(self) -> None:
        _within("retry_s", self.retry_s, 0.01, self.retry_most_s)
        _one_of("mouth", self.mouth, MOUTHS)
        _one_of("provider", self.provider, ("auto", "cpu", "cuda", "tensorrt", "coreml", "directml"))
        _within("threads", self.threads, 1, 64)


@dataclass(frozen=True, slots=True)
class GateConfig:
    """How long the last motion is held and how the target returns to rest, seconds; see reenact.gate."""

    hold_s: float = 0.5
    ease_s: float = 1.0  # back to rest
    ease_in_s: float = 0.3  # from rest, or from the motion held, to the driver's
    good_frames: int = 3
    stale_s: float = 0.25  # live: no new picture for so long means that the driver cannot be read

    def __post_init__(self) -> None:
        for name in ("hold_s", "ease_s", "ease_in_s", "stale_s"):
            _within(name, getattr(self, name), 0.0, 60.0)
        _within("good_frames", self.good_frames, 1, 1000)


@dataclass(frozen=True, slots=True)
class LiveConfig:
    """The live loop, see reenact.live."""

    rate: float = 30.0  # pictures/s at the sink, when the camera is no faster
    stop_s: float = 1.2  # how long the threads may take to end
    stuck_s: float = 1.0  # with no picture made for so long the slate takes the place of the last one
    adapt: bool = True  # whether something is left out on a machine that is too slow, see AdaptConfig

    def __post_init__(self) -> None:
        _within("rate", self.rate, 1, 1000)
        _within("stop_s", self.stop_s, 0.1, 60)
        _within("stuck_s", self.stuck_s, 0.1, 60)


@dataclass(frozen=True, slots=True)
class AdaptConfig:
    """When something is left out on a slow machine, and when it is taken up again; see reenact.ladder."""

    slow: float = 0.9  # of a period: more, and what little the system takes makes pictures come too late
    easy: float = 0.7
    window_s: float = 2.0
    patience_s: float = 10.0
    tries: int = 5  # turns by which it is known before the start what fits, see reenact.trial
    try_s: float = 0.5  # seconds that these may take, for each thing left out

    def __post_init__(self) -> None:
        _within("slow", self.slow, 0.1, 10.0)
        _within("easy", self.easy, 0.05, self.slow)
        _within("window_s", self.window_s, 0.1, 60.0)
        _within("patience_s", self.patience_s, 0.0, 3600.0)
        _within("tries", self.tries, 2, 1000)
        _within("try_s", self.try_s, 0.0, 60.0)


PRESETS = ("ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow", "slower", "veryslow")


@dataclass(frozen=True, slots=True)
class RecorderConfig:
    """Video files: x264 at a quality that looks lossless."""

    crf: int = 14
    preset: str = "veryfast"  # of x264
    live_preset: str = "ultrafast"  # 8.3 ms of one core for 1280x720, superfast 11.1; 6 % larger, as good (42.8 dB)
    matrix: str = "auto"  # bt709 from 1280 columns or 720 rows on, below bt601: what players assume of untagged files

    def __post_init__(self) -> None:
        _within("crf", self.crf, 0, 51)
        for name in ("preset", "live_preset"):
            _one_of(name, getattr(self, name), PRESETS)
        _one_of("matrix", self.matrix, ("auto", "bt709", "bt601"))


@dataclass(frozen=True, slots=True)
class CoverageConfig:
    """Recording a target, see reenact.targets.record."""

    calibration_frames: int = 15  # at rest, from which the neutral face is taken
    calibrate_s: float = 4.0  # after which it is taken from whatever was seen
    patience_s: float = 10.0  # without anything new until the next prompt
    most_s: float = 150.0
    near_px: float = 60.0  # between the outer eye corners, under which the person is asked to come nearer
    dark_level: float = 40.0  # mean grey level of the face under which it is too dark

    def __post_init__(self) -> None:
        _within("calibration_frames", self.calibration_frames, 1, 1000)
        for name in ("calibrate_s", "patience_s", "most_s"):
            _within(name, getattr(self, name), 0.1, 3600.0)


@dataclass(frozen=True, slots=True)
class PreviewConfig:
    """The preview window."""

    title: str = "reenact"
    mirror: bool = True  # the driver's own little picture in the preview; never the output


LABELS = ("auto", "on", "off")


@dataclass(frozen=True, slots=True)
class WatermarkConfig:
    """How strong the watermark is, see reenact.provenance.watermark."""

    strength: float = 1.0  # of the measured compromise: 43 dB at the least; 0.5 is weaker by 6 dB

    def __post_init__(self) -> None:
        _within("watermark strength", self.strength, 0.25, 1.0)


@dataclass(frozen=True, slots=True)
class FinishConfig:
    """What is put on every finished picture, see reenact.finish."""

    watermark: bool = True
    label: str = "auto"  # auto: on unless the target is the user's own face or nobody's
    language: str = "en"  # of the label

    def __post_init__(self) -> None:
        _one_of("label", self.label, LABELS)
        _one_of("label language", self.language, tuple(LANGUAGES))


@dataclass(frozen=True, slots=True)
class VerifyConfig:
    """Looking into a stranger's file, see reenact.provenance.verify."""

    frames: int = 30  # looked at for a watermark; as many are taken from a camera
    seconds: float = 60.0  # one answer may take so long: the first one compiles kernels
    bytes_per_s: float = 20e6  # and so much longer by the file's size
    memory: int = 4_000_000_000  # bytes

    def __post_init__(self) -> None:
        _within("frames", self.frames, 1, 1000)
        _within("seconds", self.seconds, 0.01, 3600)


@dataclass(frozen=True, slots=True)
class BlendConfig:
    """Poisson blending of the generated face, see reenact.blending.PoissonBlender."""

    resolution: str = "auto"
    boundary_memory: float = 0.5  # halves the flicker of a grainy scene, trails by one frame
    clamp: float | None = 3.0  # robust deviations; a boundary on skin never meets it, one on hair does
    feather_px: int = 8
    rim_px: int = 4  # of full resolution along the boundary: the worst pixels from 15 grey levels to 4
    colour: float = 0.0  # 0..1: colour transfer before blending, for patches whose light differs much

    def __post_init__(self) -> None:
        _one_of("resolution", self.resolution, ("auto", "full", "half", "quarter"))
        _within("boundary_memory", self.boundary_memory, 0.0, 1.0)
        if self.clamp is not None:
            _within("clamp", self.clamp, 0.0, 1000.0)
        _within("feather_px", self.feather_px, 0, 64)
        _within("rim_px", self.rim_px, 0, 32)
        _within("colour", self.colour, 0.0, 1.0)
