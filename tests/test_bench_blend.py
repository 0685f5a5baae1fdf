"""`reenact.bench.blend`: its truth is the truth, its pictures are what they say, and what it prints is saved."""

import io
import json
from pathlib import Path

import cv2
import naive
import numpy as np
import pytest
from rich.console import Console
from test_blending_poisson import scene

from reenact.bench import blend, exact, pairs
from reenact.errors import InputError


@pytest.mark.parametrize("mixed", [False, True])
@pytest.mark.parametrize("at", [(30, 20), (0, 0), (60, 40)])
def test_the_exact_solver_equals_its_naive_twin(at: tuple[int, int], mixed: bool) -> None:
    patch, frame, mask = scene(24)
    small = np.ascontiguousarray(frame[:64, :84])
    want = naive.poisson_exact(patch, small, mask, at, mixed).clip(0, 255)
    assert np.abs(exact.solve(patch, small, mask, at, mixed) - want).max() < 1e-6


def test_generated_pairs_are_what_the_table_says() -> None:
    for pair in pairs.generated(128):
        assert pair.frame.shape == (720, 1280, 3)
        assert pair.patch.shape == (128, 128, 3)
        assert 0.7 < (pair.mask > 0).mean() < 0.78
    first, again = pairs.generated(64)[0], pairs.generated(64)[0]
    assert np.array_equal(first.patch, again.patch)


def test_a_small_run_prints_and_saves_the_table(tmp_path: Path) -> None:
    shown = io.StringIO()
    threads = cv2.getNumThreads()
    result = blend.run(tmp_path / "new" / "blend.json", sizes=(40,), rounds=6, console=Console(file=shown, width=120))
    assert cv2.getNumThreads() == threads
    saved = json.loads((tmp_path / "new" / "blend.json").read_text())
    assert saved == json.loads(json.dumps(result))
    assert {"cpu", "cores", "packages"} <= set(saved["machine"])
    rows = {row["method"]: row for row in saved["rows"]}
    ours = rows["reenact, new mask"]
    assert ours["ms"] > 0
    assert ours["mean_error"] < 1.0
    assert ours["changed_outside"] == 0
    assert rows["reenact mixed, new mask"]["mean_error"] < 0.4
    assert rows["OpenCV NORMAL"]["against_opencv"] == pytest.approx(1.0)
    assert rows["OpenCV NORMAL"]["mean_error"] > ours["mean_error"]
    assert "OpenCV MIXED" in shown.getvalue()
    assert "GB/s" in shown.getvalue()


def test_a_folder_without_faces_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no folder"):
        pairs.real(tmp_path / "nowhere", 64)
    with pytest.raises(InputError, match="at least 2"):
        pairs.real(tmp_path, 64)
