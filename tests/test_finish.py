"""The visible label and the watermark, on every picture that leaves the engine."""

import datetime
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace

import av
import clips
import cv2
import numpy as np
import pytest
from fakes import (
    SIZE,
    FakeBlender,
    FakeGenerator,
    FakeRetargeter,
    FakeTarget,
    FakeTracker,
    Plan,
    canary_pixels,
    slate_pixels,
)
from marked import scene

from reenact import assets
from reenact.cli import main
from reenact.config import LABELS, FinishConfig
from reenact.engine import Engine
from reenact.errors import InputError
from reenact.finish import Finish
from reenact.playing import Playing
from reenact.provenance import find_watermark
from reenact.provenance.label import ROW, Label, label_due
from reenact.provenance.languages import LANGUAGES
from reenact.provenance.marker import known_signer
from reenact.provenance.reading import read_credentials
from reenact.provenance.record import Ledger
from reenact.rendering import render
from reenact.targets.consent import KINDS
from reenact.targets.library import open_target
from reenact.types import Composite, Frame, Kind

DAY = datetime.date(2026, 5, 3)


def engine(finish: Finish | None, label: bool = False, **faults: Plan) -> Engine:
    return Engine(
        FakeTracker(faults.get("tracker")),
        FakeRetargeter(),
        FakeTarget(),
        FakeGenerator(faults.get("generator")),
        FakeBlender(),
        slate=slate_pixels(),
        label=label,
        finish=finish,
    )


def shown(made: Engine, frames: int = 70) -> list[Composite]:
    return [made.step(Frame(canary_pixels(), n, n / 30)) for n in range(frames)]


@pytest.mark.parametrize("label", [False, True])
def test_every_kind_of_picture_is_finished_once(label: bool) -> None:
    """The same run with and without: each picture differs by nothing but what Finish does to it."""
    faults = {"tracker": dict.fromkeys(range(10, 60), "no face"), "generator": {50: "raises"}}
    finish = Finish(SIZE, signer=7, day=DAY)
    bare, finished = shown(engine(None, **faults)), shown(engine(finish, label, **faults))
    kinds = {composite.kind for composite in finished}
    assert kinds == set(Kind)
    for before, after in zip(bare, finished, strict=True):
        assert before.kind is after.kind
        drawn = label and after.kind is not Kind.SLATE  # which shows nobody
        assert np.array_equal(after.pixels, finish(before.pixels.copy(), drawn))
        assert not np.array_equal(after.pixels, before.pixels)


def test_the_card_of_the_panic_key_is_marked_too() -> None:
    finish = Finish(SIZE, day=DAY)
    made = engine(finish)
    for _ in range(2):
        assert np.array_equal(made.gate.card(0, 0.0).pixels, finish(slate_pixels()))


def test_the_label_goes_with_the_target_that_is_shown() -> None:
    made = engine(Finish(SIZE, FinishConfig(watermark=False)))
    plain = made.step(Frame(canary_pixels(), 0, 0.0)).pixels
    made.play(Playing(FakeTarget(), FakeGenerator(), FakeBlender(), label=True))
    labelled = made.step(Frame(canary_pixels(), 0, 0.0)).pixels
    assert np.array_equal(labelled, Label(SIZE, "en").draw(plain.copy()))
    assert not np.array_equal(labelled, plain)


def test_finishing_is_timed_as_a_stage() -> None:
    made = engine(Finish(SIZE))
    shown(made, 3)
    assert next(row for row in made.stats.table() if row.name == "mark").count == 3


def test_both_can_be_left_out() -> None:
    bare = scene((320, 240))
    assert np.array_equal(Finish((320, 240), FinishConfig(watermark=False))(bare.copy()), bare)
    assert not np.array_equal(Finish((320, 240))(bare.copy()), bare)


def test_the_mark_lies_over_the_label_and_is_read_beside_it() -> None:
    finish = Finish((640, 360), FinishConfig(language="ja"), signer=0xFEEDBEEF, day=DAY)
    found = find_watermark([finish(scene((640, 360)), True)])
    assert found is not None
    assert (found.payload.signer, found.payload.day) == (0xFEEDBEEF, DAY)


@pytest.mark.parametrize("consent", KINDS)
def test_the_label_is_due_for_somebody_else(consent: str) -> None:
    assert label_due("auto", consent) == (consent in ("agreement", "public-domain"))
    assert label_due("on", consent)
    assert not label_due("off", consent)


def test_what_is_no_label_is_refused() -> None:
    assert FinishConfig().label == LABELS[0] == "auto"
    with pytest.raises(InputError, match="auto, on, off"):
        FinishConfig(label="no")
    with pytest.raises(InputError, match="en, de, fr"):
        FinishConfig(language="xx")
    with pytest.raises(InputError, match="auto, on, off"):
        label_due("no", "self")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("size", [(1280, 720), (256, 256)])
