"""What works on this machine, part by part, and the one next step where something does not."""

from collections.abc import Callable, Iterator

from reenact.doctor import devices, parts, runtime
from reenact.doctor.finding import Finding, State
from reenact.errors import ReenactError

__all__ = ["CHECKS", "Finding", "State", "examine"]

CHECKS: dict[str, Callable[[], list[Finding]]] = {
    "python": parts.python,
    "packages": parts.packages,
    "opencv": parts.opencv,
    "video files": parts.video,
    "tracking": parts.tracking,
    "blending": parts.blending,
    "kernel cache": parts.kernel_cache,
    "signing": parts.signing,
    "models": runtime.models,
    "cuda": runtime.cuda,
    "provider": runtime.providers,
    "generator": runtime.generator,
    "camera": devices.cameras,
    "virtual camera": devices.virtual_camera,
    "display": devices.display,
}
NEEDED = ("python", "packages", "opencv", "video files", "tracking", "blending", "models", "generator")
STEPS = {
    "opencv": "on Debian and Ubuntu: apt-get install libgl1 libglib2.0-0",
    "tracking": "install mediapipe 0.10.21 anew: pip install --force-reinstall mediapipe==0.10.21",
    "blending": "install numba anew: pip install --force-reinstall numba",
    "video files": "install PyAV anew: pip install --force-reinstall av",
    "signing": "files are kept unsigned; install it anew: pip install --force-reinstall c2pa-python",
    "provider": "install ONNX Runtime anew: pip install --force-reinstall onnxruntime-gpu",
}


def examine() -> Iterator[Finding]:
    """Every part, one after the other; each is really used, not only looked for."""
    for part, check in CHECKS.items():
        broken = State.BROKEN if part in NEEDED else State.MISSING
        try:
            yield from check()
        except ReenactError as error:
            sentence, step = _parted(str(error))
            yield Finding(part, broken, sentence, step)
        except Exception as error:
            seen = f"{type(error).__name__}: {error}".splitlines()[0]
            yield Finding(part, broken, seen, STEPS.get(part, ""))


def _parted(sentence: str) -> tuple[str, str]:
    """What is wrong, and what to do: the package's errors have a colon between, after all that is in brackets."""
    depth = 0
    for at in range(len(sentence) - 1, 0, -1):
        depth += (sentence[at] == ")") - (sentence[at] == "(")
        if depth == 0 and sentence[at : at + 2] == ": ":
            return sentence[:at], sentence[at + 2 :]
    return sentence, ""
