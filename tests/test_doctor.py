"""The doctor: every part looked at, whatever breaks; its exit status."""

import pytest

from reenact import doctor
from reenact.cli import main
from reenact.doctor import Finding, State
from reenact.errors import DeviceError


def ok(part: str) -> Finding:
    return Finding(part, State.OK, "fine")


def broken() -> Finding:
    raise ImportError("libGL.so.1: cannot open shared object file")


def missing() -> Finding:
    raise DeviceError("no virtual camera can be opened (v4l2loopback: none is loaded): install v4l2loopback-dkms")


@pytest.fixture
def parts(monkeypatch: pytest.MonkeyPatch) -> dict[str, object]:
    checks: dict[str, object] = {name: (lambda name=name: ok(name)) for name in doctor.CHECKS}
    monkeypatch.setattr(doctor, "CHECKS", checks)
    return checks


def test_all_well_is_status_0(parts: dict[str, object], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor"]) == 0
    out = capsys.readouterr().out
    assert all(name in out for name in parts)


def test_what_is_needed_and_broken_is_status_1_with_its_next_step(
    parts: dict[str, object], capsys: pytest.CaptureFixture[str]
) -> None:
    parts["opencv"] = broken
    assert main(["doctor"]) == 1
    out = capsys.readouterr().out
    assert "libGL.so.1" in out
    assert "apt-get install libgl1 libglib2.0-0" in out
    assert "display" in out  # the others were looked at all the same


def test_a_missing_device_is_told_and_does_not_count(
    parts: dict[str, object], capsys: pytest.CaptureFixture[str]
) -> None:
    parts["virtual camera"] = missing
    assert main(["doctor"]) == 0
    assert "virtual camera: install v4l2loopback-dkms" in capsys.readouterr().out


@pytest.mark.parametrize("part", ["python", "opencv", "video files", "tracking", "blending", "generator"])
def test_the_real_parts_work_here(part: str) -> None:
    finding = doctor.CHECKS[part]()
    assert finding.state is State.OK, finding
    assert finding.seen
