"""`reenact verify`: what it says, and its exit statuses."""

import io
import json
import sys
from dataclasses import replace
from pathlib import Path

import av
import pytest
from marked import PAYLOAD, scene
from signed import record, signed, text, unsigned

from reenact import assets
from reenact.cli import main
from reenact.config import VerifyConfig
from reenact.errors import InputError, SourceError
from reenact.provenance import pending, verify, words
from reenact.provenance.bounded import Bounded
from reenact.provenance.credentials import sign_file
from reenact.provenance.identity import create_identity, ensure_identity, identity_folder
from reenact.provenance.reading import Credentials
from reenact.provenance.verify import Mark, Verdict, verify_camera, verify_file
from reenact.provenance.watermark import Watermarker
from reenact.provenance.watermark_payload import payload_today
from reenact.sinks import Recorder
from reenact.sources import SyntheticSource, read_picture
from reenact.types import Composite, Frame, Kind

CONFIG = VerifyConfig(frames=2)


pytestmark = pytest.mark.usefixtures("own_home")


def test_a_file_signed_here(tmp_path: Path, bounded: Bounded) -> None:
    found = verify_file(signed(tmp_path / "out.mp4"), config=CONFIG, bounded=bounded)
    assert (found.status, found.credentials.state, found.by is not None) == (0, "valid", True)
    said = text(found)
    for expected in (
        "valid, nothing was changed since it was signed by reenact user",
        "a certificate of this machine, known here",
        "on 2026-05-03 by that machine's clock, visible label on",
        f'target: "ada", a photo, SHA-256 {"cd" * 32}',
        'consent: agreement: "Ada said "yes" by mail, für Übungen", entered 2026-05-03 by ada; shown by form.pdf',
        f"driver: a file, SHA-256 {'ef' * 32}; shown of it: nothing",
        "generator: portrait, learnt from examples",
        "the credentials speak of a watermark that was not found",
    ):
        assert expected in said


