"""A target's own generator: model files in its bundle, the ones before them kept, and the way back."""

import shutil
import tempfile
from pathlib import Path

from reenact.errors import SinkError, TargetError
from reenact.generation.weights import MANIFEST as MODELS
from reenact.generation.weights import list_models
from reenact.targets.bundle import Bundle, read_manifest, write_manifest

BEFORE = "before-"  # what a name begins with in a bundle for the files of the generator before


def models_of(bundle: Bundle) -> Path | None:
    """The folder of the bundle's own models, None where it has none: the shipped ones then serve."""
    return bundle.folder if MODELS in bundle.files else None


def install_generator(bundle: Bundle, files: Path) -> Bundle:
    """Puts the models of folder `files` (a manifest and what it names) into the bundle, in place of its own.

    The generator it had is kept and comes back with `restore_generator`.  Raises SinkError where the bundle cannot be
    written; it is then as it was.
    """
    new = [files / MODELS, *(entry.path for entry in list_models(files))]
    old = [bundle.folder / name for name in _own(bundle)]
    return _change(bundle, [(p, BEFORE + p.name) for p in old], [(p, p.name) for p in new])


def restore_generator(bundle: Bundle) -> Bundle:
    """Goes back to the generator before the last training: the target's own, or else the shipped one.

    Raises TargetError where the bundle has no generator of its own.
    """
    if models_of(bundle) is None:
        raise TargetError(f"{bundle.name} has no generator of its own: train one with `reenact target train`")
    kept = [bundle.folder / name for name in bundle.files if name.startswith(BEFORE)]
    return _change(bundle, [], [(p, p.name.removeprefix(BEFORE)) for p in kept])


def _own(bundle: Bundle) -> list[str]:
    if models_of(bundle) is None:
        return []
    return [MODELS, *(entry.path.name for entry in list_models(bundle.folder))]


def _change(bundle: Bundle, kept: list[tuple[Path, str]], put: list[tuple[Path, str]]) -> Bundle:
    """Replaces the bundle's generator files, both the present and the kept, by copies of these under these names."""
    gone = [name for name in bundle.files if name.startswith(BEFORE) or name in _own(bundle)]
    try:
        with tempfile.TemporaryDirectory(prefix=".changing-", dir=bundle.folder) as temporary:
            ready = []
            for source, name in [*kept, *put]:
                shutil.copyfile(source, Path(temporary) / name)
                ready.append(name)
            for name in gone:
                (bundle.folder / name).unlink(missing_ok=True)
            for name in ready:
                (Path(temporary) / name).replace(bundle.folder / name)
        write_manifest(bundle)
    except OSError as error:
        raise SinkError(f"the target in {bundle.folder} cannot be changed: {error.strerror or error}") from None
    return read_manifest(bundle.folder)
