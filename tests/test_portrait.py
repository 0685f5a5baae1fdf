"""The portrait generator on real frames: what is to move moves, what is not does not."""

from dataclasses import replace

import numpy as np
import onnxruntime
import pytest
from people import face
from portraits import (
    CANARY,
    Prepared,
    beneath,
    changed,
    difference,
    gaping,
    magenta_mouth,
    narrowest,
    own_motion,
    talking_shot,
    within,
)
from tracked import driver, moved, video, video_shots

from reenact.config import GeneratorConfig, RetargetConfig
from reenact.easing import rest_motion
from reenact.errors import InputError, ModelError
from reenact.generation import PortraitGenerator
from reenact.generation.modelworker import WorkerSession
from reenact.geometry import eye_distance
from reenact.retarget import drive, neutral_shape
from reenact.retarget.neutral import eye_opening, mouth_gap
from reenact.stages import Generator
from reenact.targets.mouthbank import BankMouth, MouthBank
from reenact.tracking.facemesh import FaceMeshTracker
from reenact.tracking.topology import INNER_LIPS, LEFT_EYE, OVAL, RIGHT_EYE
from reenact.types import Frame, Motion, Shot


@pytest.fixture(scope="module")
def calm() -> Prepared:
    """The built-in video."""
    return Prepared("video", neutral_shape(np.array([t.points for t in video()[1]])))


@pytest.fixture(scope="module")
def talking() -> Prepared:
    """A video with many open mouths: the built-in driver as a target."""
    pictures, tracks = driver()
    points = np.array([t.points for t in tracks])
    return Prepared("video", neutral_shape(points), MouthBank.build([f.pixels for f in pictures], points))


@pytest.fixture(scope="module")
def photo() -> tuple[Prepared, Shot]:
    picture = face(400)
    with FaceMeshTracker(still=True) as tracker:
        found = tracker.track(Frame(picture, 0, 0.0))
    assert found is not None
    shot = Shot(picture.copy(), found.points, picture, found.points, 0)
    return Prepared("photo", neutral_shape(found.points[None])), shot


# The contract


@pytest.mark.parametrize("kind", ["photo", "video"])
def test_a_patch_is_stamped_lies_in_the_picture_and_leaves_the_shot_alone(kind: str, photo, talking) -> None:
    target, shot = photo if kind == "photo" else (talking, talking_shot(20))
    pictures = [a.copy() for a in (shot.pixels, shot.points, shot.texture, shot.texture_points)]
    generator = PortraitGenerator(target)
    assert isinstance(generator, Generator)
    patch = generator.generate(shot, gaping(41, 1.25), magenta_mouth())
    assert (patch.seq, patch.t_capture) == (41, 1.25)
    for before, after in zip(pictures, (shot.pixels, shot.points, shot.texture, shot.texture_points), strict=True):
        assert np.array_equal(before, after)
    assert not np.shares_memory(patch.pixels, shot.pixels)
    assert np.array_equal(patch.matrix[:, :2], np.eye(2))
    assert np.array_equal(patch.matrix[:, 2], patch.matrix[:, 2].astype(int))
    assert beneath(patch, shot).shape == patch.pixels.shape  # wholly inside
    core = within(patch, [shot.points[OVAL]], 0)
    assert patch.mask[core].min() > 0
    assert not patch.mask[[0, -1]].any()  # the whole face is in this picture: nothing ends at the patch's rim
    assert not patch.mask[:, [0, -1]].any()
    generator.close()
    generator.close()


def test_a_generator_does_the_same_twice(photo) -> None:
    target, shot = photo
    one, two = PortraitGenerator(target), PortraitGenerator(target)
    for _ in range(2):
        a, b = (g.generate(shot, gaping(), None) for g in (one, two))
        assert np.array_equal(a.pixels, b.pixels)
        assert np.array_equal(a.mask, b.mask)


@pytest.mark.parametrize("shift", [(-1.4, 0), (1.6, 0), (0, -1.2), (0, 1.4), (-1.4, 1.4)])
def test_a_face_cut_by_the_pictures_edge_still_gives_a_patch(shift: tuple[float, float], photo) -> None:
    target, shot = photo
    points = moved(shot.points, np.zeros(3), shift, 1.0)
    aside = Shot(shot.pixels, points, shot.texture, shot.texture_points, 0)
    patch = PortraitGenerator(target).generate(aside, gaping(), None)
    assert beneath(patch, aside).shape == patch.pixels.shape
    assert patch.mask.any()


