"""What happens inside the machine: a fake webcam, `reenact live`, and a program that watches the virtual camera.

Run there as `python guest.py`, from a folder with `settings.json`, `slate.npy`, `rest.npy` and `driver.avi`; writes
`seen.json`, the findings by name, and pictures.  Only numpy is imported: under emulation all else costs half a minute.
"""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

SETTINGS = json.loads(Path("settings.json").read_text())
WIDTH, HEIGHT = SETTINGS["size"]
CAMERA, VCAM = "/dev/video11", "/dev/video10"
SLATE, REST = np.load("slate.npy"), np.load("rest.npy")
ALIKE = 6.0  # mean grey levels that a picture may differ from another by its trip through the device
TRACE = 60  # grey levels, as in tests/fakes.py
seen: dict[str, object] = {}


def note(name: str, value: object) -> None:
    seen[name] = value
    print(f"{time.monotonic():7.1f}  {name}: {value}", flush=True)
    Path("seen.json").write_text(json.dumps(seen))


def until(what: str, happens: Callable[[], object], limit_s: float) -> float:
    """How long it took, which is noted."""
    began = time.monotonic()
    while not happens():
        if time.monotonic() - began > limit_s:
            note(what, None)
            raise SystemExit(f"{what}: not within {limit_s} s")
        time.sleep(0.02)
    took = time.monotonic() - began
    note(what, round(took, 2))
    return took


class Watcher:
    """A program in a call: reads the virtual camera with ffmpeg and says of every picture what it is."""

    def __init__(self, name: str) -> None:
        self.kinds: list[tuple[float, str]] = []
        self.traces = 0
        self._name, self._kept = name, 0
        command = ["ffmpeg", "-hide_banner", "-loglevel", "error", "-fflags", "nobuffer", "-f", "v4l2", "-i", VCAM]
        command += ["-fps_mode", "passthrough", "-f", "rawvideo", "-pix_fmt", "bgr24", "pipe:1"]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE)
        threading.Thread(target=self._watch, daemon=True).start()

    def _watch(self) -> None:
        assert self.process.stdout is not None
        count = WIDTH * HEIGHT * 3
        while len(content := self.process.stdout.read(count)) == count:
            pixels = np.frombuffer(content, np.uint8).reshape(HEIGHT, WIDTH, 3)
            kind = self._kind(pixels)
            self.kinds.append((time.monotonic(), kind))
            if kind == "moved":
                if self._kept % 10 == 0 and self._kept < 120:
                    np.save(f"moved-{self._name}-{self._kept:03}.npy", pixels)
                self._kept += 1

    def _kind(self, pixels: np.ndarray) -> str:
        if _apart(pixels, SLATE) < ALIKE:
            return "slate"
        blue, green, red = (pixels[..., c].astype(np.int16) for c in range(3))
        self.traces += int(((np.minimum(blue, red) - green > TRACE) | (green - np.maximum(blue, red) > TRACE)).sum())
        if (np.abs(pixels.astype(np.int16) - pixels[0, 0]) < 12).all():
            return f"plain {int(pixels[0, 0, 0]) // 50}"
        if (np.abs(pixels.astype(np.int16) - REST) > 25).sum() < 30:  # pixels that a moved mouth would change
            return "rest"
        return "moved" if _apart(pixels, REST) < 60 else "another"

    @property
    def last(self) -> str:
        return self.kinds[-1][1] if self.kinds else ""

    def since(self, began: float) -> list[tuple[float, str]]:
        return [one for one in self.kinds if one[0] >= began]

    def rate(self) -> float:
        times = [at for at, _ in self.kinds][-60:]
        return (len(times) - 1) / (times[-1] - times[0])

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


def _apart(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.abs(a.astype(np.int16) - b).mean())


def webcam() -> "subprocess.Popen[bytes]":
    from reenact.sources import v4l2

    v4l2.rearm(Path(CAMERA))  # or it takes no second writer after a first that was killed
    command = ["ffmpeg", "-hide_banner", "-loglevel", "error", "-re", "-stream_loop", "-1", "-i", "driver.avi"]
    return subprocess.Popen([*command, "-vf", "format=yuyv422", "-f", "v4l2", CAMERA])


def live() -> "subprocess.Popen[bytes]":
    command = [sys.executable, "patient.py", "live", "-t", "grey", "--camera", CAMERA, "--vcam", VCAM]
    command += ["--no-preview", "--mouth", "generated", "--rate", str(SETTINGS["rate"]), "--provider", "cpu"]
    return subprocess.Popen(command, stdout=Path("live.out").open("wb"), stderr=Path("live.err").open("wb"))


