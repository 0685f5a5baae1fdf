"""Real-time face reenactment: a driver's face moves a target's face.

The whole loop, for a file; with `Camera(0)` and `VirtualCamera(target.size)` it is a call:

    from reenact import RetargetConfig, Recorder, VideoFile, open_engine, open_target

    with (
        VideoFile("driver.mp4") as driver,
        open_target("photo.jpg", consent="synthetic") as target,
        open_engine(target, RetargetConfig(neutral="first")) as engine,
        Recorder("out.mp4", target.size, rate=driver.rate) as sink,
    ):
        while (frame := driver.read()) is not None:
            reading = engine.read(frame)  # the driver's face, tracked: what it does against its neutral
            sink.send(engine.compose(reading, frame.seq, frame.t_capture))  # generated, blended, verified

`Live` runs the same in threads, `render` does all of it for a file.  The stages by themselves are in
reenact.sources, tracking, retarget, targets, generation, blending and sinks; their contracts in
reenact.stages, what flows between them in reenact.types.
"""

import importlib
from typing import TYPE_CHECKING, Any

from reenact.version import __version__

if TYPE_CHECKING:
    from reenact.assembly import open_engine
    from reenact.config import GeneratorConfig, RetargetConfig
    from reenact.engine import Engine
    from reenact.errors import ReenactError
    from reenact.live import Live
    from reenact.rendering import render
    from reenact.sinks import Preview, Recorder, VirtualCamera
    from reenact.sources import Camera, VideoFile
    from reenact.targets.library import add_target, open_target

__all__ = [
    "Camera",
    "Engine",
    "GeneratorConfig",
    "Live",
    "Preview",
    "Recorder",
    "ReenactError",
    "RetargetConfig",
    "VideoFile",
    "VirtualCamera",
    "__version__",
    "add_target",
    "open_engine",
    "open_target",
    "render",
]

_HOMES = {
    "Camera": "sources",
    "Engine": "engine",
    "GeneratorConfig": "config",
    "Live": "live",
    "Preview": "sinks",
    "Recorder": "sinks",
    "ReenactError": "errors",
    "RetargetConfig": "config",
    "VideoFile": "sources",
    "VirtualCamera": "sinks",
    "add_target": "targets.library",
    "open_engine": "assembly",
    "open_target": "targets.library",
    "render": "rendering",
}


def __getattr__(name: str) -> Any:
    """Each name is imported when it is first used: importing the package does no work."""
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'reenact' has no attribute {name!r}")
    return getattr(importlib.import_module(f"reenact.{home}"), name)
