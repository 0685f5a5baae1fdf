"""Settings of all tests: the same examples in every run, no deadline a slow machine could miss, a home of their own."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from reenact.config import VerifyConfig
from reenact.provenance.bounded import Bounded

settings.register_profile("always the same", derandomize=True, deadline=None)
settings.load_profile("always the same")


@pytest.fixture(scope="session", autouse=True)
def _home(tmp_path_factory: pytest.TempPathFactory):
    """What is rendered is signed: no test may do so with the identity of whoever runs it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("REENACT_HOME", str(tmp_path_factory.mktemp("home")))
        yield


@pytest.fixture
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """For tests that look at what is in it: a home of their own each."""
    home = tmp_path / "home"
    monkeypatch.setenv("REENACT_HOME", str(home))
    return home


@pytest.fixture(scope="module")
def bounded() -> Iterator[Bounded]:
    """One examining process for all of a module's files."""
    with Bounded(VerifyConfig(frames=2)) as process:
        yield process
