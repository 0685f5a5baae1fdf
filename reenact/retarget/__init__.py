"""From the driver's landmarks to the target's: neutral calibration, relative motion, transfer between two faces."""

from reenact.retarget.calibration import Retarget, find_neutral
from reenact.retarget.neutral import neutral_shape
from reenact.retarget.transfer import Driven, drive, drive_over, move_head

__all__ = ["Driven", "Retarget", "drive", "drive_over", "find_neutral", "move_head", "neutral_shape"]
