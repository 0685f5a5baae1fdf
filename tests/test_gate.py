"""The gate's states, easing and its refusals."""

import dataclasses
import itertools

import numpy as np
import pytest
from fakes import SIZE, FakeBlender, FakeGenerator, FakeTarget, face_points, motion, shows_canary, slate_pixels

from reenact.config import GateConfig
from reenact.easing import ease, rest_motion
from reenact.gate import Gate, State, Untrusted, verify, within_lips
from reenact.types import InnerMouth, Kind, Motion

STEP = 1 / 30


def drive(gate: Gate, faces: str) -> tuple[list[State], list[float]]:
    """Steers through frames, "+" with a face and "-" without; the states and how strong the expression was."""
    states, strengths = [], []
    for seq, face in enumerate(faces):
        t = seq * STEP
        steered = gate.steer(motion(seq, t) if face == "+" else None, None, seq, t, t)
        states.append(gate.state)
        strengths.append(0.0 if steered.motion is None else float(steered.motion.expression.mean() / 0.1))
        assert steered.motion is None or (steered.motion.seq, steered.motion.t_capture) == (seq, t)
    return states, strengths


def test_it_starts_at_rest_and_is_live_after_three_good_frames_eased_in() -> None:
    states, strengths = drive(Gate(slate_pixels()), "+" * 20)
    assert states[:4] == [State.REST, State.REST, State.LIVE, State.LIVE]
    assert strengths[2] == 0.0
    assert all(b >= a for a, b in itertools.pairwise(strengths))
    assert max(b - a for a, b in itertools.pairwise(strengths)) < 0.25
    assert strengths[2 + 10] == pytest.approx(1.0)


def test_a_file_whose_first_frame_shows_a_face_is_live_at_once() -> None:
    states, strengths = drive(Gate(slate_pixels(), at_once=True), "+++")
    assert states == [State.LIVE] * 3
    assert strengths == pytest.approx([1.0] * 3)


def test_a_file_whose_first_frame_shows_none_waits_for_three_good_frames() -> None:
    states, _ = drive(Gate(slate_pixels(), at_once=True), "-+++")
    assert states == [State.REST, State.REST, State.REST, State.LIVE]


def test_a_lost_driver_is_held_half_a_second_then_eased_to_rest_within_a_second() -> None:
    states, strengths = drive(Gate(slate_pixels(), at_once=True), "+" + "-" * 60)
    held = states.count(State.HOLD)
    leaving = states.count(State.LEAVING)
    assert 14 <= held <= 16
    assert 29 <= leaving <= 31
    assert states[-1] is State.REST
    assert strengths[1 : held + 1] == pytest.approx([1.0] * held)
    steps = np.diff(strengths)
    assert (steps <= 1e-6).all()
    assert steps.min() > -0.08
    assert strengths[-1] == 0.0


def test_the_driver_comes_back_after_three_good_frames_without_a_jump() -> None:
    states, strengths = drive(Gate(slate_pixels(), at_once=True), "+" + "-" * 30 + "+" * 20)
    assert states[31:34] == [State.LEAVING, State.LEAVING, State.LIVE]
    assert np.abs(np.diff(strengths[1:])).max() < 0.2
    assert strengths[-1] == pytest.approx(1.0)


def test_flickering_detection_never_gets_live() -> None:
    states, _ = drive(Gate(slate_pixels()), "++-" * 20)
    assert set(states) == {State.REST}


def composed(gate: Gate, seq: int, generator: FakeGenerator, blender: FakeBlender):  # type: ignore[no-untyped-def]
    steered = gate.steer(motion(seq, seq * STEP), None, seq, seq * STEP, seq * STEP)
    shot = FakeTarget().shot(0, steered.motion)
    if steered.motion is None:
        return gate.rest(shot, seq, seq * STEP)
    patch = generator.generate(shot, steered.motion, None)
    return gate.admit(steered.motion, patch, blender.blend(patch, shot))


def test_after_distrust_the_slate_stays_until_three_pictures_were_verified_then_it_eases_in_from_rest() -> None:
    gate = Gate(slate_pixels(), at_once=True)
    generator, blender = FakeGenerator(), FakeBlender()
    kinds = [composed(gate, 0, generator, blender).kind]
    broken = gate.distrust("the model broke", 1, STEP)
    assert np.array_equal(broken.pixels, slate_pixels())
    kinds.append(broken.kind)
    kinds += [composed(gate, seq, generator, blender).kind for seq in range(2, 9)]
    assert [k.name for k in kinds] == ["LIVE", "SLATE", "SLATE", "SLATE", "SLATE"] + ["LIVE"] * 4
    strengths = [float(m.expression.mean() / 0.1) for m in generator.motions]
    assert strengths[1:5] == [0.0] * 4  # proved on the face at rest, and eased in from there
    assert 0 < strengths[5] < 0.3
    assert gate.reason == "the model broke"


