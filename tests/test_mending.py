"""A generator whose device fails: what is shown, how it is made anew, and the model in a process of its own."""

import sys
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from fakes import FakeGenerator
from rig import Rig, runs

from reenact.clock import VirtualClock
from reenact.config import GeneratorConfig
from reenact.errors import ModelError, TargetError
from reenact.generation.mending import MendingGenerator, is_device_fault
from reenact.generation.modelworker import WorkerSession
from reenact.generation.session import Session
from reenact.generation.weights import find_model
from reenact.stages import Generator, Painter
from reenact.types import Composite, Kind, Patch

CONFIG = GeneratorConfig(retry_s=0.25, retry_most_s=2.0)


class CudaAPIError(Exception):
    """As numba's driver has it."""

    __module__ = "numba.cuda.cudadrv.driver"


class Card:
    """A GPU that fails when told to; `log` says what was made on it and when."""

    def __init__(self, clock: VirtualClock) -> None:
        self.clock = clock
        self.fault: Exception | None = None  # of every use
        self.in_process = False  # whether a new process is free of it
        self.log: list[tuple[float, str]] = []
        self.open = 0

    def way(self, name: str, paints: bool = False) -> Callable[[], "OnCard"]:
        return lambda: (PaintsOnCard if paints else OnCard)(self, name)

    def use(self, name: str) -> None:
        if self.fault is not None and name != "cpu" and not (self.in_process and name == "worker"):
            raise self.fault


class OnCard(FakeGenerator):
    mouth, extras = "driver", ("network",)

    def __init__(self, card: Card, name: str) -> None:
        super().__init__(extras=self.extras)
        self.card, self.provider = card, name
        card.log.append((round(card.clock.now() - 100.0, 3), name))
        card.use(name)
        card.open += 1

    def generate(self, shot, motion, mouth) -> Patch:  # type: ignore[no-untyped-def]
        self.card.use(self.provider)
        return super().generate(shot, motion, mouth)

    def close(self) -> None:
        self.card.open -= 1


class PaintsOnCard(OnCard):
    def paint(self, n, motion, mouth) -> tuple[Patch, Composite]:  # type: ignore[no-untyped-def]
        self.card.use(self.provider)
        pixels = np.arange(48 * 64 * 3, dtype=np.uint32).reshape(48, 64, 3).astype(np.uint8)
        patch = Patch(pixels[:32, :32].copy(), np.full((32, 32), 255, np.uint8), np.eye(2, 3), motion.seq, 0.0)
        return patch, Composite(pixels, motion.seq, motion.t_capture, Kind.LIVE)


class Broken:
    """A live loop whose generator runs on a card."""

    def __init__(self, *ways: str, paints: bool = False) -> None:
        self.rig = Rig()
        self.card = Card(self.rig.clock)
        made = [self.card.way(name, paints and name == "gpu") for name in ways]
        self.generator = MendingGenerator(made, CONFIG, self.rig.clock)
        playing = self.rig.engine.playing
        self.rig.engine.play(type(playing)(playing.target, self.generator, playing.blender, True))

    def turn(self, seconds: float) -> list[str]:
        return runs(self.rig.turn(round(seconds * 30)))


OUT_OF_MEMORY = ModelError("the model portrait-256 failed on cuda: CUDA failure 2: out of memory")


@pytest.mark.parametrize(
    "fault",
    [OUT_OF_MEMORY, MemoryError(), CudaAPIError("[700] Call to cuMemcpyDtoHAsync results in ILLEGAL_ADDRESS")],
)
@pytest.mark.parametrize("paints", [False, True])
def test_a_device_fault_shows_the_slate_until_the_generator_is_made_anew(fault, paints):
    broken = Broken("gpu", paints=paints)
    assert isinstance(broken.generator, Generator)
    assert isinstance(broken.generator, Painter)
    assert broken.turn(1.0) == ["rest", "live"]
    broken.card.fault = fault
    assert broken.turn(0.2) == ["slate"]
    broken.card.fault = None
    assert broken.turn(1.5) == ["slate", "live"]
    assert broken.generator.made == 1
    assert [name for _, name in broken.card.log] == ["gpu", "gpu"]
    assert broken.card.log[1][0] == pytest.approx(1.25, abs=0.07)
    assert broken.card.open == 1
    assert broken.rig.engine.stats.counted("faults") >= 1


def test_it_is_tried_with_growing_pauses_then_in_another_process_then_on_the_cpu():
    broken = Broken("gpu", "worker", "cpu")
    broken.turn(1.0)
    broken.card.fault = OUT_OF_MEMORY
    shown = broken.turn(10.0)
    assert shown == ["slate", "live"]
    assert [name for _, name in broken.card.log] == ["gpu", "gpu", "gpu", "worker", "worker", "cpu"]
    times = [at for at, _ in broken.card.log]
    assert np.diff(times[1:]) == pytest.approx([0.5, 1.0, 2.0, 2.0], abs=0.1)
    assert broken.generator.provider == "cpu"


