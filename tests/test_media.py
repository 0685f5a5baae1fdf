"""Pictures and videos from files: what is read, and what is said about a file that cannot be."""

import os
import struct
import zlib
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from made import cmyk_jpeg, gif, picture, tone, video, with_exif

from reenact.config import MediaConfig
from reenact.errors import SourceError
from reenact.sources import PictureFile, VideoFile, open_media, read_picture
from reenact.sources.header import parse_header
from reenact.sources.picture import upright
from reenact.sources.synthetic import read_number


def encoded(ending: str, pixels: np.ndarray, *options: int) -> bytes:
    ok, data = cv2.imencode(ending, pixels, list(options))
    assert ok
    return data.tobytes()


def every(path: Path) -> list:
    with VideoFile(path) as source:
        return list(iter(source.read, None))


# Pictures


@pytest.mark.parametrize("ending", [".png", ".jpg", ".webp", ".bmp"])
def test_a_picture_is_known_by_its_content_and_not_by_its_name(tmp_path, ending):
    path = tmp_path / "picture.mp4"
    path.write_bytes(encoded(ending, picture()))
    read = read_picture(path)
    assert read.shape == (64, 96, 3)
    assert read.dtype == np.uint8
    assert np.abs(read.astype(int) - picture()).mean() < (0.01 if ending in (".png", ".bmp") else 4)
    assert isinstance(open_media(path), PictureFile)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_rotation_is_applied_once(tmp_path, orientation):
    path = tmp_path / "turned.jpg"
    plain = encoded(".jpg", picture(), cv2.IMWRITE_JPEG_QUALITY, 100)
    path.write_bytes(with_exif(plain, orientation))
    # OpenCV's own reading of the same file, an independent implementation of Exif
    expected = cv2.imdecode(np.frombuffer(path.read_bytes(), np.uint8), cv2.IMREAD_COLOR)
    assert np.array_equal(read_picture(path), expected)
    assert expected.shape[:2] == ((96, 64) if orientation >= 5 else (64, 96))


def test_cmyk_jpeg_becomes_bgr(tmp_path):
    path = tmp_path / "print.jpg"
    path.write_bytes(cmyk_jpeg(32, 16, (255, 90, 40, 255)))  # no cyan, magenta and yellow ink, no black: a red
    read = read_picture(path)
    assert read.shape == (16, 32, 3)
    assert np.abs(read.reshape(-1, 3).mean(0) - (40, 90, 255)).max() < 3


def test_transparent_png_lies_over_white(tmp_path):
    pixels = np.zeros((20, 30, 4), np.uint8)
    pixels[:, :10] = (10, 20, 200, 255)
    pixels[:, 10:20] = (10, 20, 200, 128)
    path = tmp_path / "cut-out.png"
    path.write_bytes(encoded(".png", pixels))
    read = read_picture(path)
    assert read[5, 5].tolist() == [10, 20, 200]
    assert read[5, 25].tolist() == [255, 255, 255]
    assert np.abs(read[5, 15].astype(int) - (132, 137, 227)).max() <= 1


def test_16_bit_and_grey_and_palette_png(tmp_path):
    path = tmp_path / "deep.png"
    path.write_bytes(encoded(".png", picture().astype(np.uint16) * 257))
    assert np.array_equal(read_picture(path), picture())
    grey = cv2.cvtColor(picture(), cv2.COLOR_BGR2GRAY)
    path.write_bytes(encoded(".png", grey))
    assert np.array_equal(read_picture(path), cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR))
    path.write_bytes(_palette_png())
    assert read_picture(path)[0, 0].tolist() == [30, 20, 10]
    assert read_picture(path)[0, 1].tolist() == [255, 255, 255]  # transparent


def _chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def _png(width: int, height: int, depth: int, colour: int, *chunks: bytes) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + b"".join(chunks) + _chunk(b"IEND", b"")


def _palette_png() -> bytes:
    palette = _chunk(b"PLTE", bytes([10, 20, 30, 1, 2, 3]))
    clear = _chunk(b"tRNS", bytes([255, 0]))
    return _png(2, 1, 8, 3, palette, clear, _chunk(b"IDAT", zlib.compress(b"\0\0\1")))


def test_animated_gif_is_its_first_picture_or_a_video(tmp_path):
    path = gif(tmp_path / "moving.gif")
    assert abs(int(read_picture(path).mean()) - 40) < 20
    source = open_media(path)
    assert isinstance(source, VideoFile)
    frames = list(iter(source.read, None))
    assert [frame.seq for frame in frames] == [0, 1, 2]
    assert frames[0].pixels.mean() < frames[1].pixels.mean() < frames[2].pixels.mean()
    assert np.allclose([frame.t_capture for frame in frames], [0, 0.1, 0.2])
    still = open_media(gif(tmp_path / "still.gif", frames=1))
    assert isinstance(still, PictureFile)


