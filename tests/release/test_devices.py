"""End to end with real v4l2loopback devices, in a machine of its own: webcam -> `reenact live` -> a program in a call.

    python -m pytest -m release tests/release/test_devices.py -s        (make test-devices)

Needs Debian 12 on amd64 with what tests/release/vm/machine.sh names, and the network once, for the kernel's packages.
The machine is emulated in software, some fifty times slower: so the pictures are small, five a second are asked for,
new ones come about once a second, and what the program takes for a fault of camera, engine or device is made more
patient (vm/patient.py).  What is tested is behaviour, and of times that of the slate after kill -9, which waits for no
model.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from fakes import CANARY
from tracked import driver

from reenact import assets
from reenact.geometry import eye_distance
from reenact.sinks import slate
from reenact.sources import read_picture
from reenact.tracking import FaceMeshTracker
from reenact.tracking.topology import OVAL
from reenact.types import Frame

pytestmark = [pytest.mark.release, pytest.mark.timeout(7500)]

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
MACHINE = ROOT / "build" / "vm"
SIZE, CAMERA_RATE, RATE = (320, 240), 10, 5
TOOLS = ("qemu-system-x86_64", "ffmpeg", "cpio", "busybox", "gcc-12", "make", "bc", "modprobe", "xz", "apt-get")
# one machine code for the emulated and the real processor, or the emulated one compiles for half an hour
GENERIC = {"NUMBA_CPU_NAME": "x86-64-v2", "NUMBA_CPU_FEATURES": "+sse4.2,+ssse3"}
SECONDS = 7000  # at most; a machine that does nothing else needs about ten minutes


def _stamped(points: np.ndarray, pixels: np.ndarray) -> np.ndarray:
    """The driver's picture with the canary all about the face and, by half, in it."""
    hull = np.zeros(pixels.shape[:2], np.uint8)
    cv2.fillConvexPoly(hull, cv2.convexHull(np.round(points[OVAL, :2]).astype(np.int32)), 255)
    out = np.full_like(pixels, CANARY)
    tinted = cv2.addWeighted(pixels, 0.6, out, 0.4, 0)
    out[hull > 0] = tinted[hull > 0]
    return cv2.resize(out, SIZE, interpolation=cv2.INTER_AREA)


def _write_driver(path: Path) -> None:
    """Six seconds of the built-in driver, stamped, as a camera would give them."""
    import av

    frames, tracks = driver()
    with av.open(str(path), "w") as out:
        stream = out.add_stream("mjpeg", rate=CAMERA_RATE)
        stream.width, stream.height, stream.pix_fmt = *SIZE, "yuvj422p"
        stream.options = {"qmin": "2", "qmax": "3"}
        for frame, track in zip(frames, tracks, strict=True):
            picture = _stamped(track.points, frame.pixels)
            out.mux(stream.encode(av.VideoFrame.from_ndarray(picture, "bgr24")))
        out.mux(stream.encode(None))


