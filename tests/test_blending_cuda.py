"""CUDA kernels: correct in numba's simulator, and compiled to PTX for the cards in use, both without a GPU."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("numba_cuda") is None, reason="numba-cuda is not installed (extra `cuda`)"
)


def _run(script: str, *arguments: str, **environment: str) -> str:
    paths = os.pathsep.join([str(HERE), str(HERE.parent)])
    ran = subprocess.run(
        [sys.executable, str(HERE / script), *arguments],
        env={**os.environ, "PYTHONPATH": paths, **environment},
        capture_output=True,
        text=True,
        timeout=880,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


@pytest.mark.timeout(900)  # the simulator runs every GPU thread in Python
def test_simulated_kernels_match_the_exact_solution() -> None:
    assert _run("cudacheck.py", NUMBA_ENABLE_CUDASIM="1").count("membrane") == 4


ELSEWHERE = pytest.mark.release  # the same code for other cards; compiling takes ten seconds each


@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    "capability", [pytest.param("8.0", marks=ELSEWHERE), pytest.param("8.9", marks=ELSEWHERE), "9.0"]
)
def test_every_kernel_compiles_to_ptx(capability: str) -> None:
    told = _run("ptxcheck.py", capability)
    assert {"composite", "warp", "over", "lay", "move"} <= {line.split()[0] for line in told.splitlines()}
