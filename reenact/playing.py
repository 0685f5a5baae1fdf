"""A target with all that plays it, and what of it can be left out on a slow machine."""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from reenact.stages import Blender, Generator, Target

EVERY_SECOND, HALF_SIZE = "tracking every second picture", "half size"


@runtime_checkable
class Thrifty(Protocol):
    """A Generator that can do with less; it is asked whether it is one, most need not be.

    - `extras` must name what it can leave out, what is least missed first; () where nothing can be.
    - `leave_out` must take effect with the next picture and return at once, from any thread; what is not named
      is used again.
    """

    @property
    def extras(self) -> tuple[str, ...]: ...

    def leave_out(self, extras: frozenset[str]) -> None: ...


@dataclass(frozen=True, slots=True, eq=False)
class Playing:
    """What is exchanged as a whole when another target is shown.

    mouth    whether the driver's inner mouth is shown with it, and so read at all
    smaller  the same target at a part of its size, its pictures enlarged at the end; None where there is none
    label    whether the visible label is drawn on its pictures, see reenact.finish
    The stages stay their owner's, who closes them.
    """

    target: Target
    generator: Generator
    blender: Blender
    mouth: bool = False
    smaller: "Playing | None" = None
    label: bool = False

    @property
    def extras(self) -> tuple[str, ...]:
        """What its generator can leave out."""
        return self.generator.extras if isinstance(self.generator, Thrifty) else ()

    def leave_out(self, extras: frozenset[str]) -> None:
        if isinstance(self.generator, Thrifty):
            self.generator.leave_out(extras)
