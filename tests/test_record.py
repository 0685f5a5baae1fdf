"""Recording a target: the loop with a camera that fails, the file, the picture with prompts, the command."""

import io
import signal
from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np
import pytest
import tracked
from clips import driver as short_clip
from rich.console import Console

from reenact.cli import console, guide, main
from reenact.cli.interruption import interruptible
from reenact.config import CoverageConfig
from reenact.errors import DeviceError, InputError, NoPicture, SinkError, SourceError
from reenact.sources import VideoFile
from reenact.targets.coverage import STEPS
from reenact.targets.footage import Footage
from reenact.targets.library import find_target, load_target
from reenact.targets.record import LEAST, Recorded, Show, Stand, record
from reenact.types import FaceTrack, Frame, InnerMouth

Turn = Frame | Exception


class Shown:
    """A Source of prepared turns, and a Tracker that knows the built-in driver's tracks and no other face."""

    def __init__(self, turns: Iterable[Turn], live: bool = True) -> None:
        self.turns = list(turns)
        self.size, self.rate, self.live = (640, 480), 30.0, live
        frames, tracks = tracked.driver()
        self.known = {id(f.pixels): t for f, t in zip(frames, tracks, strict=True)}

    def read(self) -> Frame | None:
        if not self.turns:
            return None
        turn = self.turns.pop(0)
        if isinstance(turn, Exception):
            raise turn
        return turn

    def track(self, frame: Frame) -> FaceTrack | None:
        return self.known.get(id(frame.pixels))

    def inner_mouth(self, frame: Frame, track: FaceTrack) -> InnerMouth | None:
        return None

    def reset(self) -> None: ...

    def close(self) -> None: ...


def driver(count: int = 60) -> list[Turn]:
    return list(tracked.driver()[0][:count])


def run(turns: list[Turn], path: Path, show: Show | None = None, config: CoverageConfig | None = None) -> Recorded:
    shown = Shown(turns)
    return record(shown, shown, path, show or (lambda frame, track, stand: True), config)


def test_a_recording_holds_every_frame_at_its_time(tmp_path: Path) -> None:
    stands: list[Stand] = []

    def show(frame: Frame | None, track: FaceTrack | None, stand: Stand) -> bool:
        assert frame is not None
        assert track is not None
        stands.append(stand)
        return True

    turns = driver()
    late = [Frame(f.pixels, f.seq, f.t_capture + 7.0 + (0.5 if i >= 50 else 0)) for i, f in enumerate(turns)]  # type: ignore[union-attr]
    shown = Shown(late)
    shown.known = {id(f.pixels): t for f, t in zip(late, tracked.driver()[1], strict=True)}
    made = record(shown, shown, tmp_path / "a.mp4", show)
    assert (made.frames, made.seen, made.warning) == (60, 60, "")
    assert made.seconds == pytest.approx(59 / 30 + 0.5, abs=0.01)
    with VideoFile(made.path) as video:
        read = [video.read() for _ in range(60)]
        assert video.read() is None
    assert [f.t_capture for f in read if f is not None] == pytest.approx(
        [f.t_capture - late[0].t_capture for f in late], abs=1e-4
    )
    for i in (0, 30, 59):
        one, frame = read[i], late[i]
        assert one is not None
        assert np.abs(one.pixels.astype(int) - frame.pixels).mean() < 2.5
    assert list(tmp_path.iterdir()) == [made.path]
    assert stands[0].prompt == STEPS[0].prompt
    assert stands[0].hint == "hold still, lips together"
    assert stands[-1].share > stands[0].share == 0
    assert stands[-1].shares == made.shares
    assert made.shares["aah"] > 0  # he opens his mouth
    assert "turn left" in made.missing


def test_it_ends_when_asked_to_and_when_the_time_is_up(tmp_path: Path) -> None:
    made = run(driver(), tmp_path / "a.mp4", lambda frame, track, stand: frame is None or frame.seq < 49)
    assert made.frames == 50
    made = run(driver(), tmp_path / "b.mp4", config=CoverageConfig(most_s=1.7))
    assert made.frames == 52
    assert made.seconds == pytest.approx(1.7, abs=0.01)


