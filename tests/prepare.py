"""What the tests need beside Python: installed where that is ours to do, named where it is not.

As root on Debian the packages come by apt. Elsewhere the tests that need them skip and say so;
under CI=true a skip is a failure (``tests/conftest.py``).
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from tests import postgresql

_FONTS = ("/usr/share/fonts", "/usr/local/share/fonts", str(Path.home() / ".local/share/fonts"))


def chromium() -> str | None:
    """The system's Chromium; playwright's own download is not asked for."""
    return shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


def _has_chinese_font() -> bool:
    return any(next(Path(folder).rglob("*CJK*"), None) for folder in _FONTS if Path(folder).is_dir())


# Debian's package > whether what it brings is there already.
NEEDED: dict[str, Callable[[], bool]] = {
    "caddy": lambda: shutil.which("caddy") is not None,
    "chromium": lambda: chromium() is not None,
    "fonts-noto-cjk": _has_chinese_font,
    "postgresql": lambda: postgresql.binaries() is not None,
}


def lacking() -> list[str]:
    """The packages of which nothing is found here."""
    return [package for package, present in NEEDED.items() if not present()]


def main() -> int:
    """Install what is lacking, or name it; 0 unless an installation that was tried has failed."""
    packages = lacking()
    if not packages:
        return 0
    if not (os.geteuid() == 0 and Path("/etc/debian_version").exists() and shutil.which("apt-get")):
        print(f"Missing: {', '.join(packages)} (Debian's names). The tests that need them are skipped.")
        return 0
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (
        ["apt-get", "update", "-q"],
        ["apt-get", "install", "-q", "-y", "--no-install-recommends", *packages],
    ):
        done = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, check=False, capture_output=True)
        if done.returncode:
            print(f"{' '.join(command)} failed:\n{done.stderr.decode(errors='replace')}", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
