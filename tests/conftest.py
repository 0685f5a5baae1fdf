"""Settings of all tests: the same examples in every run, and no deadline that a slow machine could miss."""

from hypothesis import settings

settings.register_profile("always the same", derandomize=True, deadline=None)
settings.load_profile("always the same")
