"""`reenact warmup`: compile ahead of the first frame."""

import time


def warmup() -> None:
    """Compiles the kernels into the cache on disk, so that the first start is as quick as the others."""
    from reenact import assets
    from reenact.assembly import open_engine
    from reenact.cli.console import out
    from reenact.cli.opening import opened_target, waiting, warm
    from reenact.cli.options import ConsentKind

    start = time.monotonic()
    warm()
    for file in (assets.PHOTO, assets.VIDEO):
        with opened_target(str(file), ConsentKind.synthetic, "") as target, open_engine(target) as engine, waiting():
            engine.rehearse()
    out.print(f"ready after {time.monotonic() - start:.1f} s")
