"""A place for one item between two threads: the newest wins, so that delay cannot grow."""

import threading
from typing import Generic, TypeVar

T = TypeVar("T")


class Slot(Generic[T]):
    """Holds at most one item.  Putting into a full slot replaces the item and counts it as dropped.

    All methods may be called from any thread.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._item: T | None = None
        self._closed = False
        self._dropped = 0

    @property
    def dropped(self) -> int:
        """Items that were replaced before anybody took them."""
        return self._dropped

    @property
    def closed(self) -> bool:
        return self._closed

    def put(self, item: T) -> None:
        """Leaves `item` for the taker; on a closed slot it does nothing."""
        with self._changed:
            if self._closed:
                return
            if self._item is not None:
                self._dropped += 1
            self._item = item
            self._changed.notify()

    def take(self, timeout_s: float) -> T | None:
        """The item, waiting for it at most `timeout_s` seconds; None if none came or the slot is closed."""
        with self._changed:
            if self._item is None and not self._closed:
                self._changed.wait(timeout_s)
            item, self._item = self._item, None
            return item

    def close(self) -> None:
        """Wakes the taker and refuses every further item.  May be called twice."""
        with self._changed:
            self._closed = True
            self._item = None
            self._changed.notify_all()
