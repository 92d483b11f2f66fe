"""Great Expectations, where it is imported."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
_PROGRAM = """
from quality.validate import warm_up
warm_up().join()
import great_expectations
print("imported")
"""


@pytest.mark.spark
def test_gx_is_imported_beside_spark_by_a_program_that_is_no_file() -> None:
    pytest.importorskip("pyspark")
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.stdout == "imported\n", done.stderr
