"""Memory that stays where it is over hours: one heap for all threads, with glibc.

By default each thread gets a heap ("arena") of its own, and a picture that one thread makes and another frees leaves
its hole in the first one's.  Nothing leaks, but 16 heaps of a live loop took 60 MB more than one and went on growing
by 34 MB an hour; with one it was no slower, since a picture takes a dozen large allocations.
"""

import contextlib
import ctypes
import sys

_M_ARENA_MAX = -8  # malloc.h


def one_arena() -> bool:
    """Keeps this process to one heap, as far as it has no more yet: for its start.  False where that cannot be had."""
    if not sys.platform.startswith("linux"):
        return False
    with contextlib.suppress(OSError, AttributeError):  # another C library
        return bool(ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 1))
    return False
