"""Where everything lies that this program keeps for its user.

$REENACT_HOME where that is set, else the system's place for a user's data ($XDG_DATA_HOME/reenact or
~/.local/share/reenact; ~/Library/Application Support/reenact on macOS; %LOCALAPPDATA%\\reenact on Windows).
"""

import os
import sys
from pathlib import Path


def home() -> Path:
    """The folder of everything this program keeps for the user."""
    if place := os.environ.get("REENACT_HOME"):
        return Path(place).expanduser()
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData/Local") / "reenact"
    if sys.platform == "darwin":
        return Path.home() / "Library/Application Support/reenact"
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local/share") / "reenact"
