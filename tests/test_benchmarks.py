"""The benchmarks run, on a small sample and without the peers; how fast they are is asserted nowhere."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def test_our_ways_give_the_same_figures_on_a_small_sample() -> None:
    script = [sys.executable, str(ROOT / "benchmarks" / "peers.py"), "--rows", "12000", "--quick"]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(script, check=False, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    assert "12,000 respondents, 6,000 PSUs in 240 strata" in done.stdout
    assert "(c) the same and 20 Rao-Wu replicates" in done.stdout
    assert "largest relative difference of estimates and standard errors" in done.stdout


def test_every_benchmark_has_its_paragraph() -> None:
    described = (ROOT / "benchmarks" / "README.md").read_text(encoding="utf-8")
    scripts = [path.name for path in (ROOT / "benchmarks").glob("*.py")]
    assert scripts
    assert [name for name in scripts if f"## {name}: " not in described] == []
