"""Whether a window can be opened, found out without trying in this process: Qt ends one that has no display."""

import os
import re
import socket
import subprocess
import sys
from pathlib import Path

_PROBE = "import cv2; cv2.namedWindow('reenact'); cv2.waitKey(1); cv2.destroyAllWindows()"
_X11 = re.compile(r"^(?P<host>[^:]*):(?P<number>\d+)(\.\d+)?$")


def has_display(probe: bool = True) -> bool:
    """Whether OpenCV can open a window here.

    On Linux the X server is called first, and then, with `probe`, a child process opens a window (about half a
    second): a server may still refuse, and libraries may be missing.  OpenCV's wheels bring Qt for X11 only, so
    a Wayland session counts where it runs Xwayland, as all the usual ones do.
    """
    if not sys.platform.startswith("linux"):
        return True
    if not _answers(os.environ.get("DISPLAY", "")):
        return False
    return not probe or _opens()


def _answers(display: str) -> bool:
    """Whether the X server listens."""
    match = _X11.match(display)
    if match is None:
        return False
    host, number = match["host"], int(match["number"])
    if host in ("", "unix"):
        path = f"/tmp/.X11-unix/X{number}"
        return _connects(socket.AF_UNIX, path) or _connects(socket.AF_UNIX, f"\0{path}")
    return _connects(socket.AF_INET, (host, 6000 + number))


def _connects(family: socket.AddressFamily, address: object) -> bool:
    try:
        with socket.socket(family, socket.SOCK_STREAM) as link:
            link.settimeout(2.0)
            link.connect(address)  # type: ignore[arg-type]
    except (OSError, OverflowError, UnicodeError):
        return False
    return True


def _opens() -> bool:
    try:
        done = subprocess.run(
            [sys.executable, "-c", _PROBE], capture_output=True, timeout=20, cwd=Path(sys.prefix), check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0
