"""Settings that pytest's own configuration cannot express."""

import os

import pytest


def pytest_configure(config: pytest.Config) -> None:
    """Refuse to rewrite golden transcripts where nobody reviews them."""
    if config.option.update_snapshots and os.environ.get("CI"):
        raise pytest.UsageError(
            "--snapshot-update is refused where CI is set: run `make golden`"
            " by hand, and commit the transcripts once you have read them"
        )
