"""Content Credentials: what is in them, that a changed byte breaks them, and that signing never costs the file."""

import io
import json
import random
import shutil
from pathlib import Path
from types import SimpleNamespace

import av
import c2pa
import cv2
import numpy as np
import pytest
from fakes import FakeBlender, FakeGenerator, FakeRetargeter, FakeTarget, FakeTracker
from made import video as plain_video
from signed import ADA, AGREED, KINDS, record, signed, unsigned

from reenact.config import GeneratorConfig
from reenact.engine import Engine
from reenact.errors import SinkError, TargetError
from reenact.playing import Playing
from reenact.provenance import record as of_record
from reenact.provenance.credentials import OFFLINE, sidecar, sign_file
from reenact.provenance.identity import ensure_identity
from reenact.provenance.reading import Credentials, judge, read_credentials
from reenact.provenance.record import (
    LIVE_CAMERA,
    MOUTH,
    TRAINED,
    UNTRAINED,
    Driver,
    Ledger,
    Made,
    Record,
    Shown,
    driver_camera,
)
from reenact.sources.synthetic import numbered
from reenact.targets.consent import Consent
from reenact.version import __version__


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REENACT_HOME", str(tmp_path / "home"))


def pictures(path: Path) -> list[bytes]:
    if path.suffix in (".png", ".jpg"):
        return [cv2.imread(str(path)).tobytes()]
    with av.open(str(path)) as file:
        return [frame.to_ndarray(format="bgr24").tobytes() for frame in file.decode(video=0)]


def manifest_of(path: Path) -> dict:
    with c2pa.Context.from_dict(OFFLINE) as context, path.open("rb") as file:
        beside = sidecar(path).read_bytes() if path.suffix == ".mkv" else None
        with c2pa.Reader("application/octet-stream" if beside else None, file, beside, context) as reader:
            report = json.loads(reader.json())
    return report["manifests"][report["active_manifest"]]


def actions_of(path: Path) -> list[dict]:
    return next(a["data"]["actions"] for a in manifest_of(path)["assertions"] if a["label"] == "c2pa.actions.v2")


@pytest.mark.parametrize("ending", KINDS)
def test_every_kind_of_file_is_signed_and_plays_as_before(ending: str, tmp_path: Path) -> None:
    path = unsigned(tmp_path / f"out{ending}")
    before = pictures(path)
    assert read_credentials(path).state == "none"
    mode = path.stat().st_mode
    sign_file(path, record(), ensure_identity()[0])
    found = read_credentials(path)
    assert (found.state, found.problems, found.trusted, found.signer) == ("valid", (), False, "reenact user")
    assert (found.generator, found.later) == (f"reenact {__version__}", False)
    assert found.place == ("beside" if ending == ".mkv" else "inside")
    assert pictures(path) == before
    assert path.stat().st_mode == mode
    names = {"out.mkv", "out.c2pa"} if ending == ".mkv" else {path.name}
    assert {p.name for p in tmp_path.iterdir()} == {*names, "home"}
    assert Credentials.from_dict(json.loads(json.dumps(found.to_dict()))) == found


@pytest.mark.parametrize("ending", KINDS)
def test_a_changed_byte_breaks_it(ending: str, tmp_path: Path) -> None:
    """Any byte of what is shown or heard: what stands before the picture data and in it, 40 of them at random."""
    path = signed(tmp_path / f"out{ending}")
    good = path.read_bytes()
    rng = random.Random(ending)
    start = {".png": good.find(b"IDAT"), ".jpg": good.find(b"\xff\xda"), ".mkv": 0}.get(ending, -1)
    if start < 0:
        start = good.index(b"moof" if ".live." in ending else b"mdat")
    ends = {".png": good.rfind(b"IEND") - 4, ".live.mp4": good.find(b"mfra", start) - 4}  # an index of the fragments
    end = ends.get(ending, len(good))
    assert 0 <= start < end
    for at in rng.sample(range(start, end), 40):
        path.write_bytes(good[:at] + bytes([good[at] ^ (1 + rng.randrange(255))]) + good[at + 1 :])
        assert read_credentials(path).state == "broken", at
    path.write_bytes(good)
    assert read_credentials(path).state == "valid"


@pytest.mark.parametrize("words", ["by mail", "agreement", "2026-05-03", "cdcdcdcd", "efefefef", "compositeWith"])
def test_a_changed_statement_breaks_it(words: str, tmp_path: Path) -> None:
    path = signed(tmp_path / "out.mp4")
    data = path.read_bytes()
    assert words.encode() in data
    path.write_bytes(data.replace(words.encode(), words.swapcase().encode().replace(b"-", b"+"), 1))
    found = read_credentials(path)
    assert found.state == "broken"
    assert found.problems


