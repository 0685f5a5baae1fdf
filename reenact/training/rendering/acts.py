"""What a rendered person does: expression, pose and place, shot by shot."""

from typing import Any, NamedTuple

import numpy as np

from reenact.training.rendering.skin import Array, Rng
from reenact.types import Floats

FAR_DEG = 40.0  # of yaw at most
_VISEMES = ("mouthFunnel", "mouthPucker", "mouthStretch", "mouthLowerDown", "mouthUpperUp", "mouthRollLower")
_BROWS = ("browInnerUp", "browOuterUp", "browDown")
_OTHERS = ("mouthFrown", "noseSneer", "cheekPuff", "mouthPress", "jawLeft", "jawRight", "eyeSquint", "eyeWide")


class Act(NamedTuple):
    """Expression (53,), pose in degrees (yaw, pitch, roll), shift in cm."""

    expression: Floats
    pose_deg: Array
    shift_cm: Array


def act(model: Any, rng: Rng, k: int) -> Act:
    """Shot k: first calm and ahead; then of twelve two gape, one blinks and one half, three look aside, three smile."""
    e = np.zeros(len(model.names), np.float32)

    def add(name: str, amount: float) -> None:
        e[model.index(name)] = np.clip(e[model.index(name)] + amount, 0, 1)

    if k == 0:
        return Act(e, rng.normal(0, 2.5, 3), np.zeros(3))
    kind = k % 12
    if kind in (1, 7):
        add("jawOpen", rng.uniform(0.5, 1.0))
    elif kind not in (3, 6):
        add("jawOpen", float(np.clip(rng.normal(0.15, 0.2), 0, 0.6)))
    if kind in (2, 7, 9):
        add("mouthSmile", rng.uniform(0.4, 1.0))
        add("cheekSquint", rng.uniform(0.0, 0.5))
        if kind != 7:  # a smile shows the upper teeth
            add("mouthUpperUp", rng.uniform(0.1, 0.5))
    if kind in (3, 8):
        add("eyeBlink", rng.uniform(0.85, 1.0) if kind == 3 else rng.uniform(0.3, 0.7))
    for table, chance in ((_VISEMES, 0.5), (_BROWS, 0.5), (_OTHERS, 0.35)):
        if rng.random() < chance:
            add(str(rng.choice(table)), rng.uniform(0.3, 0.9))
    right, up = (rng.normal(0, 0.55), rng.normal(0, 0.35)) if kind in (4, 5, 10) else rng.normal(0, 0.2, 2)
    for names, amount in (
        (("eyeLookOut_L", "eyeLookIn_R"), right),
        (("eyeLookIn_L", "eyeLookOut_R"), -right),
        (("eyeLookUp_L", "eyeLookUp_R"), up),
        (("eyeLookDown_L", "eyeLookDown_R"), -up),
    ):
        for name in names:
            e[model.names.index(name)] = np.clip(amount, 0, 0.8)
    yaw = rng.uniform(-FAR_DEG, FAR_DEG) if kind in (6, 11) else np.clip(rng.normal(0, 13), -FAR_DEG, FAR_DEG)
    pose = np.array([float(yaw), np.clip(rng.normal(0, 8), -20, 20), rng.normal(0, 6)])
    return Act(e, pose, rng.normal(0, (0.5, 0.4, 1.5)))
