"""Files as sources: finds out what a file is and opens it."""

from pathlib import Path

from reenact.config import MediaConfig
from reenact.sources.header import read_header
from reenact.sources.picture import PictureFile, read_picture
from reenact.sources.video import VideoFile

__all__ = ["PictureFile", "VideoFile", "open_media", "read_picture"]


def open_media(path: Path | str, config: MediaConfig | None = None) -> VideoFile | PictureFile:
    """The file as a source, by its content: a picture gives one frame, a video and an animated GIF all of theirs.

    An animated WebP or PNG counts as a picture, its first.  Raises SourceError with one sentence.
    """
    config = config or MediaConfig()
    kind = read_header(Path(path), config).kind
    if kind == "gif":
        video = VideoFile(path, config)
        if _has_two(video):
            return VideoFile(path, config)
        return PictureFile(path, config)
    return PictureFile(path, config) if kind else VideoFile(path, config)


def _has_two(video: VideoFile) -> bool:
    with video:
        return video.read() is not None and video.read() is not None
