"""What a recording covers: every goal by a synthetic face that does just that, and nothing by one that does not."""

import numpy as np
import pytest
import tracked

from reenact.config import CoverageConfig
from reenact.retarget.transfer import LIDS
from reenact.targets.coverage import STEPS, Coverage, Doing
from reenact.targets.record import Course
from reenact.tracking.topology import INNER_LIPS, OUTER_LIPS
from reenact.types import FaceTrack

IOD = 120.0
STEP = 1 / 30
GOALS = [goal.name for step in STEPS for goal in step.goals]


def face(
    gap: float = 0.0,
    width: float = 1.0,
    lids: float = 1.0,
    gaze: tuple[float, float] = (0.0, 0.0),
    turn: tuple[float, float] = (0.0, 0.0),
) -> np.ndarray:
    """The mean face doing something; turn in degrees, to the person's left and down, gaze in eye widths, gap in IOD."""
    points = tracked.average_face(IOD)
    lips = np.concatenate([INNER_LIPS, OUTER_LIPS])
    points[lips, 0] = 320 + (points[lips, 0] - 320) * width
    # the mean face's lips are parted a little: shut them, then open them by the gap
    upper, lower = INNER_LIPS[1:10], INNER_LIPS[:10:-1]
    middle = (points[upper, 1] + points[lower, 1]) / 2
    points[upper, 1], points[lower, 1] = middle - gap * IOD / 2, middle + gap * IOD / 2
    for pairs in LIDS:
        for up, low in pairs:
            points[up] = points[low] + (points[up] - points[low]) * lids
    for iris, a, b in ((range(468, 473), 33, 133), (range(473, 478), 362, 263)):
        reach = np.linalg.norm(points[a, :2] - points[b, :2])
        points[list(iris), :2] += np.array(gaze, np.float32) * reach
    yaw, pitch = np.radians(turn)
    return tracked.moved(points, np.array([pitch, -yaw, 0.0]), (0, 0), 1.0)


DOING = {
    "rest": {},
    "aah": {"gap": 0.25},
    "eeh": {"gap": 0.12},
    "eee": {"gap": 0.06, "width": 1.08},
    "ohh": {"gap": 0.12, "width": 0.93},
    "ooo": {"gap": 0.05, "width": 0.84},
    "smile": {"width": 1.15},
    "look left": {"gaze": (0.14, 0.0)},
    "look right": {"gaze": (-0.14, 0.0)},
    "look up": {"gaze": (0.0, -0.06)},
    "look down": {"gaze": (0.0, 0.06)},
    "turn left": {"turn": (20.0, 0.0)},
    "turn right": {"turn": (-20.0, 0.0)},
    "turn up": {"turn": (0.0, -12.0)},
    "turn down": {"turn": (0.0, 12.0)},
}


class Person:
    """Somebody before a coverage, 30 frames a second."""

    def __init__(self, config: CoverageConfig | None = None) -> None:
        self.coverage = Coverage(config or CoverageConfig())
        self.now = 100.0

    def does(self, frames: int, subject: int = 0, **what: object) -> Doing | None:
        doing = None
        track = tracked.track(face(**what), subject=subject)  # type: ignore[arg-type]
        for _ in range(frames):
            doing = self.sees(track)
        return doing

    def sees(self, track: FaceTrack | None) -> Doing | None:
        self.now += STEP
        return self.coverage.add(track, self.now)


def test_every_goal_has_somebody_who_does_it() -> None:
    assert set(DOING) | {"blink"} == set(GOALS)


@pytest.mark.parametrize("goal", DOING)
def test_a_goal_is_met_by_doing_it_and_by_no_other(goal: str) -> None:
    person = Person()
    person.does(15)  # the neutral
    before = person.coverage.shares()
    person.does(40, **DOING[goal])
    shares = person.coverage.shares()
    assert shares[goal] == 1.0
    assert {name for name in GOALS if shares[name] > before[name]} == {goal}


