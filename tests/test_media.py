"""Pictures and videos from files: what is read, and what is said about a file that cannot be."""

import os
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from made import encoded, picture, tone, video

from reenact.config import MediaConfig
from reenact.errors import SourceError
from reenact.sources import VideoFile, open_media
from reenact.sources.picture import upright
from reenact.sources.synthetic import read_number


def every(path: Path) -> list:
    with VideoFile(path) as source:
        return list(iter(source.read, None))


# Videos


def test_a_constant_rate_gives_exact_times(tmp_path):
    frames = every(video(tmp_path / "a.mp4", 12, Fraction(1001, 30000)))
    assert [frame.seq for frame in frames] == list(range(12))
    assert [frame.t_capture for frame in frames] == [float(Fraction(1001, 30000) * n) for n in range(12)]
    assert [read_number(frame.pixels) for frame in frames] == list(range(12))


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv"])
def test_a_variable_rate_and_a_late_start_are_kept(tmp_path, name):
    stamps = [700, 733, 766, 900, 917, 1500]
    path = video(tmp_path / name, stamps, Fraction(1, 1000))
    with VideoFile(path) as source:
        times = [frame.t_capture for frame in iter(source.read, None)]
        assert source.start_time * source.time_base == Fraction(700, 1000)
    assert times == [float(Fraction(n - 700, 1000)) for n in stamps]