def test_credentials_of_one_file_are_worth_nothing_beside_another(tmp_path: Path) -> None:
    signed(tmp_path / "a.mkv")
    unsigned(tmp_path / "b.mkv", 5)
    shutil.copy(tmp_path / "a.c2pa", tmp_path / "b.c2pa")
    assert read_credentials(tmp_path / "b.mkv").state == "broken"
    unsigned(tmp_path / "a.mp4")
    assert read_credentials(tmp_path / "a.mp4").state == "none"  # a.c2pa is about a.mkv


@pytest.mark.parametrize("ending", [".mp4", ".mkv"])
def test_everything_that_was_to_be_recorded_is_there(ending: str, tmp_path: Path) -> None:
    path = signed(tmp_path / f"out{ending}")
    said = read_credentials(path).rendering
    assert said is not None
    assert said["targets"] == [
        {
            "name": "ada",
            "kind": "photo",
            "sha256": "cd" * 32,
            "consent": {
                "kind": "agreement",
                "note": AGREED.note,
                "date": "2026-05-03",
                "recorded_by": "ada",
                "agreement": "form.pdf",
                "agreement_sha256": "ab" * 32,
            },
            "label": True,
        }
    ]
    assert said["driver"] == {"what": "a file", "sha256": "ef" * 32, "media_type": "video/mp4", "shown": "nothing"}
    assert said["generators"] == [{"name": "portrait", "sha256": "12" * 32, "trained": True}]
    assert said["engine"] == {"name": "reenact", "version": __version__}
    assert (said["label"], said["label_option"], said["watermark"], said["signer"]) == ("on", "auto", True, "0badcafe")
    assert said["when"] == "2026-05-03T12:00:00+00:00"
    parts = {i["title"]: (i["relationship"], i.get("instance_id")) for i in manifest_of(path)["ingredients"]}
    assert parts == {
        "target: ada": ("componentOf", "nih:sha-256;" + "cd" * 32),
        "driver: a file": ("inputTo", "nih:sha-256;" + "ef" * 32),
    }


def test_nothing_of_a_face_is_in_the_manifest(tmp_path: Path) -> None:
    signed(tmp_path / "out.mkv")
    data = sidecar(tmp_path / "out.mkv").read_bytes()
    assert "thumbnail" not in json.dumps(manifest_of(tmp_path / "out.mkv"))
    assert not any(sign in data for sign in (b"\xff\xd8\xff", b"\x89PNG", b"thumbnail", b"ftyp"))
    assert len(data) < 16_000


@pytest.mark.parametrize(
    ("kind", "trained", "expected"),
    [
        ("photo", True, [("c2pa.created", TRAINED)]),
        ("photo", False, [("c2pa.created", UNTRAINED)]),
        ("video", True, [("c2pa.opened", None), ("c2pa.edited", TRAINED)]),
        ("video", False, [("c2pa.opened", None), ("c2pa.edited", UNTRAINED)]),
    ],
)
def test_the_actions_say_what_was_done(kind: str, trained: bool, expected: list, tmp_path: Path) -> None:
    shown = Shown("ada", kind, "cd" * 32, AGREED)
    path = signed(tmp_path / "out.mp4", record((shown,), generator=Made("m", "12" * 32, trained)))
    assert read_credentials(path).state == "valid"
    actions = actions_of(path)
    assert [(a["action"], a.get("digitalSourceType")) for a in actions[:-1]] == expected
    assert actions[-1]["action"] == "c2pa.watermarked.unbound"
    relations = {i["title"]: i["relationship"] for i in manifest_of(path)["ingredients"]}
    assert relations["target: ada"] == ("parentOf" if kind == "video" else "componentOf")
    without = signed(tmp_path / "without.mp4", record((shown,), watermark=False))
    assert not [a for a in actions_of(without) if "watermarked" in a["action"]]


def test_a_live_camera_has_no_hash_and_a_file_played_as_one_has(tmp_path: Path) -> None:
    camera = driver_camera("0")
    assert (camera.what, camera.sha256) == (LIVE_CAMERA, "")
    path = signed(tmp_path / "out.mp4", record(driver=camera))
    driver = next(i for i in manifest_of(path)["ingredients"] if i["title"].startswith("driver"))
    assert driver["title"] == "driver: a live camera"
    assert "sha-256" not in driver.get("instance_id", "")
    (tmp_path / "clip.mp4").write_bytes(b"x")
    assert len(driver_camera(str(tmp_path / "clip.mp4")).sha256) == 64
    assert len(driver_camera("demo", MOUTH).sha256) == 64


