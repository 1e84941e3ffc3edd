"""The compose file's services under podman and runc, started in order, on stand-in images.

podman 4.3, which Debian 12 has, starts no container whose dependency has ended well, and knows no
timers for health checks without systemd. So the file is used without ``depends_on``, in a copy, and the
trial starts the services in the order that those lines ask for and asks for health itself.
"""

import os
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from tests.deployment import stand_ins
from tests.deployment.stand_ins import run
from tests.house.tree import ROOT

PROJECT = "duikou-trial"
HTTPS_PORT = 18443
IMAGE = "localhost/duikou:trial"
_TOOL = "podman-compose==1.6.0"
_ENGINE = """[containers]
default_ulimits = ["nofile=10000:10000", "nproc=10000:10000"]
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
"""


class Services:
    """The compose project in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "installation"
        self.tools = folder / "tools"
        (folder / "containers.conf").write_text(_ENGINE)
        os.environ["CONTAINERS_CONF"] = str(folder / "containers.conf")

    def prepare(self) -> None:
        """Install podman-compose, lay out what an administrator would have, make the secrets."""
        if not (self.tools / "bin" / "podman-compose").exists():
            run("python3", "-m", "venv", str(self.tools))
            run(str(self.tools / "bin" / "pip"), "install", "--quiet", _TOOL)
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        shutil.copytree(ROOT / "deployment", self.folder / "deployment")
        (self.folder / "certificates").mkdir()
        compose: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
        for service in compose["services"].values():
            service.pop("depends_on", None)
            service.pop("build", None)
        (self.folder / "docker-compose.yml").write_text(yaml.safe_dump(compose), encoding="utf-8")
        settings = {
            "DUIKOU_IMAGE": IMAGE,
            "DUIKOU_POSTGRES_IMAGE": stand_ins.POSTGRESQL,
            "DUIKOU_CADDY_IMAGE": stand_ins.CADDY,
            "DUIKOU_SITE": "localhost",
            "DUIKOU_TLS": "internal",
            "DUIKOU_HTTP_PORT": "18080",
            "DUIKOU_HTTPS_PORT": str(HTTPS_PORT),
        }
        (self.folder / ".env").write_text("".join(f"{name}={value}\n" for name, value in settings.items()))
        run("sh", str(self.folder / "deployment" / "new-secrets.sh"))

    def build(self, base: str) -> None:
        """Build the product's own Dockerfile on ``base``."""
        # The image format of Docker: the other one has no place for a health check.
        how = ["--format", "docker", "--layers", "--isolation", "chroot", "--network", "host"]
        run("buildah", "build", *how, "--build-arg", f"BASE={base}", "-t", IMAGE, str(ROOT))

    def compose(self, *arguments: str) -> str:
        """podman-compose in the installation's folder."""
        return run(str(self.tools / "bin" / "podman-compose"), "-p", PROJECT, *arguments, cwd=self.folder)

    def up(self, service: str) -> None:
        """Start one service and no other."""
        self.compose("up", "-d", "--no-deps", service)

    def name(self, service: str) -> str:
        """The service's container."""
        return f"{PROJECT}_{service}_1"

    def inside(self, service: str, *command: str) -> "subprocess.CompletedProcess[str]":
        """Run a command in a service's container."""
        return subprocess.run(
            ["podman", "exec", self.name(service), *command],
            check=False,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
        )

    def healthy(self, service: str) -> bool:
        """Whether the health check that the file or the image declares passes."""
        asked = ["podman", "healthcheck", "run", self.name(service)]
        return subprocess.run(asked, check=False, capture_output=True).returncode == 0

    def inspect(self, service: str, template: str) -> str:
        """A fact about a container."""
        return run("podman", "inspect", "--format", template, self.name(service)).strip()

    def logs(self, service: str) -> str:
        """What the service wrote."""
        done = subprocess.run(["podman", "logs", self.name(service)], check=False, capture_output=True, text=True)
        return done.stdout + done.stderr

    def down(self) -> None:
        """Stop and remove the containers, networks and volumes of this project and of no other."""
        self.compose("down", "-v", "-t", "20")


def wait(what: str, true: Callable[[], bool], seconds: float = 300) -> None:
    """Ask again until it is so; raises TimeoutError that names it."""
    deadline = time.monotonic() + seconds
    while not true():
        if time.monotonic() > deadline:
            raise TimeoutError(what)
        time.sleep(0.5)
