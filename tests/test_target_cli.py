"""`reenact target` on the command line: consent asked for where somebody is there to answer, and what show tells."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from people import FACE_A

from reenact.assets import VIDEO
from reenact.cli import asking, main
from reenact.cli.thumbnail import COLUMNS, ROWS, half_blocks
from reenact.errors import TargetError
from reenact.sources import VideoFile
from reenact.targets.bundle import sha256
from reenact.targets.library import find_target, list_targets


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REENACT_HOME", str(tmp_path / "home"))


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A person at the keyboard, who gives these answers."""
    given: list[str] = []
    for stream in ("stdin", "stderr"):
        monkeypatch.setattr(f"sys.{stream}.isatty", lambda: True)
    monkeypatch.setattr("typer.prompt", lambda *_, **__: given.pop(0))
    return given


def test_consent_is_refused_where_it_is_missing_and_nobody_is_there(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["target", "add", str(FACE_A), "--name", "anna"]) == 2
    assert "has no consent entry: say who agreed with --consent self|agreement" in capsys.readouterr().err
    assert list_targets() == []


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (["1"], ("self", "")),
        (["synthetic"], ("synthetic", "")),
        (["2", "Anna, by mail, 3 May"], ("agreement", "Anna, by mail, 3 May")),
    ],
)
def test_consent_is_asked_for(answers: list[str], said: list[str], expected: tuple[str, str]) -> None:
    answers += said
    assert asking.ask_consent("a.jpg", "") == expected
    assert answers == []


@pytest.mark.parametrize("said", ["", "0", "5", "yes", "²"])
def test_no_other_answer_will_do(answers: list[str], said: str) -> None:
    answers.append(said)
    with pytest.raises(TargetError, match="is no answer: expected 1 to 4, or one of self, agreement"):
        asking.ask_consent("a.jpg", "")


def test_show_tells_of_consent_source_and_agreement(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    form = tmp_path / "form.pdf"
    form.write_bytes(b"I agree")
    arguments = ["target", "add", str(FACE_A), "-n", "anna", "--consent", "agreement", "--note", "Anna, signed"]
    assert main([*arguments, "--agreement", str(form)]) == 0
    assert main(["target", "show", "anna"]) == 0
    shown = capsys.readouterr().out
    for words in ("agreement, 20", "Anna, signed", f"form.pdf, SHA-256 {sha256(form)}, kept as", sha256(FACE_A)):
        assert words in shown
    assert "\u2580" not in shown  # a picture is for a terminal
    assert find_target("anna").consent.agreement == "form.pdf"
    assert main([*arguments, "--force", "--agreement", str(tmp_path / "none.pdf")]) == 2
    assert "none.pdf is not there" in capsys.readouterr().err
    assert find_target("anna").consent.agreement == "form.pdf"


def test_a_picture_is_drawn_in_its_colours() -> None:
    pixels = np.zeros((100, 200, 3), np.uint8)
    pixels[:50], pixels[50:, :100] = (0, 0, 255), (255, 0, 0)  # red above; blue and black below
    drawn = half_blocks(pixels)
    lines = drawn.plain.splitlines()
    assert (len(lines[0]), len(lines)) == (COLUMNS, COLUMNS // 4)
    first, last = drawn.spans[0].style, drawn.spans[-1].style
    assert (str(first.color.name), str(last.bgcolor.name)) == ("#ff0000", "#000000")  # type: ignore[union-attr]
    with VideoFile(VIDEO) as video:
        tall = half_blocks(np.ascontiguousarray(cv2.rotate(video.read().pixels, cv2.ROTATE_90_CLOCKWISE)))
    assert len(tall.plain.splitlines()) == ROWS
