"""What can go wrong, by whom it can be mended.

The command line turns these into one sentence and an exit status (`exit_status`);
any other exception is a defect of the engine and may show a traceback.
"""


class ReenactError(Exception):
    """Anything that this package raises on purpose, in one sentence: what came, what was expected, what to do."""

    exit_status = 1


class InputError(ReenactError):
    """A file, an option or a value given by the user cannot be used."""

    exit_status = 2


class SourceError(InputError):
    """A picture or video cannot be read, or holds no face where one is needed."""


class TargetError(InputError):
    """A target is missing, damaged or has no consent entry."""


class ModelError(ReenactError):
    """A model file is missing, is not what the manifest says, or cannot run where it was asked to."""


class SinkError(ReenactError):
    """The result cannot be written or shown: no room, no permission, a lost device."""


class DeviceError(ReenactError):
    """A camera, a virtual camera or a display is missing, busy or lost."""

    exit_status = 3


class NoPicture(DeviceError):
    """A camera that mends itself has no picture of a driver just now: read again.  The message is its `trouble`."""