@pytest.mark.parametrize("orientation", range(2, 9))
def test_the_display_matrix_is_applied_once(tmp_path, orientation):
    # turned counter-clockwise by so many degrees, then mirrored left to right
    degrees, mirrored = {2: (0, 1), 3: (180, 0), 4: (180, 1), 5: (-90, 1), 6: (-90, 0), 7: (90, 1), 8: (90, 0)}[
        orientation
    ]
    path = video(tmp_path / "a.mp4", 3, pixels=picture(), size=(96, 64), turn=(degrees, bool(mirrored), False))
    with VideoFile(path) as source:
        pixels = source.read().pixels
        assert source.size == (pixels.shape[1], pixels.shape[0])
    expected = np.rot90(picture(), degrees // 90)
    expected = expected[:, ::-1] if mirrored else expected
    assert pixels.shape == expected.shape
    assert np.abs(pixels.astype(int) - expected).mean() < 4
    assert np.array_equal(upright(picture(), orientation), expected)


@pytest.mark.parametrize(
    ("codec", "pix_fmt", "name"),
    [
        ("libx264", "yuv444p", "a.mp4"),
        ("libx264", "yuv420p10le", "a.mp4"),
        ("libx264", "yuv422p", "a.mkv"),
        ("ffv1", "bgr0", "a.mkv"),
        ("ffv1", "gray", "a.mkv"),
        ("ffv1", "yuv420p16le", "a.mkv"),
        ("mjpeg", "yuvj420p", "a.avi"),
    ],
)
def test_other_samples_become_8_bit_bgr(tmp_path, codec, pix_fmt, name):
    frames = every(video(tmp_path / name, 3, codec=codec, pix_fmt=pix_fmt, pixels=picture(), size=(96, 64)))
    assert len(frames) == 3
    expected = picture()
    if pix_fmt == "gray":
        expected = cv2.cvtColor(cv2.cvtColor(expected, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)
    assert np.abs(frames[0].pixels.astype(int) - expected).mean() < 4


def test_pixels_that_are_not_square_are_stretched(tmp_path):
    path = video(tmp_path / "a.mp4", 3, size=(64, 48), aspect=Fraction(3, 2))
    with VideoFile(path) as source:
        assert source.size == (96, 48)
        assert source.read().pixels.shape == (48, 96, 3)


def test_a_truncated_video_gives_what_decodes_and_says_so(tmp_path):
    whole = video(tmp_path / "a.mkv", 60, pixels=None, size=(160, 120)).read_bytes()
    path = tmp_path / "cut.mkv"
    path.write_bytes(whole[: len(whole) // 2])
    with VideoFile(path) as source:
        frames = list(iter(source.read, None))
        assert 5 < len(frames) < 60
        assert [read_number(frame.pixels) for frame in frames] == list(range(len(frames)))


def test_a_truncated_mp4_with_its_index_in_front_is_damaged(tmp_path):
    path = tmp_path / "a.mp4"
    options = {"movflags": "faststart"}
    with av.open(str(path), "w", options=options) as out:
        stream = out.add_stream("mpeg4", rate=25)
        stream.width, stream.height, stream.pix_fmt = 160, 120, "yuv420p"
        for n in range(60):
            pixels = np.random.default_rng(n).integers(0, 256, (120, 160, 3), dtype=np.uint8)
            out.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, "bgr24")))
        out.mux(stream.encode(None))
    data = path.read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")
    path.write_bytes(data[: len(data) // 2])
    with VideoFile(path) as source:
        frames = list(iter(source.read, None))
        assert 5 < len(frames) < 60
        assert source.damaged
        assert str(path) in source.warning


def test_a_sound_video_is_not_called_damaged(tmp_path):
    with VideoFile(video(tmp_path / "a.mp4", 30, sound="aac")) as source:
        assert sum(1 for _ in iter(source.read, None)) == 30
        assert not source.damaged
        assert source.frames == 30
        assert source.rate == pytest.approx(25)


def bad_files(folder: Path) -> dict[str, Path]:
    made = {
        name: folder / name for name in ("missing.mp4", "empty.mp4", "text.mp4", "list.mp4", "index.mp4", "noise.mp4")
    }
    made["empty.mp4"].write_bytes(b"")
    made["text.mp4"].write_text("this is not a video\n" * 100)
    made["list.mp4"].write_text(
        "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nhttp://127.0.0.1:9/a.ts\n#EXT-X-ENDLIST\n"
    )
    whole = video(folder / "whole.mp4", 20).read_bytes()
    made["index.mp4"].write_bytes(whole[: whole.index(b"moov") - 8])
    noise = bytearray(whole)
    start = noise.index(b"mdat") + 4
    noise[start : noise.index(b"moov") - 4] = bytes(noise.index(b"moov") - 4 - start)
    made["noise.mp4"].write_bytes(noise)
    made["folder"] = folder
    made["sound.mp4"] = tone(folder / "sound.mp4", "aac")
    return made


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("missing.mp4", "does not exist"),
        ("folder", "is a folder"),
        ("empty.mp4", "is empty"),
        ("text.mp4", "not a video that can be read"),
        ("list.mp4", "expected|list of other files"),
        ("sound.mp4", "holds sound but no pictures"),
        ("index.mp4", "its index is missing"),
        ("noise.mp4", "not one of its frames can be decoded"),
    ],
)
def test_what_is_no_video_gets_one_clear_sentence(tmp_path, name, words):
    path = bad_files(tmp_path)[name]
    with pytest.raises(SourceError, match=words) as caught:
        open_media(path)
    text = str(caught.value)
    assert str(path) in text
    assert "\n" not in text
    assert caught.value.exit_status == 2


def test_the_limits_hold_for_videos(tmp_path):
    path = video(tmp_path / "a.mp4", 3, size=(128, 96))
    with pytest.raises(SourceError, match="128x96, more than the limit of 10000 pixels"):
        VideoFile(path, MediaConfig(max_pixels=10000))
    with pytest.raises(SourceError, match="the limit is 100"):
        VideoFile(path, MediaConfig(max_bytes=100))


def test_a_picture_is_not_taken_for_a_video_nor_a_device_read(tmp_path):
    path = tmp_path / "a.mp4"
    path.write_bytes(encoded(".png", picture()))
    with pytest.raises(SourceError, match="is a picture"):
        VideoFile(path)
    fifo = tmp_path / "pipe.mp4"
    os.mkfifo(fifo)
    with pytest.raises(SourceError, match="not a regular file"):
        open_media(fifo)


def test_no_permission(tmp_path, monkeypatch):
    path = video(tmp_path / "a.mp4", 3)
    if os.geteuid() != 0:
        path.chmod(0)
    else:  # root may read everything

        def refuse(*_: object, **__: object) -> None:
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(SourceError, match="permission denied"):
        open_media(path)


def test_frames_that_the_decoder_calls_corrupt_are_left_out(tmp_path):
    path = video(tmp_path / "a.mkv", 24, codec="mpeg2video", size=(320, 240))
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 400] = np.random.default_rng(0).integers(0, 255, 400, dtype=np.uint8).tobytes()
    path.write_bytes(data)
    with VideoFile(path) as source:
        frames = list(iter(source.read, None))
        assert source.damaged
        assert "damaged frames" in source.warning
    assert 8 < len(frames) < 24
    assert [frame.seq for frame in frames] == list(range(len(frames)))
    for frame in frames:  # each shows the picture of its time
        assert read_number(frame.pixels) == round(frame.t_capture * 25)


@pytest.mark.parametrize(("size", "matrix"), [((640, 360), "ITU601"), ((1280, 720), "ITU709")])
def test_untagged_colour_is_guessed_by_the_size(tmp_path, size, matrix):
    path, pixels = tmp_path / "a.mp4", picture(*size)
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
        stream.options = {"crf": "4"}
        frame = av.VideoFrame.from_ndarray(pixels, "bgr24").reformat(
            format="yuv420p", dst_colorspace=matrix, dst_color_range="MPEG"
        )
        frame.colorspace = frame.color_range = 2
        out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    with VideoFile(path) as source:
        assert source._stream.codec_context.colorspace == 2  # nothing is written in the file
        assert np.abs(source.read().pixels.astype(int) - pixels).mean() < 2.5
