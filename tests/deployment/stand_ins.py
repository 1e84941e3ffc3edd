"""Images that stand in for the official ones where no registry of images can be reached.

Made from Debian's own packages: a minimal system with Python; the same with PostgreSQL 15 and an entry
point that does what the compose file asks of the official image; the same with Caddy. What runs on
them proves the product's Dockerfile and compose file, and nothing about the official images.
"""

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

PYTHON = "localhost/stand-in/python:bookworm"
POSTGRESQL = "localhost/stand-in/postgresql:15"
CADDY = "localhost/stand-in/caddy:2.6"
_SUITE = "bookworm"
_BASE_PACKAGES = "python3,python3-venv,ca-certificates"
_ENTRY = """#!/bin/bash
set -euo pipefail
export PATH=/usr/lib/postgresql/15/bin:$PATH
if [ "$(id -u)" = 0 ]; then
    mkdir -p "$PGDATA" /run/postgresql
    chown postgres:postgres "$PGDATA" /run/postgresql
    chmod 0700 "$PGDATA"
    exec setpriv --reuid postgres --regid postgres --clear-groups "$0" "$@"
fi
if [ ! -s "$PGDATA/PG_VERSION" ]; then
    eval "initdb -D '$PGDATA' -U postgres --pwfile=$POSTGRES_PASSWORD_FILE ${POSTGRES_INITDB_ARGS:-}"
    echo 'host all all all scram-sha-256' >>"$PGDATA/pg_hba.conf"
    pg_ctl -D "$PGDATA" -w -o "-c listen_addresses=''" start
    for script in /docker-entrypoint-initdb.d/*.sh; do [ -e "$script" ] && bash "$script"; done
    pg_ctl -D "$PGDATA" -w -m fast stop
fi
exec "$@" -c listen_addresses='*'
"""


def run(*command: str, **options: object) -> str:
    """Run a command; its output, or a CalledProcessError after what it said was printed."""
    done = subprocess.run(command, check=False, capture_output=True, text=True, stdin=subprocess.DEVNULL, **options)  # type: ignore[call-overload]
    if done.returncode:
        print(done.stdout[-4000:], done.stderr[-4000:], sep="\n")
        done.check_returncode()
    return str(done.stdout)


def exists(image: str) -> bool:
    """Whether the image was made before."""
    return subprocess.run(["buildah", "inspect", image], check=False, capture_output=True).returncode == 0


def make(folder: Path) -> None:
    """Make the images that are missing; ``folder`` keeps the system they are made of (300 MB)."""
    root = folder / "rootfs"
    if not (root / "etc" / "debian_version").exists():
        shutil.rmtree(root, ignore_errors=True)
        run("debootstrap", "--variant=minbase", f"--include={_BASE_PACKAGES}", _SUITE, str(root))
    if not exists(PYTHON):
        _lend_trust(root)
        container = run("buildah", "from", "scratch").strip()
        run("buildah", "add", "--quiet", container, str(root), "/")
        _commit(container, PYTHON, [])
    if not exists(POSTGRESQL):
        entry = folder / "postgresql-entry.sh"
        entry.write_text(_ENTRY)
        entry.chmod(0o755)
        container = _with_packages("postgresql-15")
        run("buildah", "copy", "--quiet", container, str(entry), "/usr/local/bin/postgresql-entry.sh")
        run("buildah", "run", "--isolation", "chroot", container, "--", "rm", "-rf", "/var/lib/postgresql/15")
        settings = ["--entrypoint", '["postgresql-entry.sh"]', "--cmd", "postgres"]
        _commit(container, POSTGRESQL, [*settings, "--env", "PGDATA=/var/lib/postgresql/data"])
    if not exists(CADDY):
        settings = ["--cmd", "caddy run --config /etc/caddy/Caddyfile --adapter caddyfile"]
        places = ["--env", "XDG_DATA_HOME=/data", "--env", "XDG_CONFIG_HOME=/config"]
        _commit(_with_packages("caddy"), CADDY, [*settings, *places])


def _with_packages(*packages: str) -> str:
    """A container on the Python stand-in with more of Debian in it; its name."""
    container = run("buildah", "from", PYTHON).strip()
    inside = ["buildah", "run", "--isolation", "chroot", "--network", "host", container, "--"]
    quiet = ["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-q", "-y"]
    run(*inside, *quiet, "update")
    run(*inside, *quiet, "install", "--no-install-recommends", *packages)
    return container


def _commit(container: str, image: str, settings: Sequence[str]) -> None:
    run("buildah", "config", *settings, container)
    run("buildah", "commit", "--quiet", "--rm", container, image)


def _lend_trust(root: Path) -> None:
    """Give the system this machine's certificates and index: where packages come from is the machine's affair."""
    bundle = Path("/etc/ssl/certs/ca-certificates.crt")
    if bundle.exists():
        shutil.copy(bundle, root / bundle.relative_to("/"))
    lines = ["[global]", f"cert = {bundle}"]
    index = os.environ.get("PIP_INDEX_URL")
    lines += [f"index-url = {index}"] if index else []
    (root / "etc" / "pip.conf").write_text("\n".join(lines) + "\n")
