"""Keeping targets: consent first, nothing half-written, one clear sentence for what cannot be used."""

import os
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
from people import FACE_A, face, two_faces

from reenact.errors import InputError, SinkError, SourceError, TargetError
from reenact.home import home as home_folder
from reenact.targets import library, prepare
from reenact.targets.bundle import MANIFEST, Tracks, read_bundle, read_tracks, sha256, write_tracks
from reenact.targets.consent import KINDS
from reenact.targets.library import add_target, find_target, list_targets, load_target, open_target, remove_target


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("REENACT_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
    (tmp_path / "tmp").mkdir()
    return tmp_path / "home" / "targets"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle, prepared once."""
    place = tmp_path_factory.mktemp("made")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("REENACT_HOME", str(place))
        return add_target(FACE_A, "anna", "agreement", 'she said "yes" on 3 May; ümläut \\ and \x7f').folder


@pytest.fixture
def anna(made: Path, home: Path) -> Path:
    """A copy of the bundle in a home of its own."""
    shutil.copytree(made, home / "anna")
    return home / "anna"


def nothing_left(*places: Path) -> bool:
    return not any(p for place in places if place.exists() for p in place.iterdir())


def test_round_trip(made: Path, home: Path, anna: Path) -> None:
    bundle = find_target("anna")
    assert (bundle.name, bundle.kind, bundle.size, bundle.rate, bundle.frames) == ("anna", "photo", (400, 400), 0.0, 1)
    assert (bundle.source_name, bundle.source_sha256) == ("face_a.jpg", sha256(FACE_A))
    assert bundle.consent.kind == "agreement"
    assert bundle.consent.note == 'she said "yes" on 3 May; ümläut \\ and \x7f'
    assert bundle.consent.date.count("-") == 2
    assert bundle.consent.recorded_by
    assert set(bundle.files) == {"picture.png", "matte.png", "background.png", "tracks.npz"}
    tracks = read_tracks(read_bundle(anna))
    assert tracks.points.shape == (1, 478, 3)
    assert tracks.found.tolist() == [True]
    with load_target("anna") as by_name, load_target(anna) as by_folder, open_target(str(anna)) as opened:
        for target in (by_name, by_folder, opened):
            assert np.array_equal(target.shot(0, None).pixels, cv2.imread(str(FACE_A)))
            assert np.array_equal(target.shot(0, None).points, tracks.points[0])
            assert target.bank is None
            assert target.neutral.shape == (478, 3)
            target.close()


def test_list_and_remove(anna: Path, home: Path) -> None:
    (home / ".adding-x").mkdir()
    (home / "empty").mkdir()
    shutil.copytree(anna, home / "broken")
    (home / "broken" / MANIFEST).write_text("format = ")
    assert [b.name for b in list_targets()] == ["anna"]
    remove_target("broken")
    remove_target("anna")
    assert list_targets() == []
    assert not anna.exists()
    assert sorted(p.name for p in home.iterdir()) == [".adding-x", "empty"]
    with pytest.raises(TargetError, match="no target 'anna'"):
        remove_target("anna")


def test_a_name_is_taken_once(anna: Path, home: Path) -> None:
    before = (anna / MANIFEST).read_bytes()
    with pytest.raises(TargetError, match="already"):
        add_target(FACE_A, "anna", "self")
    assert (anna / MANIFEST).read_bytes() == before
    assert add_target(FACE_A, "anna", "self", force=True).consent.kind == "self"
    assert [p.name for p in home.iterdir()] == ["anna"]


@pytest.mark.parametrize(
    "name", ["", ".", "..", "../x", "a/b", "a\\b", "/etc", ".hidden", "a\n", "x" * 65, "con", "nul.txt", "a.", "a "]
)
def test_names_are_no_paths(home: Path, name: str) -> None:
    for call in (lambda: add_target(FACE_A, name, "self"), lambda: remove_target(name), lambda: find_target(name)):
        with pytest.raises(TargetError, match="cannot be a target's name"):
            call()
    assert not home.exists()


def test_names_of_people(home: Path) -> None:
    for name in ("Anna-Lena 2", "Zoë", "mona_lisa.v2", "x"):
        assert library.check_name(name) == name


def test_consent_comes_first(home: Path, tmp_path: Path) -> None:
    with pytest.raises(TargetError, match=r"--consent self\|agreement\|public-domain\|synthetic"):
        open_target(FACE_A)
    with pytest.raises(TargetError, match="'maybe': expected one of self, agreement"):
        add_target(FACE_A, "anna", "maybe")
    with pytest.raises(TargetError, match="--note"):
        open_target(FACE_A, "agreement")
    with pytest.raises(TargetError, match="shorten"):
        open_target(FACE_A, "self", "x" * 3000)
    assert nothing_left(home, tmp_path / "tmp")
    assert set(KINDS) == {"self", "agreement", "public-domain", "synthetic"}


def test_an_agreement_s_file_is_kept_and_its_hash_recorded(home: Path, tmp_path: Path) -> None:
    form = tmp_path / "Signed Form.PDF"
    form.write_bytes(b"%PDF-1.4 I, Anna, agree")
    entry = add_target(FACE_A, "anna", "agreement", "Anna, in writing", agreement=form)
    assert (entry.consent.agreement, entry.consent.agreement_sha256) == ("Signed Form.PDF", sha256(form))
    assert entry.form is not None
    assert entry.form.name == "agreement.pdf"
    assert entry.form.read_bytes() == form.read_bytes()
    assert find_target("anna").consent == entry.consent
    entry.form.write_bytes(b"I do not agree")
    with pytest.raises(TargetError, match=r"agreement\.pdf is not the file that was prepared"):
        load_target("anna")


def test_a_long_recording_of_an_agreement_is_hashed_and_not_copied(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(library, "KEPT_FORM", 10)
    (tmp_path / "yes.mp4").write_bytes(b"eleven byte")
    entry = add_target(FACE_A, "anna", "agreement", "Anna, on video", agreement=tmp_path / "yes.mp4")
    assert entry.consent.agreement_sha256 == sha256(tmp_path / "yes.mp4")
    assert entry.form is None


def test_agreements_that_cannot_be(home: Path, tmp_path: Path) -> None:
    (tmp_path / "empty.pdf").touch()
    (tmp_path / "form.pdf").write_bytes(b"yes")
    for path, sentence in {
        tmp_path / "no.pdf": "not there",
        tmp_path: "not there",
        tmp_path / "empty.pdf": "empty",
    }.items():
        with pytest.raises(InputError, match=sentence):
            add_target(FACE_A, "anna", "agreement", "Anna", agreement=path)
    with pytest.raises(TargetError, match="goes with consent \"agreement\", not 'self'"):
        open_target(FACE_A, "self", agreement=tmp_path / "form.pdf")
    with pytest.raises(TargetError, match="--note"):
        add_target(FACE_A, "anna", "agreement", agreement=tmp_path / "form.pdf")
    assert nothing_left(home, tmp_path / "tmp")


def test_a_bundle_without_consent_is_refused(anna: Path) -> None:
    text = (anna / MANIFEST).read_text()
    start, end = text.index("[consent]"), text.index("[files]")
    (anna / MANIFEST).write_text(text[:start] + text[end:])
    with pytest.raises(TargetError, match=r"no consent entry.*--consent"):
        load_target("anna")


def test_a_file_is_prepared_on_the_spot(home: Path, tmp_path: Path) -> None:
    told = []
    with open_target(FACE_A, "synthetic", progress=lambda *step: told.append(step)) as target:
        assert (target.kind, target.size, target.name) == ("photo", (400, 400), "face_a")
        assert target.bundle.consent.kind == "synthetic"
        assert not nothing_left(tmp_path / "tmp")
    assert nothing_left(home, tmp_path / "tmp")
    assert told[-1] == ("done", 2, 2)


def write(path: Path, pixels: np.ndarray) -> Path:
    assert cv2.imwrite(str(path), pixels)
    return path


def test_files_that_cannot_be_used(home: Path, tmp_path: Path) -> None:
    files = tmp_path / "files"
    files.mkdir()
    (files / "empty.png").write_bytes(b"")
    (files / "text.mp4").write_text("not a video, though it is called one\n" * 50)
    (files / "cut.jpg").write_bytes(FACE_A.read_bytes()[:200])
    tiny = np.full((400, 400, 3), 127, np.uint8)
    tiny[160:230, 160:230] = face(70)
    cases = {
        files / "missing.png": "missing.png",
        files: "folder|directory",
        files / "empty.png": "empty",
        files / "text.mp4": "text.mp4",
        files / "cut.jpg": "cut.jpg",
        write(files / "wall.png", np.full((300, 300, 3), 127, np.uint8)): "no face that can be found",
        write(files / "two.png", two_faces()): "two faces of about the same size: crop",
        write(files / "tiny.png", tiny): "too small|no face",
    }
    for path, sentence in cases.items():
        for call in (lambda path=path: open_target(path, "synthetic"), lambda path=path: add_target(path, "x", "self")):
            with pytest.raises((SourceError, TargetError), match=sentence) as caught:
                call()
            assert "\n" not in str(caught.value)
    assert nothing_left(home, tmp_path / "tmp")


def test_a_face_too_small_is_refused(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prepare, "SMALLEST_IOD", 150.0)
    with pytest.raises(SourceError, match=r"too small: 1\d\d pixels .* expected 150 or more"):
        open_target(FACE_A, "self")


def test_the_larger_of_two_faces_is_meant(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prepare, "RIVAL", 0.8)
    with open_target(write(tmp_path / "two.png", two_faces(0.7)), "synthetic") as target:
        assert "smaller face" in target.bundle.notes[0]
        assert target.shot(0, None).points[1, 0] < 400


def test_large_pictures_are_scaled_down(home: Path, tmp_path: Path) -> None:
    large = cv2.resize(face(), (2000, 2000), interpolation=cv2.INTER_LINEAR)
    with open_target(write(tmp_path / "large.jpg", large), "synthetic") as target:
        assert target.size == (1600, 1600)
        assert target.bundle.notes[0] == "scaled down from 2000x2000 to 1600x1600"
        assert target.bundle.source_sha256 == sha256(tmp_path / "large.jpg")


def test_names_that_nobody_has(anna: Path) -> None:
    with pytest.raises(TargetError, match="no target 'bert' and no such file; kept are: anna"):
        open_target("bert")
    with pytest.raises(TargetError, match="no target 'bert'; kept are: anna"):
        load_target("bert")
    with pytest.raises(TargetError, match="does not exist"):
        load_target(Path("/nowhere/at/all"))
    with pytest.raises(TargetError, match="folder that is no target"):
        load_target(anna.parent)


def rehash(folder: Path, name: str) -> None:
    """As somebody would who repairs target.toml by hand."""
    text = (folder / MANIFEST).read_text()
    line = next(line for line in text.splitlines() if line.startswith(f'"{name}"'))
    (folder / MANIFEST).write_text(text.replace(line, f'"{name}" = "{sha256(folder / name)}"'))


@pytest.mark.parametrize("name", ["picture.png", "matte.png", "background.png", "tracks.npz"])
def test_every_file_is_checked(anna: Path, name: str) -> None:
    good = (anna / name).read_bytes()
    (anna / name).write_bytes(good[:-1] + bytes([good[-1] ^ 1]))
    with pytest.raises(TargetError, match=f"damaged: {name} is not the file that was prepared.*target add"):
        load_target("anna")
    (anna / name).unlink()
    with pytest.raises(TargetError, match=f"damaged: {name} is missing"):
        load_target("anna")
    (anna / name).write_bytes(b"nonsense")
    rehash(anna, name)
    with pytest.raises(TargetError, match=f"damaged: {name}"):
        load_target("anna")
    (anna / name).write_bytes(b"")
    rehash(anna, name)
    with pytest.raises(TargetError, match=f"damaged: {name}"):
        load_target("anna")


def test_wrong_shapes_are_found(anna: Path) -> None:
    write(anna / "matte.png", np.zeros((10, 10), np.uint8))
    rehash(anna, "matte.png")
    with pytest.raises(TargetError, match=r"matte.png is \(10, 10\) pixels, expected \(400, 400\)"):
        load_target("anna")


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (
            {"points": np.zeros((1, 468, 3), np.float32)},
            r"points is float32 \(1, 468, 3\), expected .*478",
        ),
        ({"points": np.zeros((1, 478, 3))}, "points is float64"),
        ({"found": np.ones(2, bool)}, "found is bool"),
        ({"neutral": np.full((478, 3), np.nan, np.float32)}, "neutral holds values that are not finite"),
        ({"points": np.zeros((2, 478, 3), np.float32), "found": np.ones(2, bool)}, "2 frames"),
        ({"neutral": np.array([{}], object)}, "tracks.npz cannot be read"),  # a pickle
    ],
)
def test_wrong_tracks_are_found(anna: Path, change: dict[str, np.ndarray], sentence: str) -> None:
    with np.load(anna / "tracks.npz") as data:
        arrays = dict(data) | change
    np.savez(anna / "tracks.npz", **arrays)
    rehash(anna, "tracks.npz")
    with pytest.raises(TargetError, match=sentence):
        load_target("anna")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("format = 1", "format = 99"),
        ('kind = "photo"', 'kind = "hologram"'),
        ("size = [400, 400]", 'size = "large"'),
        ("frames = 1", ""),
        ('"picture.png" =', '"../../secret" ='),
        ('kind = "agreement"', 'kind = "none"'),
        ("[source]", "[["),
    ],
)
def test_wrong_entries_are_found(anna: Path, old: str, new: str) -> None:
    text = (anna / MANIFEST).read_text()
    assert old in text
    (anna / MANIFEST).write_text(text.replace(old, new, 1))
    with pytest.raises(TargetError) as caught:
        load_target("anna")
    assert str(anna) in str(caught.value) or "consent" in str(caught.value)


def test_a_full_disk_leaves_nothing(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(prepare.files, "write_tracks", full)
    with pytest.raises(SinkError, match=r"cannot be written.*No space left"):
        add_target(FACE_A, "anna", "self")
    with pytest.raises(SinkError, match="No space left"):
        open_target(FACE_A, "self")
    assert nothing_left(home, tmp_path / "tmp")


def test_a_failure_leaves_the_old_target(anna: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prepare.files, "write_tracks", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        add_target(FACE_A, "anna", "self", force=True)
    assert [p.name for p in home.iterdir()] == ["anna"]
    assert find_target("anna").consent.kind == "agreement"


def test_home_is_where_the_system_keeps_data(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("REENACT_HOME", str(tmp_path))
    assert home_folder() == tmp_path
    monkeypatch.delenv("REENACT_HOME")
    if os.name == "posix":
        monkeypatch.setattr("sys.platform", "linux")
        monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
        assert home_folder() == tmp_path / "data" / "reenact"
        monkeypatch.delenv("XDG_DATA_HOME")
        assert home_folder() == Path.home() / ".local/share/reenact"


def test_tracks_check_themselves(tmp_path: Path) -> None:
    points = np.zeros((3, 478, 3), np.float32)
    write_tracks(tmp_path, Tracks(points, np.ones(3, bool), points[0]))
    with pytest.raises(TargetError, match="points"):
        Tracks(points[:0], np.ones(0, bool), points[0])
    with pytest.raises(TargetError, match=r"weights is float32 \(3, 7\)"):
        Tracks(points, np.ones(3, bool), points[0], np.zeros((3, 7), np.float32))
