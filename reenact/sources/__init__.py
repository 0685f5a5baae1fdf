"""Where pictures come from: files, cameras, and made-up ones for tests."""

from reenact.sources.camera import Camera, CameraInfo, list_cameras
from reenact.sources.media import PictureFile, VideoFile, open_media, read_picture
from reenact.sources.paced import LoopedVideo, Paced
from reenact.sources.synthetic import SyntheticSource

__all__ = [
    "Camera",
    "CameraInfo",
    "LoopedVideo",
    "Paced",
    "PictureFile",
    "SyntheticSource",
    "VideoFile",
    "list_cameras",
    "open_media",
    "read_picture",
]
