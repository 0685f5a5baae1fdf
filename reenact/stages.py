"""The contracts between the stages.  Implementations share these sentences, not code.

Source -> Tracker -> Retargeter -> (Target, Generator) -> Blender -> gate -> Sink
"""

from typing import Protocol, runtime_checkable

from reenact.types import Composite, FaceTrack, Frame, InnerMouth, Motion, Patch, Shot


@runtime_checkable
class Source(Protocol):
    """Gives pictures one after the other.

    - `size` (width, height) and `rate` (frames/s) must be what is really delivered, known once it is open.
    - `live` must be True for a device that keeps producing whether or not anybody reads.
    - `read` must return Frames with seq 0, 1, 2, ...; None means that a file is at its end; a live source
      must raise DeviceError when the device is lost or silent for longer than its configured time-out.
    - `close` may be called twice, and from another thread while `read` waits.
    """

    size: tuple[int, int]
    rate: float
    live: bool

    def read(self) -> Frame | None: ...

    def close(self) -> None: ...


@runtime_checkable
class Tracker(Protocol):
    """Finds the face of one person and keeps to it.

    - `track` must return None, not a guess, when the followed face cannot be read.
    - `inner_mouth` must give nothing of the picture but what is inside the lips; None when they are closed.
    - `reset` forgets the person followed.
    """

    def track(self, frame: Frame) -> FaceTrack | None: ...

    def inner_mouth(self, frame: Frame, track: FaceTrack) -> InnerMouth | None: ...

    def reset(self) -> None: ...

    def close(self) -> None: ...


@runtime_checkable
class Retargeter(Protocol):
    """Turns tracks of one driver into Motion against that driver's neutral face.

    - `ready` must be False until a neutral is known; `retarget` then returns None while it gathers one.
    - `calibrate` sets the neutral: to a given track at once, or with None to be gathered anew.
    - a change of FaceTrack.subject must start a new calibration.
    """

    ready: bool

    def calibrate(self, track: FaceTrack | None = None) -> None: ...

    def retarget(self, track: FaceTrack) -> Motion | None: ...


@runtime_checkable
class Target(Protocol):
    """A prepared target, ready to be driven.

    - `kind` is "photo" or "video"; `size` (width, height) of the output; `rate` frames/s (a photo: 0).
    - `shot(n, motion)` must give the n-th moment: a video plays forward and backward without a jump
      (n = 0, 1, ..., last, last - 1, ...) and ignores the motion's pose; a photo ignores n and moves the
      head as the motion says, its picture at rest for None.
    """

    name: str
    kind: str
    size: tuple[int, int]
    rate: float

    def shot(self, n: int, motion: Motion | None) -> Shot: ...

    def close(self) -> None: ...


@runtime_checkable
class Generator(Protocol):
    """Makes the target's face do what the motion says.

    - `generate` must return a Patch with the motion's seq and t_capture; it must not change the shot.
    - `mouth` is the driver's inner mouth, None where it is closed or not asked for.
    """

    def generate(self, shot: Shot, motion: Motion, mouth: InnerMouth | None) -> Patch: ...

    def close(self) -> None: ...


@runtime_checkable
class Painter(Protocol):
    """Target, generator and blender in one, for a device that keeps its pictures: one copy up and one down a picture.

    A Generator that is a Painter too is asked to paint instead.
    - `paint` must return a Patch that shows what the middle of the face became, and the LIVE Composite, both with
      the motion's seq and t_capture and in memory of their own; None where the target's n-th moment shows no face.
    """

    def paint(self, n: int, motion: Motion, mouth: InnerMouth | None) -> tuple[Patch, Composite] | None: ...


@runtime_checkable
class Blender(Protocol):
    """Puts a patch into the target's picture.

    - outside the patch's mask not one pixel may change;
    - the result must be a LIVE Composite with the patch's seq and t_capture, in memory of its own.
    """

    def blend(self, patch: Patch, shot: Shot) -> Composite: ...


@runtime_checkable
class Sink(Protocol):
    """Takes finished pictures away.

    - `send` must take nothing but a Composite, of the size the sink was opened with, and must raise
      SinkError (DeviceError for a lost device) when the picture was not taken.
    - `close` may be called twice; what was sent before must be kept.
    """

    def send(self, composite: Composite) -> None: ...

    def close(self) -> None: ...


@runtime_checkable
class SelfMending(Protocol):
    """A Source or a Sink that finds its device again; it is asked whether it is one, most are not.

    - `trouble` must be "" while all is well, else what is wrong in one clause for the HUD, such as "USB Cam is
      unplugged"; it may be read from any thread.
    - a self-mending source's `read` must raise NoPicture, having waited no longer than half a second, for as long
      as there is trouble: the device is gone and looked for, it is silent, or its pictures are black or frozen and
      so show no driver.  Who reads goes on reading.  DeviceError of another kind means that it has given up.
    - a source may come back with pictures of another size and rate; its `seq` goes on.
    - a self-mending sink's `send` must not raise for a lost device, nor wait for it: such a picture is dropped, and
      `trouble` is then not "", so that nobody counts it as shown.
    """

    @property
    def trouble(self) -> str: ...


@runtime_checkable
class Acknowledging(Protocol):
    """A Sink that knows when a picture was really written; it is asked whether it is one, most are not.

    - `written_at` must be the time, of reenact.clock.MonotonicClock, at which the picture sent last was with its
      device; None where that is not known, and the end of `send` has to do.
    """

    @property
    def written_at(self) -> float | None: ...