# A target at rest


def test_a_video_driven_by_its_own_motion_is_nearly_untouched(calm: Prepared) -> None:
    generator = PortraitGenerator(calm)
    errors = [
        difference(generator.generate(shot, own_motion(calm, found), None), shot)
        for shot, found in list(zip(video_shots(), video()[1], strict=True))[::3]
    ]
    means = [error.mean() for error in errors]
    assert np.median(means) < 0.01
    assert max(means) < 0.5  # in a blink the eyes are drawn again
    assert np.mean([np.quantile(error, 0.99) for error in errors]) < 2


def test_a_talking_video_driven_by_its_own_motion_is_hardly_touched(talking: Prepared) -> None:
    generator, errors, other = PortraitGenerator(talking), [], []
    for i in range(0, 60, 4):
        shot, found = talking_shot(i), driver()[1][i]
        patch = generator.generate(shot, own_motion(talking, found), None)
        errors.append(difference(patch, shot).mean())
        wrong = PortraitGenerator(talking).generate(shot, own_motion(talking, driver()[1][(i + 23) % 60]), None)
        other.append(difference(wrong, shot).mean())
    assert np.mean(errors) < 0.5
    assert np.mean(errors) < 0.4 * np.mean(other)  # somebody else's moment does show


def test_a_photo_at_rest_is_untouched(photo) -> None:
    target, shot = photo
    patch = PortraitGenerator(target).generate(shot, rest_motion(0, 0.0), None)
    error = difference(patch, shot)
    assert error.mean() < 0.1
    assert error.max() < 12


def test_gains_of_nothing_leave_a_photo_untouched(photo) -> None:
    target, shot = photo
    busy = replace(gaping(), gaze=np.full((2, 2), 0.2, np.float32), lids=np.zeros(2, np.float32))
    none = RetargetConfig(expression_gain=0, head_gain=0, gaze_gain=0)
    still = PortraitGenerator(target, None, none).generate(shot, busy, magenta_mouth())
    assert difference(still, shot).mean() < 0.1
    full = PortraitGenerator(target).generate(shot, busy, magenta_mouth())
    assert difference(full, shot).mean() > 20 * difference(still, shot).mean()


# The mouth


def test_the_mouths_way_is_told(photo, talking: Prepared, calm: Prepared) -> None:
    assert PortraitGenerator(talking).mouth == "bank"
    assert PortraitGenerator(calm).mouth == "driver"
    assert PortraitGenerator(photo[0]).mouth == "driver"
    for way in ("driver", "generated"):
        assert PortraitGenerator(talking, GeneratorConfig(mouth=way)).mouth == way


@pytest.mark.parametrize("bank", ["none", "too small"])
def test_a_bank_that_is_not_there_cannot_be_asked_for(bank: str, talking: Prepared) -> None:
    few = talking.bank
    assert few is not None
    small = MouthBank(few.mouths[:3], few.shapes[:3], few.turns[:3], few.eyes)
    target = Prepared("video", talking.neutral, small if bank == "too small" else None)
    with pytest.raises(InputError, match=r"--mouth bank: .*no open mouth; use auto or driver"):
        PortraitGenerator(target, GeneratorConfig(mouth="bank"))
    assert PortraitGenerator(target).mouth == "driver"


def test_the_drivers_mouth_is_seen_between_the_targets_lips_and_nowhere_else(photo) -> None:
    target, shot = photo
    generator = PortraitGenerator(target)
    grey = magenta_mouth()
    grey = replace(grey, pixels=np.where(grey.mask[..., None] > 0, np.uint8(128), np.uint8(0)).repeat(3, axis=2))
    without = generator.generate(shot, gaping(), grey)
    patch = generator.generate(shot, gaping(), magenta_mouth())
    drawn = changed(without, patch)  # what a mouth of another colour changes: the network does not see it
    assert drawn.sum() > 40
    assert np.array_equal(patch.mask, np.maximum(patch.mask, without.mask))
    spot = patch.pixels[drawn].astype(int)
    assert np.median(spot[:, 1]) < 40  # what is drawn has the colour of what was given
    assert np.median(spot[:, 2]) > 120
    lips = drive(shot, target.neutral, gaping(), RetargetConfig()).points[INNER_LIPS]
    assert not drawn[~within(patch, [lips], 1)].any()


