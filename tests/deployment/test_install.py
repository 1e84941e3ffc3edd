"""Installing from a bundle: only what it was when it was made, or nothing. The whole of it is in ``make trial``."""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.house.tree import ROOT


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """A bundle with its checksums, and with nothing in it that could be installed."""
    folder = tmp_path / "bundle"
    (folder / "source").mkdir(parents=True)
    (folder / "wheels").mkdir()
    shutil.copy(ROOT / "deployment" / "install.sh", folder / "install.sh")
    (folder / "source" / "requirements.lock").write_text("no-such-package==1 --hash=sha256:" + "0" * 64 + "\n")
    files = [path for path in folder.rglob("*") if path.is_file()]
    lines = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  ./{path.relative_to(folder)}\n" for path in files]
    (folder / "SHA256SUMS").write_text("".join(lines))
    return folder


def _install(bundle: Path, python: str = sys.executable) -> tuple[int, str, Path]:
    prefix = bundle.parent / "duikou"
    done = subprocess.run(
        ["sh", str(bundle / "install.sh"), str(prefix)],
        env={**os.environ, "PYTHON": python},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    return done.returncode, done.stderr, prefix


def test_a_changed_byte_is_named_and_nothing_installed(bundle: Path) -> None:
    (bundle / "source" / "requirements.lock").write_text("other==1\n")
    code, said, prefix = _install(bundle)
    assert code == 1
    assert "Nothing was installed" in said
    assert not prefix.exists()


def test_a_file_too_many_is_refused(bundle: Path) -> None:
    (bundle / "wheels" / "slipped-in.whl").write_text("x")
    code, said, prefix = _install(bundle)
    assert (code, "Nothing was installed" in said, prefix.exists()) == (1, True, False)


def test_a_failure_leaves_what_was_there(bundle: Path) -> None:
    """Python's venv module is missing, which Debian has in a package of its own."""
    lame = bundle.parent / "lame-python"
    lame.write_text(f'#!/bin/sh\n[ "$2" != venv ] || exit 1\nexec {sys.executable} "$@"\n')
    lame.chmod(0o755)
    prefix = bundle.parent / "duikou"
    prefix.mkdir()
    (prefix / "mine").write_text("before")
    code, said, _ = _install(bundle, str(lame))
    assert code != 0
    assert "is there again" in said
    assert (prefix / "mine").read_text() == "before"
