"""Video devices of Linux, asked without streaming: what there is, what it can do, who holds it.

Structures: the kernel's videodev2.h.  The folders are module constants so that tests can make a tree of their own.
"""

import os
import stat
import struct
from dataclasses import dataclass
from pathlib import Path

SYS = Path("/sys/class/video4linux")
DEV = Path("/dev")
PROC = Path("/proc")

_QUERYCAP = 0x80685600  # _IOR('V', 0, struct v4l2_capability), 104 bytes
_ENUM_FMT = 0xC0405602  # _IOWR('V', 2, struct v4l2_fmtdesc), 64 bytes
_G_FMT = 0xC0D05604  # _IOWR('V', 4, struct v4l2_format), 208 bytes
_CAPTURE, _OUTPUT, _DEVICE_CAPS = 0x1, 0x2, 0x80000000
_STREAMON = 0x40045612  # _IOW('V', 18, int)
_TYPES = (2, 1)  # V4L2_BUF_TYPE_VIDEO_OUTPUT, _CAPTURE


@dataclass(frozen=True, slots=True)
class Node:
    """A device: its path, the name its driver gives, its number, and which of the camera's nodes it is."""

    path: Path
    name: str
    number: int
    index: int


@dataclass(frozen=True, slots=True)
class Capability:
    """driver: "uvcvideo", "v4l2 loopback", ...; capture: pictures can be read; output: pictures can be written."""

    driver: str
    capture: bool
    output: bool


def nodes() -> list[Node]:
    """All video devices, by number."""
    found = []
    for folder in SYS.glob("video*") if SYS.is_dir() else ():
        number = folder.name.removeprefix("video")
        if number.isdigit():
            index = _text(folder / "index")
            name = _text(folder / "name") or folder.name
            found.append(Node(DEV / folder.name, name, int(number), int(index) if index.isdigit() else 0))
    return sorted(found, key=lambda node: node.number)


def capability(path: Path) -> Capability | None:
    """What the device says it can do; None where it cannot be asked (no permission, not a video device)."""
    answer = _ask(path, _QUERYCAP, bytes(104))
    if answer is None:
        return None
    driver = answer[:16].split(b"\0")[0].decode("ascii", "replace")
    capabilities, device = struct.unpack_from("=II", answer, 84)
    able = device if capabilities & _DEVICE_CAPS else capabilities
    return Capability(driver, bool(able & _CAPTURE), bool(able & _OUTPUT))


def format_size(path: Path) -> tuple[int, int] | None:
    """(width, height) that the device is set to; None where it does not say."""
    for kind in _TYPES:
        answer = _ask(path, _G_FMT, struct.pack("=I", kind) + bytes(204))
        if answer is not None:
            width, height = struct.unpack_from("=II", answer, 8)
            return width, height
    return None


def offers(path: Path, code: str) -> bool:
    """Whether the camera can give pictures in a format, such as "MJPG"."""
    for index in range(64):
        answer = _ask(path, _ENUM_FMT, struct.pack("=II", index, 1) + bytes(56))
        if answer is None:
            break
        if answer[44:48] == code.encode("ascii"):
            return True
    return False


def rearm(path: Path) -> None:
    """Makes a loopback device take a writer again.

    With exclusive_caps=1, v4l2loopback up to 0.12.7 (Debian 12) hides its output side from the first `write` on and
    shows it again only when a file on which streaming was started is closed; one that was only written to leaves
    the device dead.  Newer ones refuse this call and need none.  Not while somebody writes.
    """
    _ask(path, _STREAMON, struct.pack("=i", _TYPES[0]))


def is_video_device(path: Path) -> bool:
    """Whether the path is a device of the kernel's video drivers (character device, major number 81)."""
    status = path.stat()
    return stat.S_ISCHR(status.st_mode) and os.major(status.st_rdev) == 81


def _ask(path: Path, request: int, argument: bytes) -> bytes | None:
    import fcntl  # Linux only

    try:
        fd = os.open(path, os.O_RDWR | os.O_NONBLOCK)
    except OSError:
        return None
    try:
        return fcntl.ioctl(fd, request, argument)
    except OSError:
        return None
    finally:
        os.close(fd)


def holders(path: Path) -> list[str]:
    """The programs, other than this one, that have the device open, as "name (pid)"; those we may look into."""
    found = []
    for process in PROC.iterdir() if PROC.is_dir() else ():
        if not process.name.isdigit() or int(process.name) == os.getpid():
            continue
        try:
            if any(link.readlink() == path for link in (process / "fd").iterdir()):
                found.append(f"{_text(process / 'comm') or 'a program'} (process {process.name})")
        except OSError:
            continue  # it ended, or is another user's
    return found


def group_of(path: Path) -> str:
    """The name of the group that owns the device."""
    import grp  # not on Windows

    group = path.stat().st_gid
    try:
        return grp.getgrgid(group).gr_name
    except KeyError:
        return str(group)


def _text(path: Path) -> str:
    try:
        return path.read_text(errors="replace").strip()
    except OSError:
        return ""
