"""The package's face: its names, what importing costs, and the loop in its docstring."""

import re
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

import reenact
from reenact import assets


def test_every_public_name_is_there_and_there_are_few() -> None:
    assert len(reenact.__all__) <= 15
    for name in reenact.__all__:
        assert getattr(reenact, name) is not None
    assert set(reenact._HOMES) == set(reenact.__all__) - {"__version__"}
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = reenact.nonsense


def test_importing_does_no_work() -> None:
    heavy = ("mediapipe", "onnxruntime", "numba", "av", "pyvirtualcam", "cv2")
    code = f"import sys, reenact; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_loop_in_the_docstring_runs_with_the_real_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from reenact.sources import open_media

    assert reenact.__doc__ is not None
    example = re.search(r"\n((?: {4}.*\n|\n)+)", reenact.__doc__.split("is a call:")[1])
    assert example is not None
    code = textwrap.dedent(example.group(1)).strip()
    assert len([line for line in code.splitlines() if line.strip()]) <= 12
    _short_driver(tmp_path / "driver.mp4", 20)
    (tmp_path / "photo.jpg").write_bytes(assets.PHOTO.read_bytes())
    monkeypatch.chdir(tmp_path)
    exec(compile(code, "the docstring", "exec"), {})
    with open_media(tmp_path / "out.mp4") as made:
        assert made.size == (1280, 720)
        assert made.frames == 20


def _short_driver(path: Path, frames: int) -> None:
    """The first frames of the built-in driver."""
    from reenact.sinks import Recorder
    from reenact.sources import VideoFile
    from reenact.types import Composite, Kind

    with VideoFile(assets.DRIVER) as driver, Recorder(path, driver.size, rate=driver.rate) as out:
        for _ in range(frames):
            frame = driver.read()
            assert frame is not None
            out.send(Composite(frame.pixels, frame.seq, frame.t_capture, Kind.LIVE))
