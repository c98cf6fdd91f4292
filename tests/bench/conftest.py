"""Let the tests import the items' scripts as the benchmarks do."""

import benchmarks  # noqa: F401