@pytest.mark.parametrize(
    ("patch_fault", "blend_fault", "words"),
    [
        ("nan", "", "not finite"),
        ("constant", "", "one colour"),
        ("late", "", "patch is of frame 4, expected 5"),
        ("", "late", "composite is of frame 4"),
        ("", "grey", "one colour"),
        ("", "resized", "64x20, expected 64x48"),
        ("", "rest", "gave a rest picture"),
    ],
)
def test_what_is_not_the_asked_for_picture_is_refused(patch_fault: str, blend_fault: str, words: str) -> None:
    asked, shot = motion(5), FakeTarget().shot(0, None)
    patch = FakeGenerator({0: patch_fault}).generate(shot, asked, None)
    composite = FakeBlender({0: blend_fault}).blend(patch, shot)
    with pytest.raises(Untrusted, match=words):
        verify(asked, patch, composite, SIZE)


def test_an_empty_mask_is_a_target_left_alone_and_is_fine() -> None:
    asked, shot = motion(5), FakeTarget().shot(0, None)
    patch = FakeGenerator({0: "constant"}).generate(shot, asked, None)
    empty = dataclasses.replace(patch, mask=np.zeros_like(patch.mask))
    composite = dataclasses.replace(FakeBlender().blend(patch, shot), pixels=shot.pixels.copy())
    verify(asked, empty, composite, SIZE)
    assert not empty.mask.any()


@pytest.mark.parametrize("field", ["gaze", "lids", "shift", "rotation"])
def test_a_motion_that_is_not_finite_counts_as_no_face(field: str) -> None:
    gate = Gate(slate_pixels(), at_once=True)
    bad = motion()
    getattr(bad, field)[:] = np.nan
    assert gate.steer(bad, None, 0, 0.0, 0.0).motion is None
    assert gate.state is State.REST


def test_a_target_of_another_size_cannot_be_shown_at_rest() -> None:
    gate = Gate(slate_pixels())
    with pytest.raises(Untrusted, match="32x32, expected 64x48"):
        gate.rest(FakeTarget(faults={0: "resized"}).shot(0, None), 0, 0.0)


def mouth_of(mask: np.ndarray, lips: float = 1.0) -> InnerMouth:
    points = face_points()[:, :2].copy()
    if lips != 1.0:
        from reenact.gate import LIPS

        inner = points[list(LIPS)]
        points[list(LIPS)] = inner.mean(0) + (inner - inner.mean(0)) * lips
    pixels = np.where(mask[:, :, None] > 0, np.uint8(200), np.uint8(0)).repeat(3, 2)
    return InnerMouth(np.ascontiguousarray(pixels), mask, points, np.zeros(3, np.float32))


def test_an_inner_mouth_may_reach_the_lips_but_nothing_beyond() -> None:
    inside = np.zeros((60, 80), np.uint8)
    inside[34:38, 36:44] = 255
    assert within_lips(mouth_of(inside))
    beyond = inside.copy()
    beyond[20, 40] = 255  # one pixel of skin
    assert not within_lips(mouth_of(beyond))
    assert not within_lips(mouth_of(np.full((60, 80), 255, np.uint8), lips=8.0))  # lips as large as the face


def test_holding_keeps_the_inner_mouth_and_rest_forgets_it() -> None:
    gate = Gate(slate_pixels(), GateConfig(hold_s=0.1, ease_s=0.1), at_once=True)
    mask = np.zeros((60, 80), np.uint8)
    mask[34:38, 36:44] = 255
    mouth = mouth_of(mask)
    assert gate.steer(motion(0), mouth, 0, 0.0, 0.0).mouth is mouth
    assert gate.steer(None, None, 1, 0.05, 0.05).mouth is mouth
    for i in range(2, 12):
        steered = gate.steer(None, None, i, i * 0.05, i * 0.05)
    assert gate.state is State.REST
    assert steered.mouth is None


def test_easing_is_exact_at_its_ends_and_turns_the_short_way() -> None:
    a, b = rest_motion(0, 0.0), motion(7, 0.2)
    turn = np.deg2rad(40)
    b.rotation[:] = [[np.cos(turn), 0, np.sin(turn)], [0, 1, 0], [-np.sin(turn), 0, np.cos(turn)]]
    b = dataclasses.replace(b, scale=4.0)
    assert ease(a, b, 1.0) is b
    start: Motion = ease(a, b, 0.0)
    assert np.allclose(start.rotation, np.eye(3), atol=1e-6)
    assert start.seq == 7
    half = ease(a, b, 0.5)
    assert half.scale == pytest.approx(2.0)
    assert np.arccos((np.trace(half.rotation) - 1) / 2) == pytest.approx(np.deg2rad(20), abs=1e-4)
    assert np.allclose(half.rotation @ half.rotation.T, np.eye(3), atol=1e-5)
    assert half.expression.mean() == pytest.approx(0.05)


def test_canary_detector_sees_what_it_must() -> None:
    pixels = slate_pixels()
    assert not shows_canary(pixels)
    pixels[3, 3] = (240, 20, 235)
    assert shows_canary(pixels)
    assert Kind.SLATE.value == "slate"