def test_what_is_measured_is_what_was_done() -> None:
    person = Person()
    person.does(15)
    doing = person.does(1, gap=0.2, width=0.9, lids=0.5, gaze=(0.1, 0.05))
    assert doing is not None
    assert doing.opened == pytest.approx(0.2, abs=0.01)
    assert doing.width == pytest.approx(0.9, abs=0.01)
    assert doing.lids == pytest.approx(0.5, abs=0.03)
    assert doing.gaze == pytest.approx((0.1, 0.05), abs=0.01)
    doing = person.does(1, turn=(18.0, 7.0))
    assert doing is not None
    assert doing.turn == pytest.approx((18.0, 7.0), abs=1.5)
    left = face(turn=(18.0, 0.0))
    assert left[1, 0] > face()[1, 0] + 5  # unmirrored: the nose goes to the picture's right, the person's left
    assert face(turn=(0.0, 10.0))[1, 1] > face()[1, 1] + 3


def test_blinks_are_counted_not_timed() -> None:
    person = Person()
    person.does(15)
    person.does(30, lids=0.1)
    assert person.coverage.shares()["blink"] == pytest.approx(0.5)
    person.does(1)
    person.does(1, lids=0.1)
    assert person.coverage.shares()["blink"] == 1.0


def test_a_face_that_comes_and_goes_does_not_count_its_absence() -> None:
    person = Person()
    person.does(15)
    person.does(3, **DOING["aah"])
    had = person.coverage.shares()["aah"]
    for _ in range(90):
        assert person.sees(None) is None
    assert person.coverage.shares()["aah"] == had
    person.now += 60.0  # the camera was away: one picture is one picture
    person.does(1, **DOING["aah"])
    assert person.coverage.shares()["aah"] == pytest.approx(had + 0.1 / 0.4)
    assert person.coverage.seen == 19


def test_somebody_else_does_not_count() -> None:
    person = Person()
    person.does(15)
    seen = person.coverage.seen
    assert person.does(30, subject=1, **DOING["aah"]) is None
    assert person.coverage.shares()["aah"] == 0
    assert person.coverage.seen == seen


def test_the_neutral_is_taken_at_rest_or_after_a_while_from_whatever_there_was() -> None:
    person = Person()
    assert person.does(14) is None
    assert not person.coverage.calibrated
    assert person.does(1) is not None
    assert person.coverage.shares()["rest"] == pytest.approx(14 / 30)  # the frames it was taken from count too
    laughing = Person()
    assert laughing.does(60, gap=0.1) is None
    assert not laughing.coverage.calibrated
    laughing.does(62, gap=0.1)
    assert laughing.coverage.calibrated
    doing = laughing.does(1, gap=0.1)
    assert doing is not None
    assert doing.opened == pytest.approx(0, abs=0.005)


def test_two_people_do_not_share_a_neutral() -> None:
    person = Person()
    person.does(10)
    person.does(14, subject=1)
    assert not person.coverage.calibrated
    person.does(1, subject=1)
    assert person.coverage.calibrated


def test_all_done_is_the_whole_share() -> None:
    person = Person()
    person.does(15)
    assert not person.coverage.done
    for goal in DOING:
        person.does(40, **DOING[goal])
    for _ in range(2):
        person.does(2, lids=0.1)
        person.does(2)
    assert person.coverage.shares() == dict.fromkeys(GOALS, 1.0)
    assert person.coverage.done
    assert person.coverage.share == 1.0


def test_the_course_goes_on_when_a_step_is_met_or_nothing_comes_of_it() -> None:
    person = Person(CoverageConfig(patience_s=2.0))
    course = Course(person.coverage, 2.0)

    def does(frames: int, **what: object) -> None:
        for _ in range(frames):
            person.does(1, **what)
            course.at(person.now)

    does(10)
    assert course.step.name == "rest"
    does(30)
    assert course.step.name == "vowels"
    for vowel in ("aah", "eeh", "eee", "ohh", "ooo"):
        assert vowel in person.coverage.missing(course.step)
        does(14, **DOING[vowel])
    assert course.step.name == "smile"
    does(55)
    assert course.step.name == "smile"
    does(5, **DOING["smile"])  # something comes of it: patience begins anew
    does(55)
    assert course.step.name == "smile"
    does(10)
    assert course.step.name == "blink"
    for _ in range(2):
        does(2, lids=0.1)
        does(2)
    assert course.step.name == "look"
    does(130)
    assert course.over


def test_a_course_waits_for_the_neutral() -> None:
    coverage = Coverage(CoverageConfig(calibrate_s=100.0))
    course = Course(coverage, 1.0)
    for i in range(90):
        coverage.add(tracked.track(face(gap=0.1)), i / 30)
        course.at(i / 30)
    assert course.step.name == "rest"
