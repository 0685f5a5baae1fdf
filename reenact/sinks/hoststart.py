"""Starting a camera host, without waiting longer than wanted."""

import json
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

_started: list["subprocess.Popen[str]"] = []  # they end in their own time, and are then taken leave of


class HostStart:
    """A host that is being started.

    command   what to run; settings are added as its last argument
    """

    def __init__(self, settings: str, command: Sequence[str] = ()) -> None:
        _started[:] = [process for process in _started if process.poll() is None]
        root = str(Path(__file__).resolve().parents[2])
        path = os.pathsep.join([root, *filter(None, [os.environ.get("PYTHONPATH")])])
        environment = {**os.environ, "PYTHONPATH": path, "OPENBLAS_NUM_THREADS": "1"}
        apart: dict[str, Any] = {"start_new_session": True}  # a Ctrl-C or a closed terminal is not for it
        if sys.platform == "win32":
            apart = {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW}
        self.process = subprocess.Popen(
            [*(command or (sys.executable, "-P", "-m", "reenact.sinks.camerahost")), settings],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # pyvirtualcam writes a line for each picture it cannot write
            env=environment,
            text=True,
            **apart,
        )
        _started.append(self.process)
        self._lines: queue.Queue[str] = queue.Queue()
        threading.Thread(target=_read_line, args=(self.process, self._lines), daemon=True).start()

    def answer(self, timeout_s: float) -> dict[str, Any] | None:
        """What the host says, None if it has not said it yet."""
        try:
            line = self._lines.get(timeout=timeout_s) if timeout_s > 0 else self._lines.get_nowait()
        except queue.Empty:
            return None
        try:
            answer = json.loads(line)
        except ValueError:
            answer = None
        if isinstance(answer, dict):
            return answer
        status = self.process.wait()
        return {"refused": f"the camera's process ended with status {status}: run it by hand, {_by_hand(self.process)}"}

    def kill(self) -> None:
        self.process.kill()


def _read_line(process: "subprocess.Popen[str]", lines: "queue.Queue[str]") -> None:
    assert process.stdout is not None
    with process.stdout:
        lines.put(process.stdout.readline())


def _by_hand(process: "subprocess.Popen[str]") -> str:
    import shlex

    return shlex.join(map(str, process.args)) if isinstance(process.args, list) else str(process.args)