def test_a_file_signed_elsewhere_and_one_whose_issuer_the_user_trusts(
    tmp_path: Path, bounded: Bounded, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = signed(tmp_path / "out.png")
    anchors = (identity_folder() / "certificate.pem").read_text()
    monkeypatch.setenv("REENACT_HOME", str(tmp_path / "another home"))
    stranger = verify_file(path, config=CONFIG, bounded=bounded)
    assert (stranger.status, stranger.credentials.state, stranger.by) == (0, "valid", None)
    assert "signed by reenact user (made on this machine): nobody known here vouches for who that is" in text(stranger)
    friend = verify_file(path, anchors=anchors, config=CONFIG, bounded=bounded)
    assert (friend.credentials.trusted, friend.by) == (True, None)
    assert "vouched for by an issuer known here" in text(friend)


def test_a_forged_certificate_with_a_known_name_and_number_is_not_known(tmp_path: Path, bounded: Bounded) -> None:
    """A certificate's names and serial number are its maker's choice: only the issuer's key cannot be had."""
    from reenact.provenance import certificate, identity

    real = create_identity("Ada", "Home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("cryptography.x509.random_serial_number", lambda: int(real.serial))
        key, chain = certificate.make_certificate("Ada", "Home", real.ends.replace(year=2026))
    forged = identity._identity(key, chain, "key", "chain")
    assert forged.serial == real.serial
    path = unsigned(tmp_path / "forged.png")
    sign_file(path, record(), forged)
    found = verify_file(path, config=CONFIG, bounded=bounded)
    assert (found.credentials.state, found.credentials.trusted, found.by) == ("valid", False, None)
    assert "nobody known here vouches" in text(found)


def test_a_changed_byte_is_broken_and_what_it_claims_is_called_a_claim(tmp_path: Path, bounded: Bounded) -> None:
    path = signed(tmp_path / "out.mp4")
    data = bytearray(path.read_bytes())
    data[data.index(b"mdat") + 100] ^= 1
    path.write_bytes(data)
    found = verify_file(path, config=CONFIG, bounded=bounded)
    assert (found.status, found.credentials.state) == (5, "broken")
    said = text(found)
    assert "BROKEN: picture or sound was changed after it was signed (the signature claims to be from" in said
    assert "it claims: reenact" in said
    assert "made with" not in said


def test_a_file_cut_off_after_it_was_signed_is_broken(tmp_path: Path, bounded: Bounded) -> None:
    for ending, keep in ((".live.mp4", 0.8), (".mp4", 0.8), (".png", 0.9), (".mkv", 0.9)):
        path = signed(tmp_path / f"cut{ending}")
        path.write_bytes(path.read_bytes()[: int(path.stat().st_size * keep)])
        assert verify_file(path, config=CONFIG, bounded=bounded).status == 5, ending


def test_an_unsigned_file_has_nothing_and_one_whose_recording_was_killed_says_so(
    tmp_path: Path, bounded: Bounded
) -> None:
    path = unsigned(tmp_path / "out.live.mp4")
    found = verify_file(path, config=CONFIG, bounded=bounded)
    assert (found.status, found.left) == (4, "")
    assert "none: the file is not signed" in text(found)
    with pending.unfinished(path):
        note = next(pending.notes_folder().iterdir())
        kept = json.loads(note.read_text())
    note.write_text(json.dumps(kept | {"process": 2**30}))  # no such process
    found = verify_file(path, config=CONFIG, bounded=bounded)
    assert found.status == 4
    assert "was not brought to its end: it plays as far as it goes and is unsigned" in text(found)


def test_a_killed_recording_with_a_watermark_is_not_called_converted() -> None:
    mark = Mark(True, 1e-9, 1, "reenact", "0.1", "2026-05-03")
    for left, expected in (("", True), ("x.mp4, begun then, was not brought to its end", False)):
        found = verify._verdict("x.mp4", Credentials("none"), mark, [], left)
        assert ("the file was converted or recorded elsewhere" in text(found)) == expected


@pytest.mark.parametrize(
    ("label", "asked", "sentence"),
    [
        ("on", "auto", "visible label on"),
        ("off", "auto", "visible label off"),
        ("off", "off", "visible label off as asked for (--label off)"),
        ("changed", "auto", "visible label on with some targets only"),
    ],
)
def test_it_is_said_whether_the_label_was_on(label: str, asked: str, sentence: str) -> None:
    targets = [{"name": name, "kind": "photo", "label": on} for name, on in (("ada", True), ("bea", False))]
    said = {"when": "2026-05-03T12:00:00", "label": label, "label_option": asked, "targets": targets}
    lines = words.in_words(Verdict("x.mp4", Credentials("valid", rendering=said), Mark(False)))
    assert dict(lines)["made with"] == f"on 2026-05-03 by that machine's clock, {sentence}"
    of_each = [line.partition("; ")[2] for about, line in lines if about == "target"]
    assert of_each == (["visible label on", "visible label off"] if label == "changed" else ["", ""])


@pytest.mark.parametrize(
    ("problem", "sentence"),
    [
        ("signingCredential.expired", "the certificate's time is over"),
        ("assertion.dataHash.mismatch", "the file was changed after it was signed"),
        ("claim.hardBindings.missing", "they may have been copied from another"),
        ("a.new.code", "a.new.code"),
    ],
)
def test_what_is_broken_is_said_in_words(problem: str, sentence: str) -> None:
    credentials = Credentials("broken", problems=(problem, "timeStamp.mismatch"))
    said = text(Verdict("x.png", credentials, Mark(False)))
    assert f"BROKEN: {sentence}" in said or sentence in said
    assert "; timeStamp.mismatch" in said


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("empty.mp4", b"", "is empty"),
        ("notes.mp4", b"no picture\n" * 100, "notes.mp4"),
        ("zeros.png", bytes(100_000), "zeros.png"),
    ],
)
def test_what_is_no_picture_is_refused_in_one_sentence(
    name: str, content: bytes, sentence: str, tmp_path: Path, bounded: Bounded
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(SourceError, match=sentence) as caught:
        verify_file(path, config=CONFIG, bounded=bounded)
    assert "\n" not in str(caught.value)


def test_what_is_no_file_is_refused(tmp_path: Path, bounded: Bounded) -> None:
    with pytest.raises(SourceError, match="cannot be read"):
        verify_file(tmp_path / "none.mp4", config=CONFIG, bounded=bounded)
    with pytest.raises(InputError, match="is a folder"):
        verify_file(tmp_path, config=CONFIG, bounded=bounded)
    signed(tmp_path / "a.mkv")
    with pytest.raises(InputError, match=r"a\.c2pa holds credentials: give the file that it lies beside"):
        verify_file(tmp_path / "a.c2pa", config=CONFIG, bounded=bounded)


def test_a_stranger_s_words_cannot_steer_a_terminal(tmp_path: Path) -> None:
    nasty = "\x1b[2J\x1b]0;title\x07 [red]x[/red]\r\n\u202eevil " + "y" * 5000
    said = {
        "engine": {"name": nasty, "version": [1]},
        "when": nasty,
        "label": {},
        "targets": [{"name": nasty, "kind": 3, "sha256": nasty, "consent": {"kind": nasty, "note": {"a": nasty}}}, 7],
        "generators": "none",
        "driver": [nasty],
    }
    credentials = Credentials("valid", False, nasty, nasty, "1", nasty, said, problems=(nasty,))
    mark = Mark(True, 0.0, 30, nasty, nasty, nasty, nasty)
    for state in ("valid", "broken", "unreadable", "none"):
        verdict = Verdict(nasty, replace(credentials, state=state), mark, None, None, "", ())
        for about, sentence in words.in_words(verdict):
            assert (about + sentence).isprintable()
            assert len(sentence) < 3000
        assert json.loads(json.dumps(verdict.to_dict()))["status"] == verdict.status
    assert words.clean(nasty).isprintable()


def test_what_a_camera_shows_is_looked_at_for_a_watermark(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    monkeypatch.setattr(
        "reenact.provenance.marks.look_for", lambda frames: asked.append(len(list(frames))) or {"found": False}
    )
    found = verify_camera(SyntheticSource((64, 48)), "0", VerifyConfig(frames=5))
    assert asked == [5]
    assert (found.status, found.credentials.state) == (4, "none")
    assert "credentials: none: a camera's pictures carry none" in text(found)


class Showing:
    """What a camera gives whose pictures are marked."""

    def __init__(self, name: str) -> None:
        self.name, self._marker = name, Watermarker((640, 360), PAYLOAD)

    def read(self) -> Frame:
        return Frame(self._marker.mark(scene((640, 360))), 0, 0.0)

    def close(self) -> None:
        self.name = "closed"


@pytest.mark.parametrize("camera", ["/dev/video99", "http://camera.example/stream", "7"])
def test_a_mark_is_read_from_what_a_virtual_camera_or_a_stream_shows(
    camera: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[Showing] = []
    monkeypatch.setattr("reenact.sources.Camera", lambda name: opened.append(Showing(name)) or opened[-1])
    assert main(["verify", camera, "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["what"], said["verdict"], said["credentials"]["place"]) == (camera, "valid", "camera")
    assert said["watermark"]["signer"] == f"{PAYLOAD.signer:08x}"
    assert said["watermark"]["false_alarm"] < 1e-6
    assert [source.name for source in opened] == ["closed"]


def test_a_watermark_alone_is_found_and_valid_and_says_whose_it_is(tmp_path: Path) -> None:
    mine = create_identity("Ada")
    known = verify.known_certificates()
    mark = Mark(True, 1e-9, 12, "reenact", "0.1", "2026-05-03", f"{mine.short_id:08x}", True)
    found = verify._verdict("x.mp4", Credentials("none"), mark, known, "")
    assert (found.status, found.marker == known[0]) == (0, True)
    said = text(found)
    assert "found in 12 pictures, mirrored, by chance at most once in 1,000,000,000" in said
    assert f"made with reenact 0.1 on 2026-05-03, signer {mine.short_id:08x} (this machine's)" in said
    assert "no credentials, but the watermark: the file was converted" in said
    credentials = Credentials("valid", rendering={"watermark": True, "signer": "01234567"})
    assert "names another signer" in text(verify._verdict("x.mp4", credentials, mark, known, ""))


def test_removing_the_manifest_leaves_the_watermark(tmp_path: Path, bounded: Bounded) -> None:
    """Copied into a new file without encoding anew, which no credentials survive; and encoded anew at half its size."""
    size, small = (1280, 720), (640, 360)
    identity = create_identity("Ada")
    pixels = read_picture(assets.PHOTO)
    Watermarker(size, payload_today(identity.short_id)).mark(pixels)
    path = tmp_path / "whole.mp4"
    with Recorder(path, size, rate=25) as sink:
        for n in range(4):
            sink.send(Composite(pixels, n, n / 25, Kind.LIVE))
    sign_file(path, record(), identity)
    assert verify_file(path, config=CONFIG, bounded=bounded).credentials.state == "valid"
    with av.open(str(path)) as whole, av.open(str(tmp_path / "copied.mp4"), "w") as copied:
        stream = copied.add_stream_from_template(whole.streams.video[0])
        for packet in whole.demux(video=0):
            if packet.dts is not None:
                packet.stream = stream
                copied.mux(packet)
    with av.open(str(path)) as whole, av.open(str(tmp_path / "halved.mp4"), "w") as halved:
        stream = halved.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = *small, "yuv420p"
        for frame in whole.decode(video=0):
            halved.mux(stream.encode(frame.reformat(*small)))
        halved.mux(stream.encode(None))
    for name in ("copied.mp4", "halved.mp4"):
        found = verify_file(tmp_path / name, config=VerifyConfig(frames=4), bounded=bounded)
        assert (found.credentials.state, found.mark.found, found.status) == ("none", True, 0), name
        assert found.marker is not None
        assert found.marker.name == "Ada"
        assert found.mark.signer == identity.fingerprint[:8]
        assert found.mark.false_alarm < 1e-6


def test_the_command_says_what_it_found_and_ends_with_its_status(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = signed(tmp_path / "out.png")
    assert main(["verify", str(path)]) == 0
    assert "valid, nothing was changed" in capsys.readouterr().out
    assert main(["verify", str(path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["credentials"]["known_here"] is True
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(path.read_bytes())))
    assert main(["verify", "-", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["what"] == "standard input"
    data = bytearray(path.read_bytes())
    data[-30] ^= 1
    path.write_bytes(data)
    assert main(["verify", str(path)]) == 5
    assert "BROKEN" in capsys.readouterr().out
    assert main(["verify", str(unsigned(tmp_path / "plain.png"))]) == 4
    assert main(["verify", str(tmp_path / "none.png")]) == 2
    capsys.readouterr()
    assert main(["verify", ""]) == 2
    assert "nothing was named: give a picture or video file" in capsys.readouterr().err
    assert main(["verify", str(path), "--trust", str(path)]) == 2
    assert "holds no certificate" in capsys.readouterr().err
    assert main(["verify", "/dev/video99"]) == 3


def test_an_endless_standard_input_is_refused(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Endless(io.RawIOBase):
        def readable(self) -> bool:
            return True

        def readinto(self, buffer: bytearray) -> int:
            return len(buffer)

    monkeypatch.setattr(
        "reenact.config.MediaConfig.__init__", lambda self: object.__setattr__(self, "max_bytes", 10**7)
    )
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BufferedReader(Endless())))
    assert main(["verify", "-"]) == 2
    assert "standard input has more than 10000000 bytes" in capsys.readouterr().err


def test_signing_and_verifying_need_no_network(tmp_path: Path, bounded: Bounded) -> None:
    """A picture whose credentials are said to lie at an address: nobody goes there."""
    import http.server
    import threading

    import c2pa

    from reenact.provenance.credentials import OFFLINE, manifest

    asked: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_error(404)

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        path = unsigned(tmp_path / "a.png")
        identity = ensure_identity()[0]
        info = c2pa.C2paSignerInfo(b"es256", identity.chain, identity.key, None)
        out = io.BytesIO()
        with c2pa.Signer.from_info(info) as signer, c2pa.Context.from_dict(OFFLINE) as context:
            builder = c2pa.Builder(manifest(record(), "a.png"), context=context)
            builder.set_no_embed()
            builder.set_remote_url(f"http://127.0.0.1:{server.server_port}/manifest")
            with path.open("rb") as source:
                builder.sign(signer, "image/png", source, out)
        path.write_bytes(out.getvalue())
        assert b"/manifest" in out.getvalue()
        found = verify_file(path, config=CONFIG, bounded=bounded)
        assert found.credentials.state in ("none", "broken")
        assert asked == []
    finally:
        server.shutdown()
        server.server_close()


def test_the_command_line_loads_none_of_it_before_it_is_asked_to() -> None:
    import subprocess

    code = (
        "import sys, reenact.cli\n"
        "print([m for m in ('c2pa', 'cryptography', 'cv2', 'av', 'numba', 'mediapipe') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
