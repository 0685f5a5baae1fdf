"""Which camera is meant, and why one cannot be used."""

import os
import sys
from dataclasses import dataclass, replace
from pathlib import Path

from reenact.errors import DeviceError
from reenact.sources import v4l2

_STREAMS = ("rtsp://", "rtsps://", "http://", "https://", "rtmp://", "udp://", "tcp://")
_ALLOW = {
    "darwin": "allow the camera for your terminal in System Settings > Privacy & Security > Camera",
    "win32": "allow it in Settings > Privacy & security > Camera, and close other programs that use it",
}


@dataclass(frozen=True, slots=True)
class Device:
    """address: what OpenCV opens; name: what to call it in a message; path: on Linux its /dev/videoN.

    card, link   on Linux, what the driver calls it, and what udev does (/dev/v4l/by-id/...): by these it is known
                 when it is plugged in again; "" and None where there is no such thing
    """

    address: int | str
    name: str
    path: Path | None = None
    card: str = ""
    link: Path | None = None

    @property
    def called(self) -> str:
        """What its user knows it by."""
        return self.card or self.name

    @property
    def is_stream(self) -> bool:
        return isinstance(self.address, str) and self.address.lower().startswith(_STREAMS)


def cameras() -> list[v4l2.Node]:
    """The devices of Linux that pictures can be read from, one for each camera's main node."""
    found = []
    for node in v4l2.nodes():
        able = v4l2.capability(node.path)
        if node.index == 0 if able is None else able.capture:
            found.append(node)
    return found


def find(device: int | str) -> Device:
    """The device meant by a number, a name, a path or an address; DeviceError, which says what there is."""
    text = str(device).strip()
    if text.lower().startswith(_STREAMS):
        return Device(text, _without_password(text))
    if not sys.platform.startswith("linux"):
        if text.isdigit():
            return Device(int(text), f"camera {text}")
        raise DeviceError(f"there is no camera {text!r}: give its number, 0 is the first")
    if text.isdigit():
        path, name = v4l2.DEV / f"video{text}", f"camera {text}"
    elif text.startswith("/"):
        path, name = Path(text).resolve(), text
    else:
        node = _by_name(text)
        path, name = node.path, node.name
    _check(path, name)
    card = next((node.name for node in v4l2.nodes() if node.path == path), "")
    return Device(str(path), f"{name} ({path})" if name != str(path) else name, path, card, _link_to(path))


def find_again(device: Device) -> Device:
    """Where a camera that was lost is now; DeviceError while it is nowhere.

    It is known by udev's name for it, else by its driver's, at whatever number: another camera that took its old
    number is not taken for it.
    """
    if device.path is None:
        return device
    path = None
    if device.link is not None:
        path = device.link.resolve() if device.link.exists() else None
    else:
        same = [node.path for node in cameras() if node.name == device.card]
        path = device.path if device.path in same else next(iter(same), None)
    if path is None:
        raise DeviceError(f"{device.called} is unplugged")
    name = device.name.replace(str(device.path), str(path))
    _check(path, name)
    return replace(device, address=str(path), name=name, path=path)


def _link_to(path: Path) -> Path | None:
    folder = v4l2.DEV / "v4l" / "by-id"
    links = sorted(folder.iterdir()) if folder.is_dir() else []
    return next((link for link in links if link.resolve() == path.resolve()), None)


def _by_name(text: str) -> v4l2.Node:
    wanted = text.casefold()
    nodes = cameras()
    for match in (
        [n for n in nodes if n.name.casefold() == wanted],
        [n for n in nodes if wanted in n.name.casefold()],
    ):
        if match:
            return match[0]
    link = v4l2.DEV / "v4l" / "by-id" / text
    if link.exists():
        path = link.resolve()
        return v4l2.Node(path, text, 0, 0)
    raise DeviceError(f"there is no camera named {text!r}: {_present()}")


def _check(path: Path, name: str) -> None:
    if not path.exists():
        raise DeviceError(f"there is no {name}{'' if name == str(path) else f' ({path})'}: {_present()}")
    if not os.access(path, os.R_OK | os.W_OK):
        group = v4l2.group_of(path)
        mend = f"sudo usermod -aG {group} $USER, then log in again"
        raise DeviceError(f"{path} may not be used, it belongs to the group {group!r}: {mend}")
    able = v4l2.capability(path)
    if able is None and not v4l2.is_video_device(path):
        raise DeviceError(f"{path} is not a camera: {_present()}")
    if able is not None and not able.capture:
        raise DeviceError(f"{path} gives no pictures ({able.driver}): {_present()}")


def _present() -> str:
    here = ", ".join(f"{n.name} ({n.path})" for n in cameras())
    return f"there is {here}" if here else "no camera is connected to this machine"


def refusal(device: Device, why: str) -> str:
    """One sentence for a camera that is there and cannot be used."""
    if device.is_stream:
        return f"{device.name} {why}: check the address, and that the stream is being sent"
    if device.path is None:
        mend = _ALLOW.get(sys.platform, "close other programs that use it")
        return f"{device.name} {why}: check that it is plugged in, {mend}"
    holding = v4l2.holders(device.path)
    if holding:
        return f"{device.name} {why}, {' and '.join(holding)} is using it: close that program"
    return f"{device.name} {why}: unplug it and plug it in again, or close the program that uses it"


def _without_password(address: str) -> str:
    scheme, _, rest = address.partition("://")
    host = rest.split("/", 1)
    return "://".join((scheme, "/".join([host[0].rpartition("@")[2], *host[1:]])))
