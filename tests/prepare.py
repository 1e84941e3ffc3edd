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

from tests import openid_provider, postgresql

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
    "nodejs": lambda: shutil.which("node") is not None,
    "npm": lambda: shutil.which("npm") is not None,
    "postgresql": lambda: postgresql.binaries() is not None,
}


def install_provider() -> int:
    """Install the OpenID provider of the tests from its lock, where npm is; 0 unless that was tried and failed."""
    npm = shutil.which("npm")
    if npm is None or openid_provider.node() is not None:
        return 0
    command = [npm, "ci", "--no-audit", "--no-fund", "--ignore-scripts"]
    return _run(command, openid_provider.FOLDER)


def _run(command: list[str], folder: Path | None = None) -> int:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    done = subprocess.run(
        command, env=environment, stdin=subprocess.DEVNULL, check=False, capture_output=True, cwd=folder
    )
    if done.returncode:
        print(f"{' '.join(command)} failed:\n{done.stderr.decode(errors='replace')}", file=sys.stderr)
    return done.returncode


def lacking() -> list[str]:
    """The packages of which nothing is found here."""
    return [package for package, present in NEEDED.items() if not present()]


def main() -> int:
    """Install what is lacking, or name it; 0 unless an installation that was tried has failed."""
    packages = lacking()
    if packages and not (os.geteuid() == 0 and Path("/etc/debian_version").exists() and shutil.which("apt-get")):
        print(f"Missing: {', '.join(packages)} (Debian's names). The tests that need them are skipped.")
    elif packages:
        for command in (
            ["apt-get", "update", "-q"],
            ["apt-get", "install", "-q", "-y", "--no-install-recommends", *packages],
        ):
            if _run(command):
                return 1
    return 1 if install_provider() else 0


if __name__ == "__main__":
    sys.exit(main())
