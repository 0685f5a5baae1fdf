"""Examining a stranger's file in a process of its own: whatever it does to the libraries, this process goes on.

The worker (`python -m reenact.provenance.worker`) takes one question a line and gives one answer a line, as JSON.  It
may use a limited amount of memory, and is ended when an answer takes too long.
"""

import contextlib
import json
import os
import queue
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

from reenact.config import VerifyConfig


class Gave(Exception):
    """The worker gave no answer: the sentence says why."""


class Bounded:
    """A worker process, started when it is first asked and again after it was lost; use it in a `with` statement.

    command  what to start in place of the worker, for tests
    """

    def __init__(self, config: VerifyConfig | None = None, command: list[str] | None = None) -> None:
        self._config = config or VerifyConfig()
        self._command = command or [sys.executable, "-m", "reenact.provenance.worker"]
        self._process: subprocess.Popen[str] | None = None
        self._answers: queue.Queue[str] = queue.Queue()
        self.started = 0

    def ask(self, task: str, path: Path, **more: Any) -> dict[str, Any]:
        """The worker's answer about a file; Gave where it died or took longer than the file's size allows."""
        size = path.stat().st_size if path.exists() else 0
        limit_s = self._config.seconds + size / self._config.bytes_per_s
        question = json.dumps({"task": task, "path": str(path.absolute()), **more})
        process = self._process if self._process is not None and self._process.poll() is None else self._start()
        assert process.stdin is not None
        try:
            process.stdin.write(question + "\n")
            process.stdin.flush()
            line = self._answers.get(timeout=limit_s)
        except (OSError, ValueError):
            line = ""
        except queue.Empty:
            self.close()
            raise Gave(f"it was not examined within {limit_s:.0f} s") from None
        except BaseException:  # the answer that is still to come belongs to no later question
            self.close()
            raise
        if not line:
            self.close()
            raise Gave("examining it ended the process that did so")
        try:
            answer = json.loads(line)
        except ValueError:
            self.close()
            raise Gave("what examined it answered nonsense") from None
        if not isinstance(answer, dict):
            self.close()
            raise Gave("what examined it answered nonsense")
        if "error" in answer:
            raise Gave(str(answer["error"]))
        return answer

    def _start(self) -> "subprocess.Popen[str]":
        self.close()
        root = str(Path(__file__).resolve().parents[2])
        path = os.pathsep.join([root, *filter(None, [os.environ.get("PYTHONPATH")])])
        environment = {**os.environ, "PYTHONPATH": path, "REENACT_WORKER_BYTES": str(self._config.memory)}
        self._process = subprocess.Popen(
            self._command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
            text=True,
            encoding="utf-8",
            errors="replace",
        )
        self.started += 1
        self._answers = queue.Queue()
        threading.Thread(target=_pump, args=(self._process, self._answers), daemon=True).start()
        return self._process

    def close(self) -> None:
        """Ends the worker; may be called twice."""
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        process.wait()
        if process.stdin is not None:
            with contextlib.suppress(OSError):
                process.stdin.close()

    def __enter__(self) -> "Bounded":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _pump(process: "subprocess.Popen[str]", answers: "queue.Queue[str]") -> None:
    """Lines of the worker into the queue, an empty one at its end."""
    assert process.stdout is not None
    with process.stdout:
        for line in process.stdout:
            answers.put(line)
    answers.put("")
