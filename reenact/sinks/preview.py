"""A window on the screen."""

import cv2

from reenact.config import PreviewConfig
from reenact.errors import DeviceError, SinkError
from reenact.sinks.display import has_display
from reenact.sinks.hud import HudStats, draw_hud, draw_inset
from reenact.types import Composite, Frame


class Preview:
    """A Sink that shows each picture in a window; send and poll_key must be called in the thread that made it.

    stats    what the head-up display shows from now on; None: nothing is written over the picture
    driver   the driver's newest picture, shown small in a corner of this window and nowhere else; None: not shown
    mirror   whether the driver is shown as in a mirror
    closed   True once the user has closed the window; pictures sent then are quietly not shown
    Raises DeviceError where no window can be opened.
    """

    def __init__(self, size: tuple[int, int], config: PreviewConfig | None = None) -> None:
        self._config = config or PreviewConfig()
        self.size, self.mirror = size, self._config.mirror
        self.stats: HudStats | None = None
        self.driver: Frame | None = None
        self.closed = False
        if not has_display():
            raise DeviceError("there is no display to open a window on: leave the preview out, or set DISPLAY")
        try:
            cv2.namedWindow(self._config.title, cv2.WINDOW_NORMAL | cv2.WINDOW_KEEPRATIO)
            cv2.resizeWindow(self._config.title, *size)
        except cv2.error:
            raise DeviceError("this OpenCV cannot open windows: install opencv-contrib-python, not -headless") from None
        self._shown = False

    def send(self, composite: Composite) -> None:
        if not isinstance(composite, Composite):
            raise TypeError(f"a Preview takes a Composite, not {type(composite).__name__}")
        height, width = composite.pixels.shape[:2]
        if (width, height) != self.size:
            raise SinkError(f"a picture of {width}x{height} came, the preview is {self.size[0]}x{self.size[1]}")
        if self.closed:
            return
        pixels = composite.pixels
        if self.driver is not None:
            pixels = draw_inset(pixels, self.driver.pixels, self.mirror)
        if self.stats is not None:
            pixels = draw_hud(pixels, self.stats)
        try:
            cv2.imshow(self._config.title, pixels)
        except cv2.error as error:
            raise DeviceError(f"the preview window is lost ({error.err})") from None
        self._shown = True

    def poll_key(self) -> str:
        """The key pressed since the last call, "" for none, "esc" and "enter" by name; draws the window too."""
        if self.closed:
            return ""
        code = cv2.waitKey(1) & 0xFF
        try:
            visible = cv2.getWindowProperty(self._config.title, cv2.WND_PROP_VISIBLE)
        except cv2.error:
            visible = 0.0
        if self._shown and visible < 1:
            self.closed = True
            return ""
        named = {255: "", 27: "esc", 13: "enter", 10: "enter"}
        return named.get(code, chr(code))

    def close(self) -> None:
        if not self.closed:
            self.closed = True
            try:
                cv2.destroyWindow(self._config.title)
                cv2.waitKey(1)
            except cv2.error:
                pass  # the user was faster

    def __enter__(self) -> "Preview":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
