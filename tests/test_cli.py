"""The command line's manners: help, exit statuses, one sentence for a user's mistake."""

import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest

from reenact import assets
from reenact.cli import main, options
from reenact.cli.console import stage_table
from reenact.config import MOUTHS, GeneratorConfig
from reenact.errors import DeviceError, InputError, ModelError
from reenact.stats import Stats
from reenact.targets.consent import KINDS
from reenact.version import __version__


@pytest.fixture(autouse=True)
def _own_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REENACT_HOME", str(tmp_path_factory.mktemp("home")))
    monkeypatch.setenv("COLUMNS", "120")


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    status = main([str(a) for a in arguments])
    seen = capsys.readouterr()
    return status, seen.out, seen.err


def refused(capsys: pytest.CaptureFixture[str], status: int, *arguments: object) -> str:
    """The one sentence with which a command is refused."""
    got, _, err = run(capsys, *arguments)
    lines = [line for line in err.splitlines() if line.strip()]
    assert got == status, err
    assert len(lines) == 1, err
    assert lines[0].startswith("reenact: ")
    return lines[0]


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "--version")[:2] == (0, f"reenact {__version__}\n")


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ([], ["demo", "live", "render", "target", "bench", "doctor", "models", "Exit status"]),
        (["render"], ["reenact render me.mp4", "--neutral", "--consent", "--mouth", "public-domain"]),
        (["live"], ["--camera demo", "--vcam", "--seconds", "c recalibrate"]),
        (["target", "add"], ["--name", "--consent", "--note"]),
        (["target"], ["add", "list", "show", "remove"]),
        (["bench"], ["blend", "quality", "latency"]),
        (["demo"], ["demo.mp4"]),
    ],
)
def test_help_teaches(capsys: pytest.CaptureFixture[str], command: list[str], words: list[str]) -> None:
    status, out, _ = run(capsys, *command, "--help")
    assert status == 0
    assert not [word for word in words if word not in out]
    assert "[bold]" not in out


@pytest.mark.parametrize(
    "arguments",
    [["nonsense"], ["render"], ["render", "a.mp4"], ["live"], ["live", "-t", "x", "--rate", "0"], ["render", "--what"]],
)
def test_wrong_usage_is_status_2_and_points_to_help(capsys: pytest.CaptureFixture[str], arguments: list[str]) -> None:
    status, _, err = run(capsys, *arguments)
    assert status == 2
    assert "Error" in err
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("error", "status"),
    [(InputError("a b: c"), 2), (DeviceError("a b: c"), 3), (ModelError("a b: c"), 1)],
)
def test_exit_status_by_error(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, error: Exception, status: int
) -> None:
    def fail() -> None:
        raise error

    monkeypatch.setattr("reenact.targets.library.list_targets", fail)
    assert refused(capsys, status, "target", "list") == "reenact: a b: c"


