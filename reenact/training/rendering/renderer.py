"""The renderer that the user names: a folder with synth.py and the head model beside it.

It is run as it is and nothing is written into its folder: compiled code goes to this program's own.  (Numba would lay
it beside the source, with the name by which we call the module, and no one else could import it any more.)
"""

import importlib.util
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

from reenact.errors import InputError
from reenact.home import home

NEEDED = ("HeadModel", "Person", "Light", "light", "background", "rotation", "render")
_NAME = "reenact_renderer"


def load_renderer(folder: Path) -> ModuleType:
    """The module synth.py of that folder; InputError where it is not such a renderer."""
    path = folder / "synth.py"
    if not path.is_file():
        raise InputError(f"{folder} holds no renderer: expected a folder with synth.py")
    spec = importlib.util.spec_from_file_location(_NAME, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[_NAME] = module  # its dataclasses look themselves up there
    try:
        with _leaving_its_folder_alone():
            spec.loader.exec_module(module)
    except Exception as error:  # whatever somebody else's file raises
        raise InputError(f"{path} cannot be used as a renderer ({type(error).__name__}: {error})") from error
    missing = [name for name in NEEDED if not hasattr(module, name)]
    if missing:
        raise InputError(f"{path} is no renderer for training: it lacks {', '.join(missing)}")
    return module


@contextmanager
def _leaving_its_folder_alone() -> Iterator[None]:
    from numba.core import config

    before = config.CACHE_DIR, sys.dont_write_bytecode
    sys.dont_write_bytecode = True
    if not os.environ.get("NUMBA_CACHE_DIR"):
        config.CACHE_DIR = str(home() / "compiled")
    try:
        yield
    finally:
        config.CACHE_DIR, sys.dont_write_bytecode = before
