"""`reenact bench glass` with two real v4l2loopback devices, in the emulated machine of test_devices.py.

    python -m pytest -m release tests/release/test_glass.py -s

What is tested is that numbers come through the devices, the engine and the virtual camera's process, in order; the
milliseconds are the emulation's.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from test_devices import GENERIC, HERE, MACHINE, RATE, ROOT, SIZE, TOOLS

from reenact import assets
from reenact.bench.latency import on_canvas

pytestmark = [pytest.mark.release, pytest.mark.timeout(6500)]

SECONDS = 6000  # at most
_GUEST = """
export {variables}
glass="{python} patient.py bench glass --size {size} --rate {rate} --patience 2700 --provider cpu"
TERM=dumb $glass --play /dev/video11 --read /dev/video11 --seconds 10 --json alone.json
TERM=dumb $glass --play /dev/video11 --read /dev/video10 --seconds 30 --json glass.json -t small
"""


@pytest.fixture(scope="module")
def share() -> Path:
    lacking = [tool for tool in TOOLS if shutil.which(tool, path=f"{os.environ['PATH']}:/sbin:/usr/sbin") is None]
    if lacking:
        pytest.skip(f"needs {', '.join(lacking)}: see tests/release/vm/machine.sh")
    if not (MACHINE / "ramdisk.gz").exists():
        subprocess.run([HERE / "vm" / "machine.sh", "prepare", MACHINE], check=True)
    share = MACHINE / "share"
    for old in ("alone.json", "glass.json"):
        (share / old).unlink(missing_ok=True)
    outside = {**os.environ, **GENERIC, "REENACT_HOME": str(share / "home"), "NUMBA_CACHE_DIR": str(share / "numba")}
    reenact = [sys.executable, "-m", "reenact"]
    subprocess.run([*reenact, "warmup"], check=True, env=outside, cwd=ROOT, capture_output=True)
    if not (share / "home" / "targets" / "small").exists():
        with on_canvas(assets.PHOTO, SIZE) as picture:
            add = ["target", "add", str(picture), "--name", "small", "--consent", "synthetic"]
            subprocess.run([*reenact, *add], check=True, env=outside, cwd=ROOT, capture_output=True)
    inside = {**GENERIC, "REENACT_HOME": "/mnt/home", "NUMBA_CACHE_DIR": "/mnt/numba", "PYTHONPATH": str(ROOT)}
    variables = " ".join(f"{name}={value}" for name, value in inside.items())
    size = f"{SIZE[0]}x{SIZE[1]}"
    shutil.copy(HERE / "vm" / "patient.py", share / "patient.py")
    script = _GUEST.format(variables=variables, python=sys.executable, size=size, rate=RATE)
    (share / "glass.sh").write_text(script)
    subprocess.run([HERE / "vm" / "machine.sh", "run", MACHINE, str(SECONDS), "bash", "glass.sh"], check=False)
    return share


@pytest.mark.parametrize("name", ["alone", "glass"])
def test_numbers_come_through(share: Path, name: str) -> None:
    path = share / f"{name}.json"
    assert path.exists(), "the measurement did not end: its words are above"
    found = json.loads(path.read_text())
    assert found["seen"] >= 5
    late = found["latency"]
    assert 0 < late["p50"] <= late["p95"] <= late["max"]
    times = [at for at, _ in found["ages"]]
    assert times == sorted(times)
    assert (found["coding_ms"] is None) == (name == "alone")


def test_the_engine_takes_longer_than_the_device_alone(share: Path) -> None:
    alone, whole = (json.loads((share / f"{name}.json").read_text()) for name in ("alone", "glass"))
    assert whole["latency"]["p50"] > alone["latency"]["p50"]
