"""Where finished pictures go: files, windows, virtual cameras, or several at once."""

from reenact.sinks.display import has_display
from reenact.sinks.hud import HudStats, draw_hud
from reenact.sinks.null import NullSink
from reenact.sinks.picture import PictureWriter
from reenact.sinks.preview import Preview
from reenact.sinks.recorder import Recorder
from reenact.sinks.several import Fanout
from reenact.sinks.slate import slate
from reenact.sinks.virtualcam import VirtualCamera

__all__ = [
    "Fanout",
    "HudStats",
    "NullSink",
    "PictureWriter",
    "Preview",
    "Recorder",
    "VirtualCamera",
    "draw_hud",
    "has_display",
    "slate",
]
