"""Where finished pictures go: files, windows, virtual cameras, or several at once."""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from reenact.sinks.card import slate
    from reenact.sinks.display import has_display
    from reenact.sinks.hud import HudStats, draw_hud
    from reenact.sinks.null import NullSink
    from reenact.sinks.picture import PictureWriter
    from reenact.sinks.preview import Preview
    from reenact.sinks.recorder import Recorder
    from reenact.sinks.several import Fanout
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

_HOMES = {
    "Fanout": "several",
    "HudStats": "hud",
    "NullSink": "null",
    "PictureWriter": "picture",
    "Preview": "preview",
    "Recorder": "recorder",
    "VirtualCamera": "virtualcam",
    "draw_hud": "hud",
    "has_display": "display",
    "slate": "card",
}


def __getattr__(name: str) -> Any:
    """Each name is imported when it is first used: the virtual camera's own process lives here and needs few."""
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'reenact.sinks' has no attribute {name!r}")
    return getattr(importlib.import_module(f"reenact.sinks.{home}"), name)
