"""Where CI runs, a skipped test is a failed one; elsewhere it says what it misses."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.structure.packages import TOP

SKIPPING = {
    "inside": "import pytest\ndef test_it(): pytest.skip('not today')\n",
    "mark": "import pytest\n@pytest.mark.skipif(True, reason='not today')\ndef test_it(): pass\n",
    "file": "import pytest\npytest.skip('not today', allow_module_level=True)\n",
    "program": "import pytest\n@pytest.mark.needs('swaks')\ndef test_it(): pass\n",
}
OPTIONS = ("-rs", "-p", "tests.conftest", "-p", "no:cacheprovider", "-c", "pyproject.toml")


@pytest.mark.parametrize("in_ci", [True, False], ids=["in CI", "elsewhere"])
def test_a_skipped_test_fails_in_ci_and_says_elsewhere_what_it_misses(tmp_path: Path, in_ci: bool) -> None:
    for way, source in SKIPPING.items():
        (tmp_path / f"test_{way}.py").write_text(source)
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", *OPTIONS, "--continue-on-collection-errors", tmp_path],
        cwd=TOP,
        env={**os.environ, "CI": "true" if in_ci else "false", "PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "needs swaks; install the package swaks" in ran.stdout, ran.stdout + ran.stderr
    assert ran.stdout.count("nothing may be: ") >= 4 if in_ci else "4 skipped" in ran.stdout
    assert ran.returncode == (1 if in_ci else 0)