def test_the_network_changes_what_moved_and_stays_in_the_face(photo) -> None:
    target, shot = photo
    plain = PortraitGenerator(target, GeneratorConfig(network=False)).generate(shot, gaping(), magenta_mouth())
    patch = PortraitGenerator(target).generate(shot, gaping(), magenta_mouth())
    drawn = changed(plain, patch)
    assert drawn.sum() > 500
    assert np.array_equal(plain.mask, patch.mask)
    points = drive(shot, target.neutral, gaping(), RetargetConfig()).points
    assert not drawn[~within(patch, [points[OVAL]], 4)].any()
    lips = points[INNER_LIPS]
    inside = within(patch, [lips.mean(0) + 0.8 * (lips - lips.mean(0))], 0)
    assert inside.sum() > 40
    assert not drawn[inside].any()  # a mouth that was laid over stays as it is


def test_a_closed_mouth_shows_no_inside(photo) -> None:
    target, shot = photo
    generator = PortraitGenerator(target)
    a, b = (generator.generate(shot, rest_motion(0, 0.0), m) for m in (None, magenta_mouth()))
    assert np.array_equal(a.pixels, b.pixels)


def test_generated_leaves_the_mouth_to_the_model(photo) -> None:
    target, shot = photo
    generator = PortraitGenerator(target, GeneratorConfig(mouth="generated"))
    a, b = (generator.generate(shot, gaping(), m) for m in (None, magenta_mouth()))
    assert np.array_equal(a.pixels, b.pixels)


def test_a_bank_shows_the_targets_own_mouths_and_not_the_drivers(talking: Prepared) -> None:
    assert talking.bank is not None
    loud = [BankMouth(np.full_like(m.pixels, CANARY), m.ring) for m in talking.bank.mouths]
    marked = Prepared("video", talking.neutral, MouthBank(loud, talking.bank.shapes, talking.bank.turns, None))
    shot = talking_shot(narrowest())
    patch = PortraitGenerator(marked).generate(shot, gaping(), None)
    assert (np.abs(patch.pixels.astype(int) - CANARY).max(2) < 3).sum() > 40
    generator = PortraitGenerator(talking)
    a, b = (generator.generate(shot, gaping(), m) for m in (None, magenta_mouth()))
    assert np.array_equal(a.pixels, b.pixels)
    assert not (np.abs(b.pixels.astype(int) - CANARY).max(2) < 60).any()


def test_one_bank_mouth_passes_into_the_next(talking: Prepared) -> None:
    """After a change of the entry the old one fades over some frames: no frame jumps."""
    bank = talking.bank
    assert bank is not None
    greys = np.linspace(0, 255, len(bank.mouths)).astype(int)
    marked = [
        BankMouth(np.full_like(m.pixels, (g, 0, 255 - g)), m.ring) for m, g in zip(bank.mouths, greys, strict=True)
    ]
    target = Prepared("video", talking.neutral, MouthBank(marked, bank.shapes, bank.turns, None))
    generator, shot = PortraitGenerator(target), talking_shot(narrowest())
    small = replace(gaping(), expression=gaping().expression * np.float32(0.35))
    seen = []
    for wanted in [small] * 5 + [gaping()] * 6:
        patch = generator.generate(shot, wanted, None)
        pure = patch.pixels[(patch.pixels[..., 1] < 8) & (np.abs(patch.pixels.astype(int).sum(2) - 255) < 12)]
        assert len(pure) > 10
        seen.append(float(np.median(pure[:, 0])))
    assert len(set(seen[:5])) == 1
    assert seen[-1] == pytest.approx(seen[-2], abs=1)
    jump = abs(seen[-1] - seen[0])
    assert jump > 30
    assert np.abs(np.diff(seen)).max() < 0.6 * jump