def test_a_picture_as_a_source_is_repeated(tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(encoded(".png", picture()))
    with PictureFile(path, repeat=3, rate=10) as source:
        frames = list(iter(source.read, None))
    assert [frame.t_capture for frame in frames] == [0.0, 0.1, 0.2]
    frames[0].pixels[:] = 0
    assert frames[1].pixels.any()


def test_a_huge_picture_is_refused_from_its_header(tmp_path):
    path = tmp_path / "huge.png"
    path.write_bytes(_png(20000, 20000, 8, 2))  # no picture data at all: decoding would say something else
    for read in (read_picture, open_media):
        with pytest.raises(SourceError, match=r"20000x20000, more than the limit of 64000000 pixels"):
            read(path)
    jpeg = bytearray(encoded(".jpg", picture()))
    at = jpeg.index(b"\xff\xc0")
    jpeg[at + 5 : at + 9] = struct.pack(">HH", 20000, 20000)
    path.write_bytes(jpeg)
    with pytest.raises(SourceError, match="20000x20000"):
        read_picture(path)


@pytest.mark.parametrize("ending", [".png", ".jpg"])
def test_a_cut_off_picture_is_refused(tmp_path, ending):
    path = tmp_path / f"cut{ending}"
    data = encoded(ending, picture(400, 300))
    path.write_bytes(data[: len(data) * 2 // 3])
    with pytest.raises(SourceError, match="cut off"):
        read_picture(path)


def test_a_png_whose_chunks_do_not_add_up_is_not_decoded(tmp_path, monkeypatch):
    data = bytearray(encoded(".png", picture()))
    at = data.index(b"IDAT")
    data[at - 4 : at] = (3_000_000_000).to_bytes(4, "big")  # OpenCV would reserve as much
    path = tmp_path / "a.png"
    path.write_bytes(data)
    monkeypatch.setattr(cv2, "imdecode", lambda *_: pytest.fail("decoded"))
    with pytest.raises(SourceError, match="cut off or damaged"):
        read_picture(path)


@pytest.mark.parametrize("seed", range(8))
def test_damage_anywhere_is_a_source_error_or_none(tmp_path, seed):
    rng = np.random.default_rng(seed)
    pictures = [encoded(ending, picture()) for ending in (".png", ".jpg", ".webp", ".bmp")]
    films = [video(tmp_path / name, 10, sound="aac").read_bytes() for name in ("a.mp4", "a.mkv")]
    refusals = []
    for whole in [*pictures, *films, gif(tmp_path / "a.gif").read_bytes()]:
        for _ in range(8):
            data = bytearray(whole)
            reach = len(data) if rng.integers(2) else 200
            for at in rng.integers(0, reach, rng.integers(1, 12)):
                data[at] = rng.integers(256)
            path = tmp_path / "x"
            path.write_bytes(data[: rng.integers(1, len(data) + 1)] if rng.integers(2) else data)
            try:
                source = open_media(path, MediaConfig(max_pixels=1_000_000))
                assert sum(1 for _ in iter(source.read, None)) <= 200
                source.close()
            except SourceError as error:
                refusals.append(str(error))
    assert refusals
    assert not any("\n" in text for text in refusals)


@pytest.mark.parametrize("ending", [".png", ".jpg", ".webp", ".bmp"])
def test_no_beginning_of_a_picture_breaks_the_header_reader(tmp_path, ending):
    data = encoded(ending, picture())
    path = tmp_path / "x"
    for n in range(1, 200, 3):
        path.write_bytes(data[:n])
        with pytest.raises(SourceError, match=str(path)):
            read_picture(path)


def test_webp_headers_of_all_three_kinds():
    lossy, lossless = encoded(".webp", picture(), cv2.IMWRITE_WEBP_QUALITY, 80), encoded(".webp", picture())
    alpha = encoded(".webp", np.dstack([picture(), picture()[:, :, 0]]), cv2.IMWRITE_WEBP_QUALITY, 80)
    assert {lossy[12:16], lossless[12:16], alpha[12:16]} == {b"VP8 ", b"VP8L", b"VP8X"}
    for data in (lossy, lossless, alpha):
        header = parse_header(data)
        assert (header.kind, header.width, header.height) == ("webp", 96, 64)


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