def test_a_call_that_changes_its_target_names_both_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The engine tells the ledger of each target before it is shown."""
    monkeypatch.setattr(of_record, "made_by", lambda config, target, provider: Made(provider, "", False))
    ledger = Ledger("live", lambda seen: Driver(LIVE_CAMERA, shown=seen), GeneratorConfig())
    with pytest.raises(TargetError, match="nothing is signed"):
        ledger.from_now()()
    first = ledger.from_now()
    engine = Engine(FakeTracker(), FakeRetargeter(), *stages("ada"), slate=numbered((64, 48), 0))
    ledger.add(engine.playing)
    engine.on_play = ledger.add
    assert first().driver.shown == "nothing"
    engine.play(Playing(*stages("bea"), mouth=True))
    engine.play(Playing(*stages("ada")))
    later = ledger.from_now()  # a second file of the same call
    assert [shown.name for shown in first().targets] == ["ada", "bea"]
    assert first().driver.shown == MOUTH
    assert first().generators == (Made("cpu", "", False),)
    assert [shown.name for shown in later().targets] == ["ada"]
    assert later().driver.shown == "nothing"


def stages(name: str) -> tuple:
    target = FakeTarget()
    target.bundle = SimpleNamespace(
        name=name, kind="photo", source_sha256="cd" * 32, consent=AGREED, source_name="a.jpg"
    )
    return target, FakeGenerator(), FakeBlender()


def test_nothing_is_signed_without_consent() -> None:
    with pytest.raises(TargetError, match="nothing is signed without a target that has a consent entry"):
        record(())
    with pytest.raises(TargetError, match="nothing is signed"):
        Record("render", (Shown("x", "photo", "0" * 64, None),), Driver("a file"), (), "auto", True)  # type: ignore[arg-type]
    with pytest.raises(TargetError):
        Consent("", "", "2026-05-03", "ada")


def test_a_file_without_a_place_for_credentials_stays_as_it_is(tmp_path: Path) -> None:
    path = plain_video(tmp_path / "a.avi", 3, codec="mpeg4")
    before = path.read_bytes()
    with pytest.raises(SinkError, match=r"credentials have no place in a \.avi file"):
        sign_file(path, record(), ensure_identity()[0])
    assert path.read_bytes() == before


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    real = unsigned(tmp_path / "real.png")
    (tmp_path / "link.png").symlink_to(real)
    sign_file(tmp_path / "link.png", record(), ensure_identity()[0])
    assert (tmp_path / "link.png").is_symlink()
    assert read_credentials(real).state == "valid"


def test_a_report_of_another_shape_is_never_valid() -> None:
    """Above all one that the library calls valid without a hash of the file: credentials of any other would do."""
    signature = {"code": "claimSignature.validated"}
    report = {"validation_state": "Valid", "validation_results": {"activeManifest": {"success": [signature]}}}
    assert (judge(report).state, judge(report).problems) == ("broken", ("claim.hardBindings.missing",))
    bound = {"code": "assertion.dataHash.match"}
    report["validation_results"]["activeManifest"]["success"].append(bound)  # type: ignore[index]
    assert judge(report).state == "valid"
    for report in ({}, {"validation_state": "Valid"}, {"validation_state": "Trusted", "manifests": {"a": {}}}):
        assert judge(report).state == "broken"


def test_a_picture_signed_again_elsewhere_keeps_what_was_said_before(tmp_path: Path) -> None:
    path = signed(tmp_path / "a.png")
    identity = ensure_identity()[0]
    info = c2pa.C2paSignerInfo(b"es256", identity.chain, identity.key, None)
    other = {
        "claim_generator_info": [{"name": "another editor", "version": "3"}],
        "assertions": [
            {
                "label": "c2pa.actions.v2",
                "data": {"actions": [{"action": "c2pa.opened", "parameters": {"ingredientIds": ["p"]}}]},
            }
        ],
    }
    out = io.BytesIO()
    with c2pa.Signer.from_info(info) as signer, c2pa.Context.from_dict(OFFLINE) as context, path.open("rb") as source:
        builder = c2pa.Builder(other, context=context)
        parent = {"title": "a.png", "relationship": "parentOf", "label": "p"}
        builder.add_ingredient(parent, "image/png", source)
        source.seek(0)
        builder.sign(signer, "image/png", source, out)
    path.write_bytes(out.getvalue())
    found = read_credentials(path)
    assert (found.state, found.generator, found.later) == ("valid", "another editor 3", True)
    assert found.rendering is not None
    assert found.rendering["targets"][0]["name"] == ADA.name
    assert np.array_equal(cv2.imread(str(path)), cv2.imread(str(unsigned(tmp_path / "b.png"))))
