"""Where pictures come from: files, cameras, and made-up ones for tests."""

from reenact.sources.media import PictureFile, VideoFile, open_media, read_picture

__all__ = ["PictureFile", "VideoFile", "open_media", "read_picture"]
