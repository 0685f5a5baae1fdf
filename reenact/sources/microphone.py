"""The microphone: blocks of sound, each with the time at which it was heard.

Through PortAudio (the module `sounddevice`, which MediaPipe brings along; on Linux it wants the package libportaudio2),
else through FFmpeg's devices as far as the installed PyAV has them (ALSA on Linux, AVFoundation on macOS, DirectShow
on Windows).
"""

import contextlib
import sys
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from reenact.clock import Clock, MonotonicClock
from reenact.errors import DeviceError

Samples = npt.NDArray[np.float32]

RATE = 48000
_BLOCK_S = 0.02
_KEPT_S = 10.0  # what waits when nobody takes it; older sound is left out


@dataclass(frozen=True, slots=True, eq=False)
class SoundBlock:
    """samples (n, channels) float32, -1..1, heard one after the other from the clock's time t_heard on."""

    samples: Samples
    t_heard: float


class Ear(Protocol):
    """What sound can be taken from; a Microphone, or a stand-in.

    - `rate` is samples a second, `channels` how many there are at each time.
    - `take` must return at once what was heard since the last call, oldest first.
    - `trouble` is "" while it hears.
    """

    rate: int
    channels: int
    trouble: str

    def take(self) -> list[SoundBlock]: ...

    def close(self) -> None: ...


class Microphone:
    """An `Ear`.

    device  "default", or a name or a part of one
    Raises DeviceError, with each way's reason, when it cannot be opened.
    """

    def __init__(self, device: str = "default", clock: Clock | None = None) -> None:
        self._clock = clock or MonotonicClock()
        self._lock = threading.Lock()
        self._blocks: deque[SoundBlock] = deque()
        self._kept = 0.0  # seconds in _blocks
        self.rate, self.channels, self.trouble = RATE, 1, ""
        self._closing = threading.Event()
        reasons = []
        self._release: Callable[[], None] = lambda: None
        for way in (self._through_portaudio, self._through_ffmpeg):
            try:
                self._release = way(device)
                return
            except DeviceError as error:
                reasons.append(str(error))
        raise DeviceError(
            f"the microphone {device!r} cannot be opened ({'; '.join(reasons)}): give the name of one with --sound, "
            "or leave the sound out"
        )

    def hear(self, samples: Samples, t_heard: float) -> None:
        """Keeps a block; for whatever fills it."""
        with self._lock:
            self._blocks.append(SoundBlock(samples, t_heard))
            self._kept += len(samples) / self.rate
            while self._kept > _KEPT_S:
                self._kept -= len(self._blocks.popleft().samples) / self.rate

    def take(self) -> list[SoundBlock]:
        with self._lock:
            blocks = list(self._blocks)
            self._blocks.clear()
            self._kept = 0.0
        return blocks

    def _through_portaudio(self, device: str) -> Callable[[], None]:
        try:
            import sounddevice
        except (ImportError, OSError):
            mend = ": sudo apt-get install libportaudio2" if sys.platform.startswith("linux") else ""
            raise DeviceError(f"PortAudio is not installed{mend}") from None

        def heard(samples: Samples, frames: int, times: Any, status: Any) -> None:
            age = times.currentTime - times.inputBufferAdcTime  # of the block's first sample
            if not 0 < age < 1:  # some drivers give no times
                age = frames / self.rate
            self.hear(samples.copy(), self._clock.now() - age)

        try:
            stream = sounddevice.InputStream(
                samplerate=self.rate,
                blocksize=round(self.rate * _BLOCK_S),
                device=None if device == "default" else device,
                channels=self.channels,
                dtype="float32",
                callback=heard,
            )
            stream.start()
        except (sounddevice.PortAudioError, ValueError) as error:
            raise DeviceError(f"PortAudio: {_first_line(error)}") from None

        def release() -> None:
            with contextlib.suppress(sounddevice.PortAudioError):
                stream.close()

        return release

    def _through_ffmpeg(self, device: str) -> Callable[[], None]:
        import av

        platform = "linux" if sys.platform.startswith("linux") else sys.platform
        way = {"linux": "alsa", "darwin": "avfoundation", "win32": "dshow"}.get(platform, "oss")
        if way not in av.formats_available:
            raise DeviceError(f"this PyAV has no {way}")
        name = {"avfoundation": f":{device}", "dshow": f"audio={device}"}.get(way, device)
        try:
            container = av.open(name, format=way)
        except (av.FFmpegError, ValueError) as error:
            reason = getattr(error, "strerror", None) or _first_line(error)
            raise DeviceError(f"{way}: {reason.lower()}") from None
        thread = threading.Thread(target=self._read_on, args=(container,), name="microphone", daemon=True)
        thread.start()

        def release() -> None:
            self._closing.set()
            thread.join(timeout=0.5)  # it closes the device itself; one that hangs in its driver is left behind

        return release

    def _read_on(self, container: Any) -> None:
        import av

        resampler = av.AudioResampler(format="flt", layout="mono", rate=self.rate)
        try:
            with container:
                for decoded in container.decode(audio=0):
                    now = self._clock.now()
                    for frame in resampler.resample(decoded):
                        samples = frame.to_ndarray().reshape(-1, self.channels).astype(np.float32)
                        self.hear(samples, now - len(samples) / self.rate)
                    if self._closing.is_set():
                        return
        except av.FFmpegError as error:
            self.trouble = f"the microphone is lost ({(error.strerror or 'no reason given').lower()})"

    def close(self) -> None:
        release, self._release = self._release, lambda: None
        release()

    def __enter__(self) -> "Microphone":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".")