def test_ctrl_c_is_status_130(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("reenact.targets.library.list_targets", interrupt)
    status, _, err = run(capsys, "target", "list")
    assert status == 130
    assert "Traceback" not in err


def test_a_defect_shows_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("reenact.targets.library.list_targets", fail)
    with pytest.raises(ZeroDivisionError):
        main(["target", "list"])


def test_every_choice_of_the_options_is_one_of_the_package() -> None:
    assert [m.value for m in options.Mouth] == list(MOUTHS)
    assert [k.value for k in options.ConsentKind] == list(KINDS)
    for provider in options.Provider:
        assert GeneratorConfig(provider=provider.value).provider == provider.value


def nothing_left(folder: Path, *kept: str) -> None:
    assert sorted(p.name for p in folder.iterdir()) == sorted(kept)


def test_drivers_that_cannot_be_used(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "empty.mp4").write_bytes(b"")
    (tmp_path / "text.mp4").write_text("this is no video\n" * 50)
    target = ("-t", assets.PHOTO, "--consent", "synthetic", "-o", tmp_path / "out.mp4")
    assert "missing.mp4" in refused(capsys, 2, "render", tmp_path / "missing.mp4", *target)
    assert "folder" in refused(capsys, 2, "render", tmp_path, *target)
    assert "empty" in refused(capsys, 2, "render", tmp_path / "empty.mp4", *target)
    assert "not a video" in refused(capsys, 2, "render", tmp_path / "text.mp4", *target)
    nothing_left(tmp_path, "empty.mp4", "text.mp4")


def test_a_picture_far_too_large_is_refused_before_it_is_decoded(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    cv2.imwrite(str(tmp_path / "huge.png"), np.zeros((20000, 20000), np.uint8))
    start = time.monotonic()
    arguments = ("-t", assets.PHOTO, "--consent", "synthetic", "-o", tmp_path / "out.mp4")
    assert "20000x20000" in refused(capsys, 2, "render", tmp_path / "huge.png", *arguments)
    assert time.monotonic() - start < 5


def test_outputs_that_cannot_be_written(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    target = ("-t", assets.PHOTO, "--consent", "synthetic")
    missing = tmp_path / "no" / "out.mp4"
    assert "there is no folder" in refused(capsys, 2, "render", assets.DRIVER, *target, "-o", missing)
    assert "is a folder" in refused(capsys, 2, "render", assets.DRIVER, *target, "-o", tmp_path)
    clip = tmp_path / "driver.mp4"
    clip.write_bytes(assets.DRIVER.read_bytes())
    assert "is also an input" in refused(capsys, 2, "render", clip, *target, "-o", clip)
    assert clip.read_bytes() == assets.DRIVER.read_bytes()
    nothing_left(tmp_path, "driver.mp4")


@pytest.mark.parametrize("command", ["render", "live"])
def test_a_file_without_consent_is_not_played_and_the_sentence_says_how(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, command: str
) -> None:
    rest = {
        "render": (assets.DRIVER, "-o", tmp_path / "out.mp4"),
        "live": ("--camera", "demo", "--vcam", "none", "--record", tmp_path / "out.mkv"),
    }[command]
    sentence = refused(capsys, 2, command, "-t", assets.PHOTO, *rest)
    assert "--consent self|agreement|public-domain|synthetic" in sentence
    nothing_left(tmp_path)


def test_a_target_without_a_face_or_unknown(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "wall.png"), np.full((240, 320, 3), 90, np.uint8))
    out = ("-o", tmp_path / "out.mp4")
    wall = (tmp_path / "wall.png", "--consent", "synthetic")
    assert "face" in refused(capsys, 2, "render", assets.DRIVER, "-t", *wall, *out)
    assert "no target 'nobody'" in refused(capsys, 2, "render", assets.DRIVER, "-t", "nobody", *out)
    assert "face" in refused(capsys, 2, "target", "add", tmp_path / "wall.png", "--name", "w", "--consent", "synthetic")
    assert "no target 'w'" in refused(capsys, 2, "target", "show", "w")
    nothing_left(tmp_path, "wall.png")


def test_a_neutral_that_is_no_picture(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    arguments = ("-t", assets.PHOTO, "--consent", "synthetic", "-o", tmp_path / "o.mp4", "--neutral")
    assert "auto, first" in refused(capsys, 2, "render", assets.DRIVER, *arguments, "average")
    assert "expected JPEG" in refused(capsys, 2, "render", assets.DRIVER, *arguments, assets.DRIVER)


def test_devices_that_are_missing_are_status_3(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    target = ("-t", assets.PHOTO, "--consent", "synthetic", "--no-preview")
    record = ("--vcam", "none", "--record", tmp_path / "out.mkv")
    assert "camera" in refused(capsys, 3, "live", *target, *record, "--camera", "97")
    nothing_left(tmp_path)
    sentence = refused(capsys, 3, "live", *target, "--camera", "demo", "--vcam", "/dev/video97")
    assert "virtual camera" in sentence


def test_live_with_nowhere_to_show_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ("-t", assets.PHOTO, "--consent", "synthetic", "--camera", "demo", "--vcam", "none", "--no-preview")
    assert "--record FILE" in refused(capsys, 2, "live", *arguments)


def test_targets_are_added_listed_shown_and_removed(capsys: pytest.CaptureFixture[str]) -> None:
    assert "no targets yet" in run(capsys, "target", "list")[1]
    consent = ("--consent", "synthetic", "--note", "rendered, nobody")
    status, out, _ = run(capsys, "target", "add", assets.PHOTO, "--name", "ren", *consent)
    assert (status, "a photo of 1280x720" in out) == (0, True)
    listed = run(capsys, "target", "list")[1]
    assert "ren" in listed
    assert "synthetic" in listed
    assert "rendered, nobody" in run(capsys, "target", "show", "ren")[1]
    assert "--force" in refused(capsys, 2, "target", "add", assets.PHOTO, "--name", "ren", *consent)
    assert run(capsys, "target", "remove", "ren")[0] == 0
    assert "no targets yet" in run(capsys, "target", "list")[1]


def test_agreement_needs_a_note(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ("target", "add", assets.PHOTO, "--name", "a", "--consent", "agreement")
    assert "--note" in refused(capsys, 2, *arguments)


def test_the_stage_table_holds_the_figures() -> None:
    stats = Stats()
    stats.add("blend", 0.0125)
    table = stage_table(stats, "times")
    assert [column._cells for column in table.columns] == [["blend"], ["12.50"], ["12.50"], ["12.50"], ["1"]]


def test_the_terminal_stays_clean_and_starting_is_quick() -> None:
    start = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "reenact", "target", "list"], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0
    assert done.stderr == ""
    assert time.monotonic() - start < 10


def test_a_user_s_mistake_shows_no_traceback_from_outside(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "reenact", "render", "no.mp4", "-t", "x", "-o", str(tmp_path / "o.mp4")],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr == "reenact: no.mp4 does not exist: expected a video or a picture\n"


@pytest.mark.parametrize(
    ("camera", "status", "words"),
    [
        ("nothere.mp4", 2, "nothere.mp4 does not exist: expected a video, or the number, name or address of a camera"),
        (__file__, 2, "is not a video that can be read"),
        ("97", 3, "there is no camera 97 (/dev/video97)"),
        ("Nobody's Cam 1.mp", 3, "there is no camera named"),
    ],
)
def test_a_driver_that_is_not_there(capsys: pytest.CaptureFixture[str], camera: str, status: int, words: str) -> None:
    assert words in refused(capsys, status, "live", "-t", assets.PHOTO, "--camera", camera)


def test_a_preview_without_a_display(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reenact.sinks.has_display", lambda: False)
    said = refused(capsys, 3, "live", "-t", assets.PHOTO, "--consent", "synthetic", "--camera", "demo", "--preview")
    assert "there is no display to open a window on" in said