def test_it_ends_when_every_prompt_was_waited_for(tmp_path: Path) -> None:
    frames, tracks = tracked.driver()
    calm = [Frame(frames[i % 12].pixels, i, i / 30) for i in range(200)]
    shown = Shown(calm)
    shown.known = {id(frames[i].pixels): tracks[i] for i in range(12)}
    seen: list[str] = []
    made = record(
        shown, shown, tmp_path / "a.mp4", lambda f, t, s: seen.append(s.prompt) is None, CoverageConfig(patience_s=0.7)
    )
    assert list(dict.fromkeys(seen)) == [step.prompt for step in STEPS]
    assert made.frames < 200
    assert made.shares["rest"] == 1.0


def test_a_camera_that_comes_back_goes_on(tmp_path: Path) -> None:
    seen: list[tuple[bool, str]] = []

    def show(frame: Frame | None, track: FaceTrack | None, stand: Stand) -> bool:
        seen.append((frame is None, stand.hint))
        return True

    turns = driver()
    turns[30:30] = [NoPicture("the camera is unplugged")] * 3
    made = run(turns, tmp_path / "a.mp4", show)
    assert made.frames == 60
    assert seen[30:33] == [(True, "the camera is unplugged")] * 3
    assert seen[33][0] is False


def test_a_lost_camera_leaves_what_is_enough_and_nothing_else(tmp_path: Path) -> None:
    made = run([*driver(LEAST), DeviceError("the camera is gone")], tmp_path / "a.mp4")
    assert (made.frames, made.warning) == (LEAST, "the camera is gone")
    with pytest.raises(DeviceError, match=f"the camera is gone; {LEAST - 1} frames are too few to keep"):
        run([*driver(LEAST - 1), DeviceError("the camera is gone")], tmp_path / "b.mp4")
    assert [p.name for p in tmp_path.iterdir()] == ["a.mp4"]


def test_a_recording_without_a_person_is_not_kept(tmp_path: Path) -> None:
    hints: list[str] = []
    empty = [Frame(np.full((480, 640, 3), 90, np.uint8), i, i / 30) for i in range(60)]
    with pytest.raises(SourceError, match="shows one person in 0 of 60 frames, expected at least 48"):
        run(list(empty), tmp_path / "a.mp4", lambda f, t, s: hints.append(s.hint) is None)
    assert set(hints) == {"your face cannot be seen: look into the camera"}
    assert list(tmp_path.iterdir()) == []


