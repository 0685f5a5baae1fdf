"""What was found of one part."""

from dataclasses import dataclass
from enum import Enum


class State(Enum):
    """OK; MISSING: something optional is not there; BROKEN: nothing runs without it."""

    OK = "ok"
    MISSING = "missing"
    BROKEN = "broken"


@dataclass(frozen=True, slots=True)
class Finding:
    """One part: how it is, what was seen, and the next step ("" where none is needed)."""

    part: str
    state: State
    seen: str
    step: str = ""
