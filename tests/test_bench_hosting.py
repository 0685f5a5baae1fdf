"""The measurement of the virtual camera's process: each way is really timed, and its parts are those of the whole."""

import json
import tempfile
from pathlib import Path

import pytest

from reenact.bench import hosting
from reenact.cli import main
from reenact.config import VirtualCameraConfig
from reenact.sinks import VirtualCamera


@pytest.fixture
def runtime(monkeypatch):
    with tempfile.TemporaryDirectory(prefix="rt") as place:
        monkeypatch.setenv("XDG_RUNTIME_DIR", place)
        patient = VirtualCameraConfig(leave_s=0.0, answer_s=30.0, stuck_s=60.0)
        monkeypatch.setattr(hosting, "VirtualCameraConfig", lambda **_: patient)
        yield Path(place)


def test_both_ways_are_timed(runtime):
    measured = hosting.measure(size=(64, 48), rate=10, rounds=2)
    rows = {row.name: row for row in measured.series}
    assert set(rows) == {hosting.DIRECT, hosting.HOSTED, hosting.WRITTEN, hosting.HEARD}
    assert {row.count for row in measured.series} == {20}
    assert measured.pictures == 20
    assert measured.ratio == pytest.approx(rows[hosting.HOSTED].p50_ms / rows[hosting.DIRECT].p50_ms)
    assert measured.ratio > 1  # two processes are never as quick as one
    parts = rows[hosting.WRITTEN].p50_ms + rows[hosting.HEARD].p50_ms
    assert 0 < parts <= 3 * rows[hosting.HOSTED].p95_ms


def test_the_command_saves_what_it_measured(runtime, tmp_path, capsys):
    path = tmp_path / "vcam.json"
    assert main(["bench", "vcam", "--size", "64x48", "--rate", "10", "--rounds", "1", "--json", str(path)]) == 0
    assert "times as long as without the process" in capsys.readouterr().out
    saved = json.loads(path.read_text())
    assert (saved["device"], saved["size"], saved["pictures"]) == ("converting", [64, 48], 10)
    assert saved["machine"]["cores"] >= 1
    assert main(["bench", "vcam", "--size", "large", "--json", str(path)]) == 2


def test_the_converting_device_is_a_real_host_of_its_own(runtime):
    with hosting._hosted(hosting.CONVERTING, (64, 48), 10) as camera:
        assert isinstance(camera, VirtualCamera)
        assert (camera.name, camera.trouble) == (hosting.CONVERTING, "")
        assert Path(f"/proc/{camera.host}").exists() or not Path("/proc").exists()
