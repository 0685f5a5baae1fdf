"""One heap for all threads, in a process of its own."""

import platform
import subprocess
import sys

import pytest

COUNTED = """
import ctypes, sys, threading
sys.path[:0] = {path!r}
from reenact.arenas import one_arena
if {one}:
    assert one_arena()
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
together = threading.Barrier(4)
def work():
    together.wait()
    libc.malloc(1000)
    together.wait()
threads = [threading.Thread(target=work) for _ in range(4)]
for thread in threads: thread.start()
for thread in threads: thread.join()
libc.fdopen.restype = ctypes.c_void_p
out = ctypes.c_void_p(libc.fdopen(1, b"w"))
libc.malloc_info(0, out)
libc.fflush(out)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="glibc's heaps")
@pytest.mark.parametrize("one", [True, False])
def test_threads_share_a_heap_where_that_was_asked_for(one: bool) -> None:
    script = COUNTED.format(path=sys.path, one=one)
    told = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    heaps = told.stdout.count("<heap nr=")
    assert (heaps == 1) == one, told.stdout


def test_elsewhere_it_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    from reenact.arenas import one_arena

    monkeypatch.setattr(sys, "platform", "darwin")
    assert not one_arena()