def _write_target(share: Path, environment: dict[str, str]) -> None:
    """The built-in photo, without colour: whatever has any is not the target's."""
    photo = read_picture(assets.PHOTO)
    height, width = photo.shape[:2]
    side = height * 4 // 3
    cut = photo[:, (width - side) // 2 : (width + side) // 2]
    grey = cv2.cvtColor(cv2.resize(cut, SIZE, interpolation=cv2.INTER_AREA), cv2.COLOR_BGR2GRAY)
    cv2.imwrite(str(share / "grey.png"), grey)
    add = [sys.executable, "-m", "reenact", "target", "add", str(share / "grey.png"), "--name", "grey"]
    subprocess.run([*add, "--consent", "synthetic"], check=True, env=environment, cwd=ROOT, capture_output=True)
    np.save(share / "rest.npy", cv2.merge([grey] * 3))


@pytest.fixture(scope="module")
def seen() -> dict[str, object]:
    lacking = [tool for tool in TOOLS if shutil.which(tool, path=f"{os.environ['PATH']}:/sbin:/usr/sbin") is None]
    if lacking:
        pytest.skip(f"needs {', '.join(lacking)}: see tests/release/vm/machine.sh")
    if not (MACHINE / "ramdisk.gz").exists():
        subprocess.run([HERE / "vm" / "machine.sh", "prepare", MACHINE], check=True)
    share = MACHINE / "share"
    shutil.rmtree(share / "home", ignore_errors=True)
    for old in [*share.glob("*.npy"), share / "seen.json"]:
        old.unlink(missing_ok=True)
    inside = {**GENERIC, "REENACT_HOME": "/mnt/home", "NUMBA_CACHE_DIR": "/mnt/numba", "PYTHONPATH": str(ROOT)}
    outside = {**os.environ, **GENERIC, "REENACT_HOME": str(share / "home"), "NUMBA_CACHE_DIR": str(share / "numba")}
    subprocess.run([sys.executable, "-m", "reenact", "warmup"], check=True, env=outside, cwd=ROOT, capture_output=True)
    _write_driver(share / "driver.avi")
    _write_target(share, outside)
    np.save(share / "slate.npy", slate(SIZE))
    (share / "settings.json").write_text(json.dumps({"size": SIZE, "rate": RATE}))
    for script in ("guest.py", "patient.py"):
        shutil.copy(HERE / "vm" / script, share / script)
    variables = " ".join(f"{name}={value}" for name, value in inside.items())
    command = ["env", variables, sys.executable, "guest.py"]
    done = subprocess.run([HERE / "vm" / "machine.sh", "run", MACHINE, str(SECONDS), *command], check=False)
    assert (share / "seen.json").exists(), f"the machine ended with status {done.returncode} and saw nothing"
    found: dict[str, object] = json.loads((share / "seen.json").read_text())
    return found


def test_it_came_to_its_end(seen):
    assert seen.get("done"), f"the last thing seen was {list(seen)[-1]}; see {MACHINE / 'share' / 'live.err'}"


def test_size_and_rate_are_what_was_asked_for(seen):
    assert seen["size"] == list(SIZE)
    assert RATE / 2 < seen["rate"] < 1.3 * RATE  # paced by a process that shares two emulated cores with the tracker


def test_the_picture_is_the_targets_face_in_the_targets_picture(seen):
    rest = cv2.imread(str(MACHINE / "share" / "grey.png"))
    kept = [np.load(path) for path in sorted((MACHINE / "share").glob("moved-*.npy"))]
    assert len(kept) >= 3
    with FaceMeshTracker(still=True) as tracker:
        own = tracker.track(Frame(rest, 0, 0.0))
        tracks = [tracker.track(Frame(picture, n, 0.0)) for n, picture in enumerate(kept)]
    assert own is not None
    assert all(track is not None for track in tracks)
    size = eye_distance(own.points)
    for track in tracks:
        assert eye_distance(track.points) == pytest.approx(size, rel=0.25)
        assert np.linalg.norm(track.points[:, :2].mean(0) - own.points[:, :2].mean(0)) < size
    about = np.ones(rest.shape[:2], bool)
    x, y = own.points[:, 0], own.points[:, 1]
    about[:, max(0, int(x.min() - size)) : int(x.max() + size)] = False
    about[: max(0, int(y.min() - size)), :] = True
    assert about.any()
    for picture in kept:
        assert np.abs(picture[about].astype(int) - rest[about]).mean() < 6  # its own background


def test_nothing_of_the_driver_is_in_any_picture(seen):
    assert seen["traces of the driver"] == 0
    stamped = [np.load(path) for path in (MACHINE / "share").glob("moved-*.npy")]
    assert all(np.ptp(picture.astype(int), axis=2).max() < 60 for picture in stamped)  # as grey as the target


def test_an_unplugged_webcam_leads_to_rest_and_a_replugged_one_back(seen):
    assert "unplugged" in seen["live says"] or "no picture" in seen["live says"]
    assert seen["rest after unplugging"] is not None
    assert seen["moved after replugging"] is not None


def test_the_loop_outlives_who_watches(seen):
    assert seen["live outlives its watcher"] is True
    assert seen["moved for a second watcher"] is not None


def test_two_engines_do_not_share_a_virtual_camera(seen):
    pid = seen["live's process"]
    assert f"another reenact (process {pid}) sends to /dev/video10" in seen["a second engine hears"]
    assert seen["hosts"] == 1


def test_a_killed_engine_leaves_the_slate_within_a_second(seen):
    assert seen["slate after kill -9"] < 1.0
    assert seen["shown after kill -9"] == ["slate"]


def test_the_next_engine_gets_the_same_host(seen):
    assert seen["the next engine"] == "opened"
    assert seen["the same host"] is True
    assert 14 < seen["host lingered"] < 40


def test_doctor_finds_what_there_is(seen):
    assert seen["doctor's status"] == 0, seen["doctor"]
    rows = {row["part"]: row for row in seen["doctor"]}
    assert rows["camera 11"]["state"] == "ok"
    assert rows["camera 11"]["seen"].startswith("fakecam: 320x240")
    assert rows["virtual camera"]["state"] == "ok"
    assert rows["virtual camera"]["seen"] == "/dev/video10 (v4l2loopback)"
    assert rows["provider cpu"]["state"] == "ok"
    assert rows["display"]["state"] == "missing"
