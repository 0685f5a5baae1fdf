"""Where targets live, and how one is opened: by its name, by its folder, or straight from a file.

Targets are folders in `targets` of the data folder, see reenact.home.
"""

import re
import shutil
import tempfile
from pathlib import Path

from reenact.errors import SinkError, TargetError
from reenact.home import home
from reenact.targets.bundle import FORM, MANIFEST, Bundle, read_bundle, read_manifest
from reenact.targets.consent import consent_today, how_to_consent
from reenact.targets.photo import PhotoTarget
from reenact.targets.prepare import Progress, check_file, prepare, silent
from reenact.targets.video import VideoTarget

OpenTarget = PhotoTarget | VideoTarget
KEPT_FORM = 100_000_000  # bytes; it is hashed whenever the target is opened

_NAME = re.compile(r"\w(?:[\w .-]{0,62}[\w-])?")
_RESERVED = {"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(1, 10))}  # Windows


def targets_folder() -> Path:
    return home() / "targets"


def check_name(name: str) -> str:
    """The name itself; TargetError unless it can be the name of a target, and so of a folder, anywhere."""
    if not _NAME.fullmatch(name) or name.split(".")[0].lower() in _RESERVED:
        raise TargetError(
            f"{name!r} cannot be a target's name: expected up to 64 letters, digits, spaces, '.', '-' and '_', "
            "beginning with a letter or digit"
        )
    return name


def check_new(name: str, force: bool = False) -> Path:
    """Where a target of that name will be; TargetError for a bad name, or one that is taken and not to be replaced."""
    place = targets_folder() / check_name(name)
    if place.exists() and not force:
        raise TargetError(f"there is a target {name!r} already: choose another name, or replace it with --force")
    return place


def add_target(
    path: str | Path,
    name: str,
    consent: str,
    note: str = "",
    progress: Progress = silent,
    force: bool = False,
    agreement: Path | None = None,
) -> Bundle:
    """Prepares a picture or video file and keeps it under a name.

    consent    one of reenact.targets.consent.KINDS; note: who agreed, how and when, in words
    force      replaces a target that has the name already
    agreement  a file that shows the consent, a signed form or a recording: its hash is recorded, and a copy is kept
               with the target if it is no larger than KEPT_FORM
    Raises TargetError (name, consent), SourceError (the file), SinkError (the folder cannot be written); then
    nothing is left behind and a target that was there before is untouched.
    """
    place = check_new(name, force)
    entry = consent_today(consent, note, agreement)
    check_file(Path(path))  # a missing file is told before a folder is made
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".adding-", dir=place.parent, ignore_cleanup_errors=True) as temporary:
            new = Path(temporary) / "new"
            new.mkdir()
            if agreement is not None and agreement.stat().st_size <= KEPT_FORM:
                shutil.copyfile(agreement, new / (FORM + _ending(agreement)))
            prepare(Path(path), new, name, entry, progress)
            _put(new, place, Path(temporary) / "old")
    except OSError as error:
        raise SinkError(f"the target cannot be written to {place}: {error.strerror or error}") from None
    return read_manifest(place)


def _ending(path: Path) -> str:
    suffix = path.suffix.lower()
    return suffix if suffix[1:].isalnum() and suffix.isascii() and len(suffix) <= 8 else ""


def _put(new: Path, place: Path, aside: Path) -> None:
    if not place.exists():
        new.rename(place)
        return
    place.rename(aside)
    try:
        new.rename(place)
    except OSError:
        aside.rename(place)
        raise


def list_targets() -> list[Bundle]:
    """Every target kept, by name; folders that hold no readable target are left out."""
    found = []
    folder = targets_folder()
    for place in sorted(folder.iterdir()) if folder.is_dir() else []:
        if not place.name.startswith(".") and (place / MANIFEST).is_file():
            try:
                found.append(read_manifest(place))
            except TargetError:
                continue
    return found


def find_target(name: str) -> Bundle:
    """The entry of the target kept under a name, its files not yet checked; TargetError where there is none."""
    place = targets_folder() / check_name(name)
    if not place.is_dir():
        raise TargetError(f"there is no target {name!r}{_known()}")
    return read_manifest(place)


def remove_target(name: str) -> None:
    """Deletes a target, readable or not.  TargetError where there is none."""
    place = targets_folder() / check_name(name)
    if not place.is_dir():
        raise TargetError(f"there is no target {name!r}{_known()}")
    try:
        doomed = Path(tempfile.mkdtemp(prefix=".removing-", dir=place.parent))
        place.rename(doomed / name)  # out of the list at once, whatever becomes of the files
        shutil.rmtree(doomed)
    except OSError as error:
        raise SinkError(f"the target {name!r} cannot be removed: {error.strerror or error}") from None


def load_target(name_or_folder: str | Path) -> OpenTarget:
    """Opens a target that was prepared before, all its files checked.  TargetError where that fails."""
    folder = Path(name_or_folder)
    if not (folder / MANIFEST).is_file() and not isinstance(name_or_folder, Path) and _NAME.fullmatch(name_or_folder):
        folder = find_target(name_or_folder).folder
    return _play(read_bundle(folder))


def open_target(
    name_or_file: str | Path,
    consent: str | None = None,
    note: str = "",
    progress: Progress = silent,
    agreement: Path | None = None,
) -> OpenTarget:
    """Opens a target by name, a target's folder, or a picture or video file prepared on the spot.

    A file needs `consent` (see add_target; of an agreement only the hash is recorded); what is prepared from it goes
    when the target is closed.
    Use it in a `with` statement, or call close().  Raises TargetError, SourceError, SinkError.
    """
    path, text = Path(name_or_file), str(name_or_file)
    if _NAME.fullmatch(text) and (targets_folder() / text).is_dir():
        return load_target(text)
    if path.is_dir():
        return load_target(path)
    if not path.exists():
        if _NAME.fullmatch(text) and not path.suffix:
            raise TargetError(f"there is no target {text!r} and no such file{_known()}")
        check_file(path)
    if consent is None:
        raise TargetError(how_to_consent(text))
    entry = consent_today(consent, note, agreement)
    check_file(path)
    temporary = tempfile.TemporaryDirectory(prefix="reenact-", ignore_cleanup_errors=True)
    try:
        bundle = prepare(path, Path(temporary.name), path.stem, entry, progress)
        return _play(bundle, temporary)
    except OSError as error:
        temporary.cleanup()
        raise SinkError(f"{path} cannot be prepared in {temporary.name}: {error.strerror or error}") from None
    except BaseException:
        temporary.cleanup()
        raise


def _play(bundle: Bundle, temporary: "tempfile.TemporaryDirectory[str] | None" = None) -> OpenTarget:
    cleanup = None if temporary is None else temporary.cleanup
    return PhotoTarget(bundle, cleanup) if bundle.kind == "photo" else VideoTarget(bundle, cleanup)


def _known() -> str:
    names = [bundle.name for bundle in list_targets()]
    if names:
        return f"; kept are: {', '.join(names)}"
    return "; none is kept yet: make one with `reenact target add FILE --name NAME --consent KIND`"
