"""What every room's tests may need of the machine."""

import os

import pytest

from benchmarks.redis_server import is_installed


@pytest.fixture(scope="session")
def redis_installed() -> None:
    """Skips without redis-server, and says so; in CI nothing of this may be skipped."""
    if not is_installed():
        if os.environ.get("CI"):
            pytest.fail("redis-server is not installed: apt-get install redis-server")
        pytest.skip("redis-server is not installed (apt-get install redis-server)")
