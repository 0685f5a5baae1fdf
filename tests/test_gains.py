"""How strongly the driver drives, and how a motion is carried on for a picture that is not tracked."""

import cv2
import numpy as np
import pytest
from fakes import motion
from people import rotation
from rig import Rig

from reenact.easing import carry_on
from reenact.errors import InputError
from reenact.gains import Gains
from reenact.types import Motion


def busy(seq: int = 0, t: float = 0.0, turn_deg: float = 20.0, amount: float = 1.0) -> Motion:
    """Everything moves."""
    smile = motion(seq, t, amount)
    return Motion(
        rotation(turn_deg),
        np.array([0.2, -0.1], np.float32) * np.float32(amount),
        1.0 + 0.2 * amount,
        smile.expression,
        np.full((2, 2), 0.1 * amount, np.float32),
        np.array([0.5, 1.2], np.float32),
        seq,
        t,
    )


def angle_deg(made: Motion) -> float:
    return float(np.rad2deg(np.linalg.norm(cv2.Rodrigues(made.rotation.astype(np.float64))[0])))


def test_gains_of_one_are_the_motion_itself() -> None:
    made = busy()
    assert Gains()(made) is made


def test_gains_of_nought_are_rest() -> None:
    made = Gains(0, 0, 0)(busy(7, 0.3))
    assert (made.seq, made.t_capture) == (7, 0.3)
    assert angle_deg(made) == pytest.approx(0, abs=1e-4)
    assert made.scale == 1.0
    assert not made.shift.any()
    assert not made.expression.any()
    assert not made.gaze.any()
    assert (made.lids == 1).all()


def test_each_gain_has_its_part() -> None:
    plain = busy()
    head = Gains(head=0.5)(plain)
    assert angle_deg(head) == pytest.approx(10, abs=0.01)
    assert head.scale == pytest.approx(1.2**0.5)
    assert head.shift == pytest.approx(plain.shift / 2)
    assert head.expression is not plain.expression
    assert np.array_equal(head.expression, plain.expression)
    face = Gains(expression=2.0)(plain)
    assert np.allclose(face.expression, 2 * plain.expression)
    assert np.array_equal(face.lids, plain.lids)  # no wider than the driver's
    assert angle_deg(face) == pytest.approx(20, abs=0.01)
    assert np.allclose(Gains(expression=0.5)(plain).lids, (0.75, 1.1))
    assert np.allclose(Gains(gaze=0.5)(plain).gaze, 0.05)


@pytest.mark.parametrize("wrong", [{"head": -0.1}, {"expression": 3.1}, {"gaze": float("nan")}])
def test_gains_out_of_range_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(InputError, match="expected 0 to 3"):
        Gains(**wrong)


def test_the_engine_drives_as_strongly_as_it_is_told_and_may_be_told_meanwhile() -> None:
    rig = Rig()
    rig.turn(30)
    full = rig.generator.motions[-1].expression.mean()
    rig.engine.gains = Gains(expression=0.5)
    rig.turn(5)
    assert rig.generator.motions[-1].expression.mean() == pytest.approx(full / 2)


# Carried on


def test_it_goes_on_as_it_went_but_slower_and_the_eyes_are_held() -> None:
    before, last = busy(0, 0.0, 10.0, 0.5), busy(2, 2 / 30, 20.0, 1.0)
    made = carry_on(before, last, 3, 3 / 30)
    assert (made.seq, made.t_capture) == (3, 3 / 30)
    assert angle_deg(made) == pytest.approx(20 + 0.6 * 0.5 * 10, abs=0.01)
    assert np.allclose(made.expression, last.expression + 0.3 * (last.expression - before.expression))
    assert np.allclose(made.shift, last.shift + 0.3 * (last.shift - before.shift))
    assert made.scale == pytest.approx(1.2 * (1.2 / 1.1) ** 0.3)
    assert np.array_equal(made.gaze, last.gaze)
    assert np.array_equal(made.lids, last.lids)


def test_it_never_goes_on_for_long_and_not_at_all_without_a_step() -> None:
    before, last = busy(0, 0.0, 10.0, 0.5), busy(2, 2 / 30, 20.0, 1.0)
    assert angle_deg(carry_on(before, last, 9, 5.0)) == pytest.approx(26, abs=0.01)
    still = carry_on(last, last, 9, 5.0)
    assert angle_deg(still) == pytest.approx(20, abs=0.01)
    assert still.seq == 9