def test_the_label_is_small_legible_and_in_the_corner(language: str, size: tuple[int, int]) -> None:
    for grey in (0, 128, 255):
        bare = np.full((size[1], size[0], 3), grey, np.uint8)
        drawn = Label(size, language).draw(bare.copy())
        changed = (drawn != bare).any(2)
        rows, columns = np.flatnonzero(changed.any(1)), np.flatnonzero(changed.any(0))
        assert rows[0] > 0
        assert columns[0] > 0
        assert rows[-1] < max(32, 0.08 * size[1])
        assert columns[-1] < 0.75 * size[0]
        card = drawn[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].mean(2)
        ink = card > 0.5 * (card.min() + card.max())
        assert 0.02 < ink.mean() < 0.45 or grey == 255  # where the card's round corners are as bright
        middle = card[:, card.shape[1] // 8 : -card.shape[1] // 8]
        assert middle.max() - np.median(middle) > 90  # grey levels between letters and card


def test_every_language_has_words_of_its_own() -> None:
    drawn = {code: Label((1280, 720), code).draw(np.zeros((720, 1280, 3), np.uint8)).tobytes() for code in LANGUAGES}
    same = [code for code in drawn if list(drawn.values()).count(drawn[code]) > 1]
    assert same in ([], ["ja", "zh"])  # the same characters, from two fonts
    sheet = cv2.imread(str(Path(assets.__file__).parents[1] / "provenance" / "labels.png"), cv2.IMREAD_GRAYSCALE)
    assert sheet.shape[0] == ROW * len(LANGUAGES)


def test_pictures_smaller_than_the_label_get_the_part_of_it_that_fits() -> None:
    for size in ((1, 1), (3, 40), (40, 3)):
        picture = np.zeros((size[1], size[0], 3), np.uint8)
        Label(size, "pl").draw(picture)
        assert picture.any()
        assert not picture[: min(2, size[1] - 1)].any()  # its distance from the edge, as far as there is room
        assert not picture[:, : min(2, size[0] - 1)].any()


def test_a_user_without_an_identity_signs_no_mark(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REENACT_HOME", str(tmp_path))
    assert known_signer() == 0
    (tmp_path / "identity").mkdir()
    (tmp_path / "identity" / "key.pem").write_text("no key")
    assert known_signer() == 0


def test_the_ledger_writes_down_what_was_put_on_the_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    from reenact.provenance import record as of_record
    from reenact.provenance.record import Driver, Made
    from reenact.targets.consent import consent_today

    monkeypatch.setattr(of_record, "made_by", lambda *_: Made("m", "", False))
    target = FakeTarget()
    target.bundle = SimpleNamespace(
        name="a", kind="photo", source_sha256="cd" * 32, consent=consent_today("synthetic"), source_name="a.jpg"
    )
    for label, config, expected in (
        (True, FinishConfig(), ("on", "auto", True, "0000002a")),
        (False, FinishConfig(label="off"), ("off", "off", True, "0000002a")),
        (False, FinishConfig(watermark=False), ("off", "auto", False, "")),
    ):
        ledger = Ledger("live", lambda seen: Driver("a live camera", shown=seen), SimpleNamespace())
        ledger.add(Playing(target, FakeGenerator(), FakeBlender(), label=label))
        ledger.finished_by(Finish(SIZE, config, signer=0x2A))
        record = ledger.from_now()()
        assert (record.drawn, record.label, record.watermark, record.signer) == expected
    ledger.finished_by(None)
    assert not ledger.from_now()().watermark
    ledger.add(Playing(target, FakeGenerator(), FakeBlender(), label=True))  # a call that shows both
    said = ledger._record(ledger._shows).statement()
    assert (said["label"], [each["label"] for each in said["targets"]]) == ("changed", [False, True])
    assert ledger.from_now()().drawn == "on"  # a file that begins now has the last one alone


def test_a_rendered_file_is_marked_labelled_and_says_so(tmp_path: Path) -> None:
    driver = clips.driver(tmp_path / "driver.mp4", 2)
    with open_target(assets.PHOTO, "agreement", "me, today") as photo:
        for label, labelled in (("auto", True), ("off", False)):
            out = tmp_path / f"{label}.mp4"
            render(driver, photo, out, finish=FinishConfig(label=label, language="de"))
            with av.open(str(out)) as file:
                pixels = np.ascontiguousarray(next(file.decode(video=0)).to_ndarray(format="bgr24"))
            found = find_watermark([pixels])
            assert found is not None
            said = read_credentials(out).rendering
            assert (said["label"], said["watermark"]) == ("on" if labelled else "off", True)
            assert said["label_option"] == label
            assert said["signer"] == f"{found.payload.signer:08x}" == f"{known_signer():08x}" != "00000000"
            assert (np.ptp(pixels[10:40, 12:150].astype(int).mean(2)) > 150) == labelled


@pytest.mark.parametrize("command", ["render", "demo", "live"])
def test_the_commands_hand_on_what_is_to_be_put_on_the_pictures(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from reenact.cli import call

    got: list[FinishConfig] = []

    def take(*given: object, finish: FinishConfig | None = None, **_: object) -> None:
        got.append(given[0].finish if finish is None else finish)  # type: ignore[attr-defined]
        raise InputError("enough seen")

    monkeypatch.setattr("reenact.rendering.render", take)
    monkeypatch.setattr("reenact.demonstration.run", take)
    monkeypatch.setattr(call, "run", take)
    monkeypatch.setattr("reenact.cli.opening.warm", lambda: None)
    monkeypatch.setattr("reenact.cli.opening.opened_target", lambda *_: nullcontext(FakeTarget()))
    out = ["-o", str(tmp_path / "out.mp4")]
    start = {
        "render": ["render", str(assets.DRIVER), "-t", "a", *out],
        "demo": ["demo", *out],
        "live": ["live", "-t", "a"],
    }[command]
    assert main([*start, "--label", "on", "--label-language", "pt"]) == 2
    assert main(start) == 2
    assert got == [FinishConfig(label="on", language="pt"), FinishConfig()]


def test_a_language_that_is_not_there_is_refused_before_anything_is_opened(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out.mp4"
    assert main(["render", "nothing.mp4", "-t", "nobody", "-o", str(out), "--label-language", "tlh"]) == 2
    assert "tlh" in capsys.readouterr().err
    assert not out.exists()
