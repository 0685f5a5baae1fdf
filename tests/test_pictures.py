"""Pictures of every kind become (H, W, 3) BGR, and damaged ones one clear error."""

import struct
import zlib

import cv2
import numpy as np
import pytest
from made import cmyk_jpeg, encoded, gif, picture, video, with_exif

from reenact.config import MediaConfig
from reenact.errors import SourceError
from reenact.sources import PictureFile, VideoFile, open_media, read_picture
from reenact.sources.header import parse_header

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
