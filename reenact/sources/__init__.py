"""Where pictures come from: files, cameras, and made-up ones for tests."""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from reenact.sources.camera import Camera, CameraInfo, list_cameras
    from reenact.sources.lasting import LastingCamera
    from reenact.sources.media import PictureFile, VideoFile, open_media, read_picture
    from reenact.sources.paced import LoopedVideo, Paced
    from reenact.sources.synthetic import SyntheticSource

__all__ = [
    "Camera",
    "CameraInfo",
    "LastingCamera",
    "LoopedVideo",
    "Paced",
    "PictureFile",
    "SyntheticSource",
    "VideoFile",
    "list_cameras",
    "open_media",
    "read_picture",
]

_HOMES = {
    "Camera": "camera",
    "CameraInfo": "camera",
    "LastingCamera": "lasting",
    "LoopedVideo": "paced",
    "Paced": "paced",
    "PictureFile": "media",
    "SyntheticSource": "synthetic",
    "VideoFile": "media",
    "list_cameras": "camera",
    "open_media": "media",
    "read_picture": "media",
}


def __getattr__(name: str) -> Any:
    """Each name is imported when it is first used."""
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'reenact.sources' has no attribute {name!r}")
    return getattr(importlib.import_module(f"reenact.sources.{home}"), name)
