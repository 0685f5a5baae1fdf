"""Strangers' files that must neither crash nor hang who examines them, and an examining process that does."""

import os
import sys
from pathlib import Path

import pytest
from hostile import hostile_files
from signed import signed, text, unsigned

from reenact.config import VerifyConfig
from reenact.errors import SourceError
from reenact.provenance.bounded import Bounded, Gave
from reenact.provenance.verify import verify_file

CONFIG = VerifyConfig(frames=2)


pytestmark = pytest.mark.usefixtures("own_home")


def worker(tmp_path: Path, code: str) -> list[str]:
    (tmp_path / "worker.py").write_text(code)
    return [sys.executable, str(tmp_path / "worker.py")]


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        ("import sys, time\nsys.stdin.readline()\ntime.sleep(600)", "not examined within"),
        ("import sys, os\nsys.stdin.readline()\nos.abort()", "ended the process"),
        ("import sys\nsys.exit(3)", "ended the process"),
        ("import sys\nsys.stdin.readline()\nprint('{', flush=True)\nsys.stdin.readline()", "nonsense"),
        ("import sys\nsys.stdin.readline()\nprint('[1]', flush=True)\nsys.stdin.readline()", "nonsense"),
    ],
)
def test_a_worker_that_hangs_dies_or_raves_ends_in_a_sentence(code: str, sentence: str, tmp_path: Path) -> None:
    path = unsigned(tmp_path / "a.png")
    config = VerifyConfig(seconds=0.5, bytes_per_s=1e9) if "sleep" in code else CONFIG
    with Bounded(config, worker(tmp_path, code)) as process:
        for _ in range(2):
            with pytest.raises(Gave, match=sentence):
                process.ask("credentials", path)
        assert process.started == 2 or sentence == "nonsense"
        process.close()


def test_a_picture_whose_examination_dies_is_still_judged(tmp_path: Path) -> None:
    code = "import sys, os\nsys.stdin.readline()\nos.abort()"
    with Bounded(CONFIG, worker(tmp_path, code)) as process:
        found = verify_file(signed(tmp_path / "a.png"), config=CONFIG, bounded=process)
        assert (found.status, found.credentials.state) == (5, "unreadable")
        assert "there are some, but they could not be examined: examining it ended the process" in text(found)
        with pytest.raises(SourceError, match="ended the process"):
            verify_file(unsigned(tmp_path / "b.png"), config=CONFIG, bounded=process)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="memory is limited on Linux only")
def test_memory_is_limited(tmp_path: Path) -> None:
    """The worker itself, with one more task: it takes a gigabyte where 600 MB are allowed, and goes on after that."""
    code = (
        "from reenact.provenance import worker\n"
        "worker.TASKS['hoard'] = lambda path: {'bytes': len(bytearray(10**9))}\n"
        "worker.TASKS['live'] = lambda path: {'alive': True}\n"
        "worker.main()"
    )
    path = unsigned(tmp_path / "a.png")
    with Bounded(VerifyConfig(memory=600_000_000), worker(tmp_path, code)) as process:
        with pytest.raises(Gave, match="more memory than is given"):
            process.ask("hoard", path)
        assert process.ask("live", path) == {"alive": True}
        assert process.started == 1


def test_two_gigabytes_of_zeros_are_nothing(tmp_path: Path, bounded: Bounded) -> None:
    for name, head in (
        ("zeros.mp4", b""),
        ("zeros.jpg", b"\xff\xd8\xff\xe0"),
        ("zeros.png", b"\x89PNG\r\n\x1a\n"),
        ("zeros.mov", b"\0\0\0\x14ftypqt  \0\0\0\0qt  "),
    ):
        path = tmp_path / name
        path.write_bytes(head)
        os.truncate(path, 2 << 30)
        with pytest.raises(SourceError, match=f"{path}.* (no|not|damaged|cut off|limit) ") as caught:
            verify_file(path, config=CONFIG, bounded=bounded)
        assert "\n" not in str(caught.value)
        path.unlink()


def test_hostile_files_neither_crash_nor_hang(tmp_path: Path, bounded: Bounded) -> None:
    """200 of the kinds of which the release tests take 2,000; the time limit is what tells a hang."""
    outcomes = examine_all(tmp_path, bounded, 200)
    assert outcomes["valid"] < 20  # a change of what is not signed, such as padding inside the manifest
    assert outcomes["broken"] > 60
    assert bounded.started <= 3


@pytest.mark.release
@pytest.mark.timeout(1800)
def test_two_thousand_hostile_files(tmp_path: Path, bounded: Bounded) -> None:
    """Each with its credentials and its watermark; `pytest -m release tests/test_hostile_files.py`."""
    started = bounded.started
    outcomes = examine_all(tmp_path, bounded, 2000)
    print(outcomes, "processes:", bounded.started - started)
    assert outcomes["broken"] > 600
    assert bounded.started - started <= 20


def examine_all(tmp_path: Path, bounded: Bounded, count: int) -> dict[str, int]:
    outcomes = {"valid": 0, "broken": 0, "unreadable": 0, "none": 0, "refused": 0}
    for path in hostile_files(tmp_path, count):
        try:
            found = verify_file(path, config=CONFIG, bounded=bounded)
        except SourceError as error:
            outcomes["refused"] += 1
            said = str(error)
        else:
            outcomes[found.credentials.state] += 1
            assert found.status in (0, 4, 5)
            said = text(found).replace("\n", "")
        assert said.isprintable()
    assert sum(outcomes.values()) == count
    return outcomes
