"""The doctor: every part looked at, whatever breaks; its exit status."""

import importlib.metadata
import json
from collections.abc import Callable

import cv2
import numpy as np
import pytest
from fakecamera import FakeCapture, camera_tree
from fakedevice import folder_camera

from reenact import doctor
from reenact.bench import machine
from reenact.cli import main
from reenact.doctor import Finding, State, devices, examine, parts, runtime
from reenact.errors import DeviceError, ModelError
from reenact.generation import gpulibraries, session, weights
from reenact.sinks import virtualcam
from reenact.sources import v4l2

Checks = dict[str, Callable[[], list[Finding]]]


def ok(part: str) -> list[Finding]:
    return [Finding(part, State.OK, "fine")]


def broken() -> list[Finding]:
    raise ImportError("libGL.so.1: cannot open shared object file")


def missing() -> list[Finding]:
    raise DeviceError("no virtual camera can be opened (v4l2loopback: none is loaded): install v4l2loopback-dkms")


@pytest.fixture
def checks(monkeypatch: pytest.MonkeyPatch) -> Checks:
    fine: Checks = {name: (lambda name=name: ok(name)) for name in doctor.CHECKS}  # type: ignore[misc]
    monkeypatch.setattr(doctor, "CHECKS", fine)
    return fine


def test_all_well_is_status_0(checks: Checks, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor"]) == 0
    out = capsys.readouterr().out
    assert all(name in out for name in checks)


def test_what_is_needed_and_broken_is_status_1_with_its_next_step(
    checks: Checks, capsys: pytest.CaptureFixture[str]
) -> None:
    checks["opencv"] = broken
    assert main(["doctor"]) == 1
    out = capsys.readouterr().out
    assert "libGL.so.1" in out
    assert "apt-get install libgl1 libglib2.0-0" in out
    assert "display" in out  # the others were looked at all the same


def test_a_missing_device_is_told_and_does_not_count(checks: Checks, capsys: pytest.CaptureFixture[str]) -> None:
    checks["virtual camera"] = missing
    assert main(["doctor"]) == 0
    assert "virtual camera: install v4l2loopback-dkms" in capsys.readouterr().out


def test_a_broken_provider_counts_only_if_it_is_the_cpu(checks: Checks) -> None:
    for name, status in (("cuda", 0), ("cpu", 1)):
        state = State.BROKEN if name == "cpu" else State.MISSING
        checks["provider"] = lambda state=state: [Finding("provider", state, "no")]  # type: ignore[misc]
        assert main(["doctor"]) == status


def test_json_says_the_same(checks: Checks, capsys: pytest.CaptureFixture[str]) -> None:
    checks["virtual camera"] = missing
    checks["opencv"] = broken
    assert main(["doctor", "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    rows = {row["part"]: row for row in told["found"]}
    assert list(rows) == list(checks)
    assert rows["virtual camera"]["state"] == "missing"
    assert rows["virtual camera"]["seen"] == "no virtual camera can be opened (v4l2loopback: none is loaded)"
    assert rows["virtual camera"]["step"] == "install v4l2loopback-dkms"
    assert rows["opencv"]["state"] == "broken"
    assert told["machine"]["cores"] >= 1


@pytest.mark.parametrize(
    "part",
    ["python", "packages", "opencv", "video files", "tracking", "blending", "kernel cache", "models", "generator"],
)
def test_the_real_parts_work_here(part: str) -> None:
    found = doctor.CHECKS[part]()
    assert [finding.state for finding in found] == [State.OK], found
    assert found[0].seen


def test_every_part_has_a_step_or_its_own_words() -> None:
    assert set(doctor.NEEDED) <= set(doctor.CHECKS)
    assert set(doctor.STEPS) <= set(doctor.CHECKS)


# Packages, kernels, models.


def test_two_packages_that_share_a_folder_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    real = importlib.metadata.version
    monkeypatch.setattr(importlib.metadata, "version", lambda name: "1.2" if name == "onnxruntime" else real(name))
    finding = parts.packages()[0]
    assert finding.state is State.BROKEN
    assert "onnxruntime-gpu and onnxruntime are both installed" in finding.seen
    assert finding.step == "pip uninstall -y onnxruntime-gpu onnxruntime && pip install onnxruntime-gpu"


def test_the_kernels_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = parts.kernel_cache()[0].seen
    assert int(seen.split()[0]) + int(seen.split(" kernels loaded, ")[1].split()[0]) >= 4
    assert "__pycache__" in seen or "numba" in seen


def test_a_damaged_model_is_broken(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:  # type: ignore[no-untyped-def]
    for path in weights.models_folder().iterdir():
        if path.suffix in (".toml", ".onnx"):
            content = path.read_bytes()
            (tmp_path / path.name).write_bytes(content[:-1] + b"x" if path.suffix == ".onnx" else content)
    monkeypatch.setattr(weights, "models_folder", lambda: tmp_path)
    rows = {finding.part: finding for finding in _examined("models")}
    assert rows["models"].state is State.BROKEN
    assert "is not the file of" in rows["models"].seen
    assert "install reenact again" in rows["models"].step


def _examined(*names: str) -> list[Finding]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(doctor, "CHECKS", {name: doctor.CHECKS[name] for name in names})
        return list(examine())


# Providers and CUDA.


def test_every_provider_is_run_or_says_why_not(monkeypatch: pytest.MonkeyPatch) -> None:
    lacking = {"cuda": "libcublasLt.so.13", "tensorrt": "libnvinfer.so.10"}
    monkeypatch.setattr(gpulibraries, "missing", lambda name: lacking.get(name, ""))
    monkeypatch.setattr(machine, "gpus", lambda: ["NVIDIA X"])
    listed = [session.PROVIDERS[name] for name in ("cpu", "cuda", "tensorrt")]
    monkeypatch.setattr("onnxruntime.get_available_providers", lambda: listed)
    rows = {finding.part: finding for finding in runtime.providers()}
    assert list(rows) == ["provider cpu", "provider cuda", "provider tensorrt"]
    assert rows["provider cpu"].state is State.OK
    assert float(rows["provider cpu"].seen.split(" in ")[1].split()[0]) > 0
    assert rows["provider cuda"].seen == "libcublasLt.so.13 is missing"
    assert rows["provider cuda"].step == "pip install 'onnxruntime-gpu[cuda,cudnn]'"
    assert rows["provider tensorrt"].step == "pip install tensorrt"
    monkeypatch.setattr(machine, "gpus", list)
    assert runtime.providers()[1].step == "fine without an NVIDIA GPU"


def test_numbers_that_are_not_finite_are_no_success() -> None:
    class Nan:
        entry = weights.find_model("portrait-256")

        def run(self, inputs: dict[str, np.ndarray]) -> list[np.ndarray]:
            return [np.full(1, np.nan, np.float32) for _ in self.entry.outputs]

    with pytest.raises(ModelError, match="not finite in flow"):
        runtime.timed(Nan())


@pytest.mark.parametrize(
    ("found", "cards", "library", "state", "words", "step"),
    [
        ({}, [], "", "missing", "found neither driver nor libraries; no NVIDIA GPU", "install its driver first"),
        ({"driver": "12.4"}, ["A100"], "", "missing", "a driver for CUDA up to 12.4; A100", "update NVIDIA's driver"),
        ({"driver": "13.0"}, ["A100"], "libcudnn.so.9", "missing", "libcudnn.so.9 is missing", "pip install"),
        ({"driver": "13.0", "CUDA": "13.0", "cuDNN": "9.10.2"}, ["H100"], "", "ok", "cuDNN 9.10.2; H100", ""),
    ],
)
def test_cuda_wanted_and_found(  # type: ignore[no-untyped-def]
    found, cards, library, state, words, step, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gpulibraries, "cuda_wanted", lambda: "13.0")
    monkeypatch.setattr(gpulibraries, "versions", lambda: found)
    monkeypatch.setattr(gpulibraries, "missing", lambda _: library)
    monkeypatch.setattr(machine, "gpus", lambda: cards)
    finding = runtime.cuda()[0]
    assert finding.state.value == state
    assert "wanted CUDA 13.0 and cuDNN 9; found" in finding.seen
    assert words in finding.seen
    assert step in finding.step
    assert bool(finding.step) == bool(step)


# Devices.


class Noisy(FakeCapture):
    """Pictures with noise, at 320x240."""

    def read(self) -> tuple[bool, np.ndarray | None]:
        taken, pixels = super().read()
        if pixels is not None:
            pixels[::8, ::8] = self.count % 200
        return taken, pixels


class Black(FakeCapture):
    def read(self) -> tuple[bool, np.ndarray | None]:
        return super().read()[0], np.full((240, 320, 3), self.count % 5, np.uint8)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:  # type: ignore[no-untyped-def]
    camera_tree(tmp_path, monkeypatch, {2: "USB Cam: HD"})
    monkeypatch.setattr(devices, "_SECONDS", 0.2)


def test_a_camera_is_opened_and_described(quick: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cv2, "VideoCapture", Noisy)
    finding = devices.cameras()[0]
    assert (finding.part, finding.state) == ("camera 2", State.OK)
    assert finding.seen.startswith("USB Cam: HD: 640x480 MJPG, ")
    assert "pictures a second" in finding.seen


def test_a_covered_camera_is_told(quick: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cv2, "VideoCapture", Black)
    finding = devices.cameras()[0]
    assert finding.state is State.MISSING
    assert "but it gives black pictures" in finding.seen
    assert finding.step == "open its shutter, or take its cap off"


def test_a_busy_camera_is_told_with_who_has_it(quick: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cv2, "VideoCapture", type("Closed", (FakeCapture,), {"opens": False}))
    monkeypatch.setattr(v4l2, "holders", lambda _: ["zoom (process 7)"])
    finding = devices.cameras()[0]
    assert finding.state is State.MISSING
    assert "zoom (process 7) is using it" in finding.seen
    assert finding.step == "close that program"


def test_a_loopback_that_nobody_writes_to_is_no_camera(quick: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cv2, "VideoCapture", type("Closed", (FakeCapture,), {"opens": False}))
    monkeypatch.setattr(v4l2, "capability", lambda _: v4l2.Capability("v4l2 loopback", True, True))
    finding = devices.cameras()[0]
    assert (finding.part, finding.seen) == ("camera", "none is connected")


def test_the_virtual_camera_is_opened_and_a_running_call_is_no_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    with folder_camera(monkeypatch) as camera:
        monkeypatch.setattr(virtualcam, "VirtualCamera", lambda size: camera.opened())
        finding = devices.virtual_camera()[0]
        assert (finding.state, finding.seen) == (State.OK, f"{camera.folder.name} (fake)")
        with camera.opened():
            finding = devices.virtual_camera()[0]
            assert finding.state is State.OK
            assert "another reenact (process" in finding.seen


def test_the_step_is_the_end_of_the_sentence_and_not_of_what_is_in_brackets(checks: Checks) -> None:
    def taken() -> list[Finding]:
        raise DeviceError("no virtual camera can be opened (/dev/video10: it is busy): to get one, do this (or: that)")

    checks["virtual camera"] = taken
    finding = next(f for f in examine() if f.part == "virtual camera")
    assert finding.seen == "no virtual camera can be opened (/dev/video10: it is busy)"
    assert finding.step == "to get one, do this (or: that)"
