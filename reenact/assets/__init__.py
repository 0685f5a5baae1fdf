"""The built-in driver and targets: rendered people who do not exist (see NOTICE)."""

from pathlib import Path

_HERE = Path(__file__).parent
DRIVER = _HERE / "driver.mp4"  # 8 s, 640x480, begins with a neutral face
PHOTO = _HERE / "photo.jpg"  # 1280x720
VIDEO = _HERE / "video.mp4"  # 4.5 s, 1280x720