def said(words: str) -> bool:
    return words in Path("live.err").read_text(errors="replace")


def complaints() -> list[str]:
    """What live has said of a webcam without pictures."""
    lines = Path("live.err").read_text(errors="replace").splitlines()
    return [line for line in lines if "unplugged" in line or "no picture" in line]


def hosts() -> list[int]:
    """The camera hosts that run."""
    found = []
    for comm in Path("/proc").glob("[0-9]*/comm"):
        try:
            if comm.read_text().startswith("reenact-camera"):
                found.append(int(comm.parent.name))
        except OSError:
            continue
    return found


OTHER = """
import sys, time
import patient
import numpy as np
from reenact.errors import DeviceError
from reenact.sinks import VirtualCamera, slate
from reenact.types import Composite, Kind
size, rate = (int(sys.argv[1]), int(sys.argv[2])), float(sys.argv[3])
slate(size)
print("ready", flush=True)
camera = None
for line in sys.stdin:
    try:
        camera = VirtualCamera(size, rate, "/dev/video10")
        print("opened", flush=True)
    except DeviceError as error:
        print(error, flush=True)
        continue
    n = 0
    while True:
        camera.send(Composite(np.full((size[1], size[0], 3), 120, np.uint8), n, 0.0, Kind.LIVE))
        n += 1
        time.sleep(1 / rate)
"""


class Other:
    """Another engine: opens the same virtual camera when told to, and sends plain pictures."""

    def __init__(self) -> None:
        command = [sys.executable, "-c", OTHER, str(WIDTH), str(HEIGHT), str(SETTINGS["rate"])]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == "ready\n"

    def opens(self) -> str:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().strip()


def main() -> None:
    camera = webcam()
    engine = live()
    until("start of live", lambda: said("drives grey") or engine.poll() is not None, 2400)
    if engine.poll() is not None:
        note("live ended with", [engine.returncode, Path("live.err").read_text(errors="replace")[-300:]])
        raise SystemExit(1)
    watcher = Watcher("first")
    until("first moved picture", lambda: watcher.last == "moved", 1200)
    began = time.monotonic()
    until("a hundred pictures", lambda: len(watcher.since(began)) > 100, 600)
    note("rate", round(watcher.rate(), 2))
    note("size", _format_size())
    note("kinds", sorted({kind for _, kind in watcher.since(began)}))

    before = len(complaints())
    camera.kill()  # the webcam is unplugged: its device gives no pictures, and with exclusive_caps=1 is no camera
    camera.wait()
    until("a word of it", lambda: len(complaints()) > before, 300)
    note("live says", complaints()[-1])
    until("rest after unplugging", lambda: watcher.last == "rest", 300)
    camera = webcam()
    until("moved after replugging", lambda: watcher.last == "moved", 600)

    watcher.kill()
    time.sleep(2)
    note("live outlives its watcher", engine.poll() is None)
    watcher = Watcher("second")
    until("moved for a second watcher", lambda: watcher.last == "moved", 600)

    other = Other()
    note("a second engine hears", other.opens())
    note("live's process", engine.pid)
    held = hosts()
    note("hosts", len(held))

    began = time.monotonic()
    engine.send_signal(signal.SIGKILL)
    until("slate after kill -9", lambda: watcher.last == "slate", 20)
    first = next(at for at, kind in watcher.since(began) if kind == "slate")
    note("slate after kill -9", round(first - began, 3))
    time.sleep(1)
    note("shown after kill -9", sorted({kind for _, kind in watcher.since(first)}))
    note("the next engine", other.opens())
    until("its pictures", lambda: watcher.last == "plain 2", 60)
    note("the same host", hosts() == held)
    began = time.monotonic()
    other.process.kill()
    until("slate after its kill -9", lambda: watcher.last == "slate", 20)
    note("traces of the driver", watcher.traces)
    until("end of the host", lambda: not hosts(), 60)
    note("host lingered", round(time.monotonic() - began, 1))
    watcher.kill()

    doctor = subprocess.run([sys.executable, "patient.py", "doctor", "--json"], capture_output=True, text=True)
    note("doctor's status", doctor.returncode)
    note("doctor", json.loads(doctor.stdout)["found"] if doctor.stdout.startswith("{") else doctor.stderr[-500:])
    camera.kill()
    note("done", True)


def _format_size() -> list[int]:
    from reenact.sources import v4l2

    return list(v4l2.format_size(Path(VCAM)) or ())


if __name__ == "__main__":
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[name] = "1"
    main()
