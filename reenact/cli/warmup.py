"""`reenact warmup`: compile ahead of the first frame."""

import time


def warmup() -> None:
    """Compiles the kernels into the cache on disk, so that the first start is as quick as the others."""
    from reenact.cli.console import out
    from reenact.cli.opening import warm

    start = time.monotonic()
    warm()
    out.print(f"ready after {time.monotonic() - start:.1f} s")
