"""The C2PA library, loaded where it is first used: there is not one for every system."""

from typing import Any

from reenact.errors import SinkError


def load_c2pa() -> Any:
    """The module c2pa.  Raises SinkError where it is not installed or does not run."""
    try:
        import c2pa
    except Exception as error:  # it is a shared library in disguise, and says so in several ways
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise SinkError(
            f"Content Credentials need c2pa-python, which does not load here ({reason}): pip install c2pa-python"
        ) from None
    return c2pa