def test_what_is_in_the_way_is_said(tmp_path: Path) -> None:
    frames, tracks = tracked.driver()

    def hints(pixels: list[np.ndarray], points: list[np.ndarray], subjects: list[int]) -> list[str]:
        said: list[str] = []
        made = [Frame(p, i, i / 30) for i, p in enumerate(pixels)]
        shown = Shown(made)
        shown.known = {
            id(f.pixels): FaceTrack(p, 1.0, s, f.seq, f.t_capture)
            for f, p, s in zip(made, points, subjects, strict=True)
        }
        with pytest.raises(SourceError):
            record(shown, shown, tmp_path / "a.mp4", lambda f, t, s: said.append(s.hint) is None)
        return said

    pictures = [frames[i % 12].pixels.copy() for i in range(20)]
    points = [tracks[i % 12].points for i in range(20)]
    assert hints(pictures, points, [0] * 20)[-1] == ""
    assert hints(pictures, points, [0] * 19 + [1])[-1] == "somebody else is in the picture: only you should be"
    small = [np.ascontiguousarray(p * np.float32(0.3)) for p in points]
    assert hints(pictures, small, [0] * 20)[-1] == "come nearer to the camera"
    dark = [p // 6 for p in pictures]
    assert hints(dark, points, [0] * 20)[-1] == "it is dark: turn on a light in front of you"


def test_footage_leaves_out_other_sizes_and_an_odd_edge(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    with Footage(tmp_path / "a.mp4", (65, 49), 30.0) as footage:
        for i in range(4):
            smooth = cv2.resize(rng.integers(0, 255, (6, 8, 3), np.uint8), (65, 49))
            footage.add(Frame(smooth, i, i / 30))
        footage.add(Frame(np.zeros((100, 100, 3), np.uint8), 4, 4 / 30))
    assert footage.frames == 4
    with VideoFile(tmp_path / "a.mp4") as video:
        assert video.size == (64, 48)
        assert video.frames == 4
    footage.close()
    with pytest.raises(SinkError, match="is closed"):
        footage.add(Frame(smooth, 5, 1.0))


def test_footage_leaves_nothing_half_written(tmp_path: Path) -> None:
    def fails() -> None:
        with Footage(tmp_path / "a.mp4", (64, 48), 30.0) as footage:
            footage.add(Frame(np.zeros((48, 64, 3), np.uint8), 0, 0.0))
            raise RuntimeError("cut off")

    with pytest.raises(RuntimeError, match="cut off"):
        fails()
    with Footage(tmp_path / "b.mp4", (64, 48), 30.0):
        pass  # without a frame there is no file
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(InputError, match="there is no folder"):
        Footage(tmp_path / "none" / "a.mp4", (64, 48), 30.0)


def stand(share: float = 0.0, hint: str = "", missing: tuple[str, ...] = ("aah", "ooo")) -> Stand:
    shares = {goal.name: share for step in STEPS for goal in step.goals}
    return Stand(STEPS[1].prompt, missing, hint, share, shares, 1.0)


@pytest.mark.parametrize("size", [(640, 480), (1280, 720), (320, 240), (480, 854)])
def test_the_picture_is_a_mirror_with_a_bar(size: tuple[int, int]) -> None:
    width, height = size
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[:, : width // 2] = 100
    before = pixels.copy()
    drawn = guide.draw_guide(pixels, None, stand())
    assert np.array_equal(pixels, before)
    assert drawn.shape == pixels.shape
    middle = drawn[height // 2]
    assert (middle[: width // 2 - 1] == 0).all()
    assert (middle[width // 2 + 1 :] == 100).all()

    def green(share: float) -> int:
        bar = guide.draw_guide(pixels, None, stand(share))[height // 2 :]
        return int((np.abs(bar.astype(int) - (90, 200, 90)).max(2) < 8).sum())

    assert green(0.0) == 0
    assert green(0.25) < green(0.5) < green(0.99)
    assert green(0.5) == pytest.approx(green(0.99) / 2, rel=0.1)
    assert (guide.draw_guide(pixels, None, stand(hint="come nearer")) != drawn).any()
    points = np.full((478, 3), height / 2, np.float32)
    spotted = guide.draw_guide(pixels, points, stand())
    assert (spotted[height // 2, width - 1 - height // 2] == (90, 200, 90)).all()


def test_each_step_has_its_part_of_the_bar() -> None:
    made = stand()
    made.shares.update(dict.fromkeys(("aah", "eeh", "eee", "ohh"), 1.0))
    shares = guide.step_shares(made)
    assert list(shares) == [step.name for step in STEPS]
    assert shares["vowels"] == pytest.approx(0.8)
    assert sum(shares.values()) == pytest.approx(0.8)


def test_without_a_terminal_each_prompt_is_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    line = guide.GuideLine()
    for share in (0.1, 0.2, 0.3):
        line.show(None, None, stand(share))
    line.close()
    assert capsys.readouterr().err == f"reenact: {STEPS[1].prompt} (10% covered)\n"


def test_on_a_terminal_the_bar_and_what_is_missing_are_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = io.StringIO()
    monkeypatch.setattr(console, "err", Console(file=shown, force_terminal=True, width=120))
    for each in (stand(0.4), stand(0.4, hint="come nearer to the camera")):
        line = guide.GuideLine()
        line.show(None, None, each)
        line.close()
    for words in (STEPS[1].prompt, "40%", "still: aah, ooo", "come nearer to the camera"):
        assert words in shown.getvalue()


def test_ctrl_c_asks_for_an_end_and_is_given_back() -> None:
    before = signal.getsignal(signal.SIGINT)
    with interruptible() as stopped:
        assert not stopped()
        signal.raise_signal(signal.SIGINT)
        assert stopped()
    assert signal.getsignal(signal.SIGINT) is before


class FakeWindow:
    def __init__(self, keys: list[int], visible: float = 1.0) -> None:
        self.keys, self.visible, self.pictures = keys, visible, 0

    def install(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(cv2, "namedWindow", lambda *_: None)
        monkeypatch.setattr(cv2, "resizeWindow", lambda *_: None)
        monkeypatch.setattr(cv2, "destroyAllWindows", lambda: None)
        monkeypatch.setattr(cv2, "imshow", self._show)
        monkeypatch.setattr(cv2, "waitKey", lambda _: self.keys.pop(0) if self.keys else 255)
        monkeypatch.setattr(cv2, "getWindowProperty", lambda *_: self.visible)

    def _show(self, title: str, pixels: np.ndarray) -> None:
        self.pictures += 1


@pytest.mark.parametrize(("key", "closed"), [(ord("q"), True), (27, True), (ord("x"), False), (255, False)])
def test_q_and_esc_end_it(monkeypatch: pytest.MonkeyPatch, key: int, closed: bool) -> None:
    fake = FakeWindow([key])
    fake.install(monkeypatch)
    window = guide.GuideWindow((640, 480))
    window.show(tracked.driver()[0][0], None, stand())
    assert window.closed is closed
    window.close()
    assert fake.pictures == 1


def test_the_window_s_cross_ends_it_and_a_missing_display_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    FakeWindow([], visible=0.0).install(monkeypatch)
    window = guide.GuideWindow((640, 480))
    window.show(None, None, stand())
    assert not window.closed  # nothing was shown yet
    window.show(tracked.driver()[0][0], None, stand())
    assert window.closed
    monkeypatch.setattr(guide, "has_display", lambda: False)
    assert [type(g) for g in guide.guides((64, 48), None)] == [guide.GuideLine]
    with pytest.raises(DeviceError, match="no display to open a window on"):
        guide.guides((64, 48), True)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("REENACT_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run_command(*arguments: object) -> int:
    return main(["target", "record", *(str(a) for a in arguments), "--no-preview"])


def test_the_command_makes_a_target(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    clip = short_clip(home / "clip.mp4", 56)
    assert run_command("ada", "--camera", clip, "--consent", "synthetic") == 0
    said = capsys.readouterr()
    assert "ada: 56 frames in 2 s" in said.out
    assert "not seen, or too shortly: " in said.out
    assert "turn left" in said.out
    assert STEPS[0].prompt in said.err
    bundle = find_target("ada")
    assert (bundle.kind, bundle.frames, bundle.consent.kind) == ("video", 56, "synthetic")
    with load_target("ada") as target:
        assert target.bank is not None
        assert len(target.bank.mouths) > 0
    assert [p.name for p in (home / "home" / "targets").iterdir()] == ["ada"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["ada"], "consent"),
        (["ada", "--consent", "agreement"], "needs a note"),
        (["con", "--consent", "self"], "cannot be a target's name"),
        (["ada", "--consent", "self", "--camera", "none.mp4"], "none.mp4"),
    ],
)
def test_what_cannot_be_kept_is_not_recorded(
    home: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], words: str
) -> None:
    assert run_command(*arguments) in (2, 3)
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1
    assert words in lines[0]
    folder = home / "home" / "targets"
    assert not folder.exists() or not list(folder.iterdir())


def test_a_recording_that_cannot_be_prepared_is_kept(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from reenact.targets import library

    def broken(*_: object) -> None:
        raise SinkError("no room")

    monkeypatch.setattr(library, "prepare", broken)
    clip = short_clip(home / "clip.mp4", 50)
    assert run_command("ada", "--camera", clip, "--consent", "synthetic") == 1
    assert f"the recording is kept as {home / 'ada-recording.mp4'}" in capsys.readouterr().err
    with VideoFile(home / "ada-recording.mp4") as video:
        assert video.frames == 50