def test_a_context_that_is_broken_for_good_is_left_to_another_process():
    broken = Broken("gpu", "worker")
    broken.turn(1.0)
    broken.card.fault, broken.card.in_process = CudaAPIError("[700] ILLEGAL_ADDRESS"), True
    assert broken.turn(5.0) == ["slate", "live"]
    assert broken.generator.provider == "worker"
    broken.card.in_process = False
    broken.turn(0.1)
    broken.card.in_process = True
    assert broken.turn(5.0)[-1] == "live"
    assert [name for _, name in broken.card.log].count("gpu") == 3  # never back to what cannot work


def test_without_another_way_it_is_tried_for_ever():
    broken = Broken("gpu")
    broken.turn(1.0)
    broken.card.fault = OUT_OF_MEMORY
    assert broken.turn(20.0) == ["slate"]
    pauses = np.diff([at for at, _ in broken.card.log])
    assert pauses.max() < 2.1
    broken.card.fault = None
    assert broken.turn(4.0) == ["slate", "live"]


@pytest.mark.parametrize("times", [10, pytest.param(100, marks=pytest.mark.release)])
def test_faults_again_and_again_leave_one_generator_and_as_many_threads(times):
    broken = Broken("gpu")
    threads = threading.active_count()
    for _ in range(times):
        broken.turn(0.2)
        broken.card.fault = OUT_OF_MEMORY
        broken.turn(0.1)
        broken.card.fault = None
        broken.rig.clock.advance(11.0)  # long enough to be another matter
        broken.turn(0.2)
    assert broken.card.open == 1
    assert broken.generator.made == times
    assert threading.active_count() == threads


def test_what_was_left_out_stays_left_out():
    broken = Broken("gpu")
    assert broken.generator.extras == ("network",)
    broken.generator.leave_out(frozenset({"network"}))
    broken.turn(1.0)
    broken.card.fault = OUT_OF_MEMORY
    broken.turn(0.1)
    broken.card.fault = None
    broken.turn(1.0)
    assert broken.generator._now.left_out == {"network"}


def test_other_errors_are_no_reason():
    broken = Broken("gpu")
    broken.turn(1.0)
    broken.card.fault = ValueError("a mistake")
    broken.turn(1.0)
    assert len(broken.card.log) == 1
    assert not is_device_fault(ValueError("x"))
    assert not is_device_fault(TargetError("x"))
    outer = RuntimeError("it failed")
    outer.__cause__ = CudaAPIError("lost")
    assert is_device_fault(outer)


def test_a_generator_that_cannot_be_made_at_the_start_is_an_error():
    def refuses():
        raise ModelError("the model cannot run on cuda: install NVIDIA's driver")

    with pytest.raises(ModelError, match="install NVIDIA's driver"):
        MendingGenerator([refuses], CONFIG)


# The model in a process of its own.

ENTRY = find_model("portrait-256")
FAKE = (sys.executable, str(Path(__file__).with_name("fakeworker.py")))


def inputs() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    return {
        spec.name: rng.integers(0, 200, [size or 2 for size in spec.shape]).astype(spec.dtype) for spec in ENTRY.inputs
    }


def test_the_worker_gives_what_the_session_gives():
    given = inputs()
    worker, session = WorkerSession(ENTRY, "cpu"), Session(ENTRY, "cpu")
    assert (worker.provider, worker.entry) == (session.provider, session.entry)
    for mine, theirs in zip(session.run(given), worker.run(given), strict=True):
        assert mine.dtype == theirs.dtype
        assert np.array_equal(mine, theirs)
    worker.close()
    worker.close()
    with pytest.raises(ModelError, match="has ended"):
        worker.run(given)


@pytest.mark.parametrize(
    ("how", "words"),
    [("dies", "has ended"), ("hangs", "does not answer within 0.5 s"), ("raises", "MemoryError")],
)
def test_a_worker_that_fails_is_over_and_another_works(how, words):
    given = inputs()
    worker = WorkerSession(ENTRY, how, command=FAKE, start_s=60, answer_s=60)
    first = worker.run(given)
    assert [array.dtype.name for array in first] == [spec.dtype for spec in ENTRY.outputs]
    worker._answer_s = 0.5 if how == "hangs" else 60
    with pytest.raises(ModelError, match=words) as caught:
        worker.run(given)
    assert is_device_fault(caught.value)
    assert worker._process.poll() is not None
    again = WorkerSession(ENTRY, "cpu", command=FAKE, start_s=60, answer_s=60)
    assert np.array_equal(again.run(given)[0], first[0])
    again.close()


def test_a_model_that_the_worker_cannot_open_is_said():
    with pytest.raises(ModelError, match="cannot run on a toaster"):
        WorkerSession(ENTRY, "refuses", command=FAKE)
    with pytest.raises(ModelError, match="has ended"):
        WorkerSession(ENTRY, "cpu", command=(sys.executable, "-c", "pass"))
    with pytest.raises(ModelError, match="cannot run on cuda"):
        WorkerSession(ENTRY, "cuda")