# The eyes


@pytest.mark.parametrize("kind", ["photo", "video"])
def test_gaze_changes_the_eyes_and_nothing_else(kind: str, photo, calm) -> None:
    target, shot = photo if kind == "photo" else (calm, video_shots()[5])
    rest = rest_motion(0, 0.0) if kind == "photo" else own_motion(calm, video()[1][5])
    generator = PortraitGenerator(target, GeneratorConfig(network=False))
    aside = replace(rest, gaze=rest.gaze + np.float32([[0.15, 0], [0.15, 0]]))
    drawn = changed(generator.generate(shot, rest, None), patch := generator.generate(shot, aside, None))
    eyes = [shot.points[RIGHT_EYE], shot.points[LEFT_EYE]]
    assert drawn.sum() > 60
    assert not drawn[~within(patch, eyes, 5)].any()


def test_shut_lids_cover_the_eyes(photo) -> None:
    target, shot = photo
    patch = PortraitGenerator(target).generate(shot, replace(rest_motion(0, 0.0), lids=np.zeros(2, np.float32)), None)
    eyes = [within(patch, [shot.points[ring]], 0) for ring in (RIGHT_EYE, LEFT_EYE)]
    open_eyes, shut_eyes = (
        [np.ptp(np.quantile(picture[eye].mean(1), [0.2, 0.8])) for eye in eyes]
        for picture in (beneath(patch, shot), patch.pixels)
    )
    assert np.mean(shut_eyes) < 0.6 * np.mean(open_eyes)  # the white and the pupil are covered with skin


def test_what_is_tracked_in_the_result_is_what_was_asked_for(photo) -> None:
    """Measured in the picture: the photo's mouth is open, its eyes are shut."""
    target, shot = photo
    generator = PortraitGenerator(target)
    with FaceMeshTracker(still=True) as tracker:

        def made(wanted: Motion) -> np.ndarray:
            patch = generator.generate(shot, wanted, None)
            whole = shot.pixels.copy()
            x, y = patch.matrix[:, 2].astype(int)
            share = patch.mask[..., None] / 255
            part = whole[y : y + share.shape[0], x : x + share.shape[1]]
            part[:] = part + (patch.pixels.astype(float) - part) * share
            found = tracker.track(Frame(whole, 0, 0.0))
            assert found is not None
            return found.points

        rest = made(rest_motion(0, 0.0))
        assert np.abs(rest - shot.points)[:, :2].max() < 0.05 * eye_distance(shot.points)
        shut = made(replace(rest_motion(0, 0.0), lids=np.zeros(2, np.float32)))
        assert eye_opening(shut).max() < 0.6 * eye_opening(rest).min()
        assert mouth_gap(made(gaping())) > mouth_gap(rest) + 0.08


# Where it runs


def test_asking_for_a_gpu_that_is_not_there(photo, monkeypatch) -> None:
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: ["CPUExecutionProvider"])
    with pytest.raises(ModelError, match="onnxruntime-gpu"):
        PortraitGenerator(photo[0], GeneratorConfig(provider="cuda"))
    assert PortraitGenerator(photo[0], GeneratorConfig(provider="cuda", allow_cpu=True)).provider == "cpu"
    assert PortraitGenerator(photo[0]).provider == "cpu"


def test_a_model_that_is_not_there(photo) -> None:
    with pytest.raises(ModelError, match="no model is called 'other': expected one of portrait"):
        PortraitGenerator(photo[0], GeneratorConfig(model="other"))


def test_the_network_may_run_in_a_process_of_its_own(photo):
    prepared, shot = photo
    config = GeneratorConfig(provider="cpu")
    here = PortraitGenerator(prepared, config).generate(shot, gaping(), None)
    opened: list[WorkerSession] = []

    def opens(*args, **more):
        opened.append(WorkerSession(*args, **more))
        return opened[-1]

    there = PortraitGenerator(prepared, config, opens=opens).generate(shot, gaping(), None)
    assert np.array_equal(here.pixels, there.pixels)
    opened[0].close()
    without = PortraitGenerator(prepared, GeneratorConfig(network=False)).generate(shot, gaping(), None)
    assert not np.array_equal(here.pixels, without.pixels)
