"""What every Sink must do."""

from collections.abc import Callable

import cv2
import numpy as np
import pytest
from fakedevice import folder_camera
from fakes import FakeSink
from made import composite

from reenact.errors import DeviceError, ReenactError, SinkError
from reenact.sinks import Fanout, NullSink, PictureWriter, Preview, Recorder
from reenact.sources import VideoFile, read_picture
from reenact.stages import Sink
from reenact.types import Frame

SIZE = (64, 48)


def _preview(_, monkeypatch) -> Sink:
    monkeypatch.setattr("reenact.sinks.preview.has_display", lambda: True)
    for name in ("namedWindow", "resizeWindow", "imshow", "destroyWindow"):
        monkeypatch.setattr(cv2, name, lambda *_: None)
    monkeypatch.setattr(cv2, "waitKey", lambda _: -1)
    return Preview(SIZE)


@pytest.fixture(scope="module")
def device():
    """A virtual camera with its real host; one after the other they are served by the same."""
    with pytest.MonkeyPatch.context() as patch, folder_camera(patch) as made:
        yield made


SINKS: dict[str, Callable[..., Sink]] = {
    "recorder mp4": lambda tmp_path, _: Recorder(tmp_path / "a.mp4", SIZE),
    "recorder mkv": lambda tmp_path, _: Recorder(tmp_path / "a.mkv", SIZE),
    "recorder live": lambda tmp_path, _: Recorder(tmp_path / "a.mp4", SIZE, fragmented=True),
    "picture": lambda tmp_path, _: PictureWriter(tmp_path / "a.png", SIZE),
    "preview": _preview,
    "several": lambda tmp_path, _: Fanout({"a": NullSink(SIZE), "b": Recorder(tmp_path / "a.mp4", SIZE)}),
    "null": lambda *_: NullSink(SIZE),
    "fake": lambda *_: FakeSink(),
}


@pytest.fixture(params=[*SINKS, "virtual camera"])
def sink(request, tmp_path, monkeypatch):
    if request.param == "virtual camera":
        opened = request.getfixturevalue("device").opened()
    else:
        opened = SINKS[request.param](tmp_path, monkeypatch)
    yield opened
    opened.close()


def test_it_is_a_sink(sink):
    assert isinstance(sink, Sink)


def test_it_takes_pictures_and_leaves_them_as_they_are(sink):
    for n in range(5):
        one = composite(n, n / 25)
        before = one.pixels.copy()
        sink.send(one)
        assert np.array_equal(one.pixels, before)


def test_it_takes_nothing_but_a_composite(sink):
    if isinstance(sink, FakeSink):
        pytest.skip("the stand-in trusts its test")
    for thing in (Frame(composite().pixels, 0, 0.0), composite().pixels, None):
        with pytest.raises(TypeError, match="takes a Composite"):
            sink.send(thing)


def test_it_takes_no_other_size(sink):
    if isinstance(sink, FakeSink):
        pytest.skip("the stand-in has no size")
    with pytest.raises(SinkError, match="32x24"):
        sink.send(composite(size=(32, 24)))


def test_close_may_be_called_twice_and_nothing_can_be_sent_after(sink):
    sink.send(composite())
    sink.close()
    sink.close()
    if isinstance(sink, FakeSink | Preview):
        return  # a preview that its user has closed must not end a recording
    with pytest.raises((SinkError, DeviceError)):
        sink.send(composite(1, 0.1))


def test_it_can_be_closed_with_nothing_sent(sink, tmp_path):
    sink.close()
    assert not list(tmp_path.rglob("*.part"))


def test_what_was_sent_is_kept(sink, tmp_path):
    for n in range(5):
        sink.send(composite(n, n / 25))
    sink.close()
    if isinstance(sink, Recorder):
        with VideoFile(sink.path) as source:
            assert [round(frame.t_capture, 3) for frame in iter(source.read, None)] == [0, 0.04, 0.08, 0.12, 0.16]
    elif isinstance(sink, PictureWriter):
        assert np.array_equal(read_picture(sink.path), composite(4).pixels)
    elif isinstance(sink, NullSink):
        assert (sink.frames, sink.last.seq) == (5, 4)


# Several at once


class Failing(FakeSink):
    def __init__(self, error: ReenactError, at: int, closes: bool = True) -> None:
        super().__init__()
        self._error, self._at, self._closes = error, at, closes

    def send(self, one) -> None:
        if len(self.seqs) >= self._at:
            raise self._error
        super().send(one)

    def close(self) -> None:
        super().close()
        if not self._closes:
            raise SinkError("the disk filled at the end")


def test_one_that_fails_is_left_out_and_the_others_go_on(caplog):
    bad, good = Failing(DeviceError("the camera is gone"), 2), NullSink(SIZE)
    sinks = Fanout({"camera": bad, "file": good})
    for n in range(5):
        sinks.send(composite(n))
    assert good.frames == 5
    assert (len(bad.seqs), bad.closed) == (2, 1)
    assert sinks.names == ("file",)
    assert str(sinks.failures["camera"]) == "the camera is gone"
    assert "camera gets no more pictures: the camera is gone" in caplog.text


def test_none_left_is_an_error():
    sinks = Fanout({"a": Failing(SinkError("full"), 1), "b": Failing(DeviceError("gone"), 2)})
    sinks.send(composite(0))
    sinks.send(composite(1))
    with pytest.raises(SinkError, match=r"no output is left \(a: full; b: gone\)"):
        sinks.send(composite(2))


def test_strict_raises_after_the_others_had_the_picture():
    good = NullSink(SIZE)
    sinks = Fanout({"bad": Failing(SinkError("full"), 0), "good": good}, strict=True)
    with pytest.raises(SinkError, match="full"):
        sinks.send(composite())
    assert good.frames == 1


def test_all_are_closed_though_one_cannot_be():
    first, second = Failing(SinkError("x"), 9, closes=False), FakeSink()
    sinks = Fanout({"first": first, "second": second})
    with pytest.raises(SinkError, match="the disk filled at the end"):
        sinks.close()
    assert (first.closed, second.closed) == (1, 1)
    sinks.close()
    with pytest.raises(ValueError, match="no sink"):
        Fanout({})


class Telling(FakeSink):
    """Mends itself, and knows when a picture was written."""

    trouble, written_at = "the camera is gone", 7.5


def test_troubles_and_times_are_passed_on():
    sinks = Fanout({"camera": Telling(), "file": NullSink(SIZE), "other": Telling()})
    assert sinks.trouble == "the camera is gone; the camera is gone"
    assert sinks.written_at == 7.5
    plain = Fanout({"file": NullSink(SIZE)})
    assert (plain.trouble, plain.written_at) == ("", None)
