"""Real small disks, for tests of what happens where one is full."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def small(folder: Path, size: int, owner: int = 0) -> Iterator[bool]:
    """A disk of ``size`` bytes at ``folder``, empty at first; False where none may be mounted, as without root.

    ``owner`` is the number of the account that it belongs to.
    """
    folder.mkdir(parents=True, exist_ok=True)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size},mode=0700,uid={owner}", "tmpfs", str(folder)]
    mounted = subprocess.run(mount, capture_output=True, check=False).returncode == 0
    try:
        yield mounted
    finally:
        if mounted:
            subprocess.run(["umount", str(folder)], check=True)
