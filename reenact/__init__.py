"""Real-time face reenactment: a driver's face moves a target's face."""

from reenact.version import __version__

__all__ = ["__version__"]
