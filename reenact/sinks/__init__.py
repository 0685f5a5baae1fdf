"""Where finished pictures go: files, windows, virtual cameras, or several at once."""

from reenact.sinks.recorder import Recorder

__all__ = ["Recorder"]
