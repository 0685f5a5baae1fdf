"""Settings of all tests: the same examples in every run, no deadline a slow machine could miss, a home of their own."""

import pytest
from hypothesis import settings

settings.register_profile("always the same", derandomize=True, deadline=None)
settings.load_profile("always the same")


@pytest.fixture(scope="session", autouse=True)
def _home(tmp_path_factory: pytest.TempPathFactory):
    """What is rendered is signed: no test may do so with the identity of whoever runs it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("REENACT_HOME", str(tmp_path_factory.mktemp("home")))
        yield
