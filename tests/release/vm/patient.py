"""reenact as it is delivered, but for what a machine that tracks one picture a second must not take for a fault.

python patient.py live -t grey ...
"""

import sys
from typing import Any

from reenact import config


def patient(settings: Any, **values: float) -> None:
    """Gives a frozen dataclass other defaults."""
    defaults = dict(zip(settings.__dataclass_fields__, settings.__init__.__defaults__, strict=True)) | values
    settings.__init__.__defaults__ = tuple(defaults[name] for name in settings.__dataclass_fields__)


patient(config.GateConfig, stale_s=20.0)
patient(config.LiveConfig, stuck_s=60.0)
patient(config.CameraConfig, read_timeout_s=20.0, open_timeout_s=600.0)
patient(config.VirtualCameraConfig, start_s=900.0, answer_s=10.0, stuck_s=120.0)

if __name__ == "__main__":
    from reenact.cli import main

    sys.exit(main(sys.argv[1:]))
