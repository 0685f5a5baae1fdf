"""The device's way to paint a portrait: in numba's simulator, without a GPU, against the CPU's; and its parts."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import smallnet
from fakes import FakeBlender, FakeGenerator, FakeRetargeter, FakeTarget, FakeTracker, motion, slate_pixels

from reenact.config import GeneratorConfig
from reenact.engine import Engine
from reenact.errors import ModelError
from reenact.generation.binding import Bound, provider_list
from reenact.generation.session import Session
from reenact.generation.weights import find_model
from reenact.reading import Reading
from reenact.types import Composite, Kind, Patch

HERE = Path(__file__).parent
needs_numba_cuda = pytest.mark.skipif(
    importlib.util.find_spec("numba_cuda") is None, reason="numba-cuda is not installed (extra `cuda`)"
)


@needs_numba_cuda
@pytest.mark.timeout(900)  # ten seconds of one core: the simulator runs every GPU thread in Python
def test_the_simulated_device_paints_what_the_cpu_paints() -> None:
    paths = os.pathsep.join([str(HERE), str(HERE.parent)])
    environment = {**os.environ, "PYTHONPATH": paths, "NUMBA_ENABLE_CUDASIM": "1"}
    command = [sys.executable, str(HERE / "cudaportrait.py")]
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=880, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert [line.split()[0] for line in ran.stdout.splitlines()] == ["photo", "video", "membrane"]


def _filled(session: Session) -> dict[str, np.ndarray]:
    """Memory for every input and output, the inputs with something in them."""
    rng = np.random.default_rng(1)
    made = {}
    for spec in session.entry.inputs + session.entry.outputs:
        values = rng.integers(0, 255, spec.shape) if spec.dtype == "uint8" else rng.normal(0, 1, spec.shape)
        made[spec.name] = values.astype(spec.dtype)
    return made


def test_bound_memory_gives_what_a_plain_run_gives(tmp_path: Path) -> None:
    session = Session(find_model(smallnet.NAME, smallnet.write(tmp_path, 32)), "cpu")
    memory = _filled(session)
    bound = Bound(session, {name: array.ctypes.data for name, array in memory.items()}, "cpu")
    for _ in range(2):
        memory["picture"][:] = np.random.default_rng(7).integers(0, 255, memory["picture"].shape)
        bound.run()
        wanted = session.run({name: memory[name] for name in ("picture", "guides")})
        for spec, plain in zip(session.entry.outputs, wanted, strict=True):
            assert np.array_equal(memory[spec.name], plain), spec.name
            memory[spec.name][:] = 0  # the next run has to write it again
    with pytest.raises(ValueError, match="addresses for"):
        Bound(session, {"picture": 1}, "cpu")


def test_a_session_made_anew_is_bound_anew(tmp_path: Path) -> None:
    entry = find_model(smallnet.NAME, smallnet.write(tmp_path, 32))
    session = Session(entry, "cpu")
    memory = _filled(session)
    bound = Bound(session, {name: array.ctypes.data for name, array in memory.items()}, "cpu")
    bound.run()
    before = memory["detail"].copy()
    session._session = Session(entry, "cpu")._session
    memory["detail"][:] = 0
    bound.run()
    assert np.array_equal(memory["detail"], before)


def test_providers_on_a_caller_s_stream() -> None:
    assert provider_list("cuda", 0) == ["CUDAExecutionProvider"]
    assert provider_list("cpu", 0) == ["CPUExecutionProvider"]
    [(name, options)] = provider_list("cuda", 1234)
    assert name == "CUDAExecutionProvider"
    assert options == {"user_compute_stream": "1234", "enable_cuda_graph": "1"}


def test_tensorrt_keeps_its_engines_and_leaves_the_rest_to_cuda(tmp_path: Path) -> None:
    (first, options), (second, on_stream) = provider_list("tensorrt", 99, tmp_path / "engines")
    assert (first, second) == ("TensorrtExecutionProvider", "CUDAExecutionProvider")
    assert (tmp_path / "engines").is_dir()
    assert options["trt_engine_cache_enable"] == "True"
    assert options["trt_engine_cache_path"] == str(tmp_path / "engines")
    assert options["user_compute_stream"] == on_stream["user_compute_stream"] == "99"
    assert "enable_cuda_graph" not in on_stream  # a graph needs the whole model on one provider


class PaintingGenerator(FakeGenerator):
    """A generator that is a Painter too; at odd moments its target shows no face."""

    painted: int = 0

    def paint(self, n: int, wanted, mouth) -> "tuple[Patch, Composite] | None":
        if n % 2:
            return None
        self.painted += 1
        pixels = np.random.default_rng(n).integers(0, 255, (48, 64, 3), dtype=np.uint8)
        patch = Patch(pixels, np.full((48, 64), 255, np.uint8), np.eye(2, 3), wanted.seq, wanted.t_capture)
        return patch, Composite(pixels, wanted.seq, wanted.t_capture, Kind.LIVE)


def test_the_engine_lets_a_painter_paint_and_verifies_what_it_gives() -> None:
    generator = PaintingGenerator()
    stages = FakeTracker(), FakeRetargeter(), FakeTarget(), generator, FakeBlender()
    engine = Engine(*stages, slate=slate_pixels(), strict=True, at_once=True)
    kinds = []
    for n in (0, 2, 3, 4):
        made = engine.compose(Reading(n, n / 30, motion(n, n / 30)), n, n / 30)
        kinds.append((made.kind, made.seq))
    assert kinds == [(Kind.LIVE, 0), (Kind.LIVE, 2), (Kind.LIVE, 3), (Kind.LIVE, 4)]
    assert generator.painted == 3
    assert engine.stats.series("paint") is not None
    generator.paint = lambda n, wanted, mouth: PaintingGenerator.paint(generator, n, motion(n + 1), mouth)  # type: ignore[method-assign]
    lenient = Engine(*stages, slate=slate_pixels(), at_once=True)
    assert lenient.compose(Reading(6, 0.2, motion(6, 0.2)), 6, 0.2).kind is Kind.SLATE, "a late picture was shown"


@pytest.mark.parametrize("provider", ["cuda", "tensorrt"])
def test_without_a_gpu_the_provider_asked_for_is_refused(provider: str) -> None:
    pytest.importorskip("numba_cuda")
    from numba import cuda

    if cuda.is_available():
        pytest.skip("there is a GPU here")
    from reenact.generation.gpu import CudaPortrait

    with pytest.raises(ModelError, match=r"cannot run on a GPU: no NVIDIA GPU.*nvidia-smi"):
        CudaPortrait(FakeTarget(), GeneratorConfig(provider=provider))  # type: ignore[arg-type]


class EchoPainter:
    """Gives what the CPU makes, `off` grey levels brighter."""

    def __init__(self, target, off: int) -> None:
        from reenact.generation.portrait import PortraitGenerator

        self._target, self._off = target, off
        self._generator = PortraitGenerator(target, GeneratorConfig(provider="cpu", network=False))

    def paint(self, n: int, wanted, mouth) -> "tuple[Patch, Composite]":
        from reenact.blending import PoissonCompositor

        shot = self._target.shot(n, wanted)
        patch = self._generator.generate(shot, wanted, mouth)
        made = PoissonCompositor().blend(patch, shot)
        brighter = np.minimum(made.pixels.astype(int) + self._off, 255).astype(np.uint8)
        return patch, Composite(brighter, wanted.seq, wanted.t_capture, Kind.LIVE)


@needs_numba_cuda
def test_the_gpu_check_tells_the_same_picture_from_another() -> None:
    from cudaportrait import SmallPhoto, talking

    from reenact.bench import gpu as bench

    photo, acts = SmallPhoto(), [talking()] * 3
    same = bench.compare(photo, EchoPainter(photo, 0), None, acts)  # type: ignore[arg-type]
    assert (same.pictures, same.mean, same.largest, same.alike) == (3, 0.0, 0, True)
    assert same.changed > 0.1
    other = bench.compare(photo, EchoPainter(photo, 3), None, acts)  # type: ignore[arg-type]
    assert not other.alike
    assert other.share_beyond_2 > 0.9


@needs_numba_cuda
def test_the_gpu_check_says_in_a_sentence_that_there_is_no_gpu(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from numba import cuda

    if cuda.is_available():
        pytest.skip("there is a GPU here")
    monkeypatch.setattr(sys, "argv", ["gpu_check.py"])
    monkeypatch.syspath_prepend(HERE.parent / "benchmarks")
    import gpu_check

    assert gpu_check.main() == 3
    said = capsys.readouterr().out.strip()
    assert said.startswith("gpu_check: nothing was run, because there is no GPU to run it on: ")
    assert "\n" not in said
    found = {"machine": {"gpus": ["NVIDIA H100 80GB HBM3, 580.95, 81559 MiB"]}}
    assert gpu_check.slug(found) == "nvidia_h100_80gb_hbm3"
