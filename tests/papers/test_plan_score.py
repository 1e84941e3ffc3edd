"""The plan reader against real plans read by hand, with the scorer that stands beside them."""

import subprocess
import sys
from pathlib import Path

from tests.papers.plan_files import shared_plans

FLOORS = "0.98,0.99,0.97,0.97,0.8,2.5"


def test_reaches_the_floors_on_the_plans_read_by_hand() -> None:
    folder = shared_plans()
    root = Path(__file__).resolve().parents[2]
    command = [sys.executable, str(folder / "score.py"), "--floor", FLOORS, str(folder), "--"]
    done = subprocess.run(
        [*command, sys.executable, "-m", "app.papers.plans"], cwd=root, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    head, steps = done.stdout.splitlines()[-1].split()[-2:]
    assert (head, steps) == ("1.000", "1.000"), done.stdout
