"""The sink that writes one picture."""

import os
from pathlib import Path

import numpy as np
import pytest
from made import composite, picture

from reenact.errors import InputError, SinkError, SourceError
from reenact.sinks import PictureWriter
from reenact.sources import read_picture
from reenact.types import Composite, Kind

# Pictures

SIZE = (64, 48)


@pytest.mark.parametrize("ending", [".png", ".jpg", ".jpeg"])
def test_a_picture_is_written(tmp_path, ending):
    path, pixels = tmp_path / f"a{ending}", picture()
    with PictureWriter(path, (96, 64)) as writer:
        writer.send(Composite(picture(seed=1), 0, 0.0, Kind.LIVE))
        writer.send(Composite(pixels, 1, 0.1, Kind.LIVE))
    assert np.abs(read_picture(path).astype(int) - pixels).mean() < (0.01 if ending == ".png" else 3)
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_a_picture_that_cannot_be_written(tmp_path, monkeypatch):
    with pytest.raises(InputError, match=r"needs \.png or \.jpg"):
        PictureWriter(tmp_path / "a.tga", SIZE)
    with pytest.raises(InputError, match="no folder"):
        PictureWriter(tmp_path / "none" / "a.png", SIZE)
    writer = PictureWriter(tmp_path / "a.png", SIZE)
    assert list(tmp_path.iterdir()) == []

    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", full)
        with pytest.raises(SinkError, match="no space left"):
            writer.send(composite())
    assert list(tmp_path.iterdir()) == []
    writer.send(composite())
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(SinkError, match="no space left"):
        writer.close()
    assert list(tmp_path.iterdir()) == []


def test_a_picture_whose_making_failed_leaves_what_was_there(tmp_path):
    def failing(path: Path) -> None:
        with PictureWriter(path, SIZE) as writer:
            writer.send(composite())
            raise SourceError("no face")

    (tmp_path / "old.png").write_bytes(b"mine")
    for name in ("new.png", "old.png"):
        with pytest.raises(SourceError):
            failing(tmp_path / name)
    assert [(p.name, p.read_bytes()) for p in tmp_path.iterdir()] == [("old.png", b"mine")]
