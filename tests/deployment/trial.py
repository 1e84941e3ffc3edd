"""The trial: build the image, start the services, use them, break them, take them down. Prints each fact.

``make trial`` as root on Debian 12. Needs debootstrap, buildah, podman, runc, netavark, aardvark-dns and
iptables, about 2 GB in TRIAL (default /var/tmp/duikou-trial), and a package index for pip and apt.
"""

import os
import re
import shutil
import ssl
import sys
import threading
import time
from pathlib import Path

import httpx

from tests.deployment import stand_ins
from tests.deployment.compose import HTTPS_PORT, PROJECT, Services, wait
from tests.deployment.offline import try_bundle
from tests.deployment.stand_ins import run

FOLDER = Path(os.environ.get("TRIAL", "/var/tmp/duikou-trial"))
ADDRESS = f"https://localhost:{HTTPS_PORT}"
NEEDED = ("debootstrap", "buildah", "podman", "runc", "iptables")
# Tried as the application's role; each has to fail for want of a right.
CLOSED = (
    "ALTER TABLE tasks ADD COLUMN x integer",
    "ALTER TABLE events DISABLE TRIGGER ALL",
    "DROP TRIGGER events_no_change ON events",
    "UPDATE events SET reason = 'x'",
    "DELETE FROM events",
    "TRUNCATE events",
    "CREATE TABLE x (x integer)",
    "CREATE TEMPORARY TABLE events (x integer)",
)
OPERATIONS = {
    "seals as duikou_app": ("audit", "seal"),
    "verifies as duikou_app": ("audit", "verify"),
    "backs up as duikou_app": ("backup", "make"),
}
_ASK = """
import os, psycopg
password = open('/run/secrets/app_password').read()
for statement in {statements!r}:
    with psycopg.connect('postgresql://duikou_app@db/duikou', password=password) as connection:
        try:
            connection.execute(statement)
            print('ALLOWED', statement)
        except psycopg.errors.InsufficientPrivilege:
            pass
"""


def fact(text: str, holds: bool) -> None:
    """Print what was seen, and stop where it is not so."""
    print(("ok    " if holds else "WRONG ") + text, flush=True)
    if not holds:
        raise SystemExit(1)


def start(services: Services) -> dict[str, str]:
    """Start everything in order; the administrators' first passwords, by login."""
    services.up("db")
    wait("the database is healthy", lambda: services.healthy("db"))
    fact("db: healthy, by the health check of the compose file", True)
    services.up("migrate")
    wait("migrate ends", lambda: services.inspect("migrate", "{{.State.Status}}") == "exited")
    fact("migrate: ended with 0 as duikou_owner", services.inspect("migrate", "{{.State.ExitCode}}") == "0")
    for service in ("app-1", "app-2"):
        services.up(service)
        wait(f"{service} is healthy", lambda service=service: services.healthy(service))
    fact("app-1 and app-2: healthy, by the health check of the image", True)
    said = services.inside("app-1", "duikou", "user", "first-run")
    passwords = dict(re.findall(r"^(\w+)\t(\S+)$", said.stdout, re.MULTILINE))
    fact("first run: three administrators", set(passwords) == {"system", "security", "audit"})
    for service in ("worker", "proxy"):
        services.up(service)
    return passwords


def client_of(services: Services) -> httpx.Client:
    """A browser that trusts the proxy's own authority, once the proxy answers."""
    root = "/data/caddy/pki/authorities/local/root.crt"
    wait("the proxy has made its authority", lambda: services.inside("proxy", "cat", root).returncode == 0)
    trust = ssl.create_default_context(cadata=services.inside("proxy", "cat", root).stdout)
    client = httpx.Client(base_url=ADDRESS, verify=trust, trust_env=False, timeout=20)

    def answers() -> bool:
        try:
            return client.get("/sign-in").status_code == 200
        except httpx.TransportError:
            return False

    wait("the proxy answers", answers)
    return client


def sign_in(client: httpx.Client, password: str, new: str) -> None:
    """Sign in through the proxy, choose a password, and ask who was seen from where."""
    page = client.get("/sign-in")
    fact("TLS: the page of the sign-in, certificate verified", page.status_code == 200)
    fact(
        "headers: HSTS and a content security policy, no server named",
        "strict-transport-security" in page.headers
        and "content-security-policy" in page.headers
        and "server" not in page.headers,
    )
    spoofed = {"X-Forwarded-For": "203.0.113.9", "Origin": ADDRESS}
    answer = client.post("/sign-in", data={"login": "system", "password": password}, headers=spoofed)
    fact("sign-in through the proxy", answer.status_code == 303)
    cookie = answer.headers["set-cookie"]
    fact("cookie: __Host-, Secure, HttpOnly", cookie.startswith("__Host-session=") and "Secure" in cookie)
    form = client.get("/password")
    token = re.search(r'name="csrf" value="([^"]+)"', form.text)
    assert token is not None
    data = {"csrf": token[1], "password": password, "new_password": new, "repeat_password": new}
    answer = client.post("/password", data=data, headers={"Origin": ADDRESS})
    fact("a password of one's own", answer.status_code == 303)
    seen = client.get("/sessions").text
    fact("the caller's address: not what the caller claims", "203.0.113.9" not in seen)
    fact("the caller's address: not the proxy's", "172.31.250.2" not in seen)
    fact("/readyz is for the inside", client.get("/readyz").status_code == 404)


def confined(services: Services) -> None:
    """What a container may not do."""
    for service in ("app-1", "worker"):
        fact(f"{service}: not root", services.inside(service, "id", "-u").stdout.strip() == "10001")
        fact(
            f"{service}: its root cannot be written", services.inside(service, "touch", "/opt/duikou/x").returncode != 0
        )
    fact("app-1: the folder for files can", services.inside("app-1", "touch", "/var/lib/duikou/x").returncode == 0)
    secret = (services.folder / "secrets" / "secret_key").read_text()
    shown = services.inspect("app-1", "{{.Config.Env}}") + run(
        "podman", "history", "--no-trunc", "localhost/duikou:trial"
    )
    fact("no secret in the environment or the image", secret not in shown)
    owner = services.inside("app-1", "cat", "/run/secrets/owner_password")
    fact("app-1 is not given the owner's password", owner.returncode != 0)
    host = services.inside("app-1", "getent", "hosts", "db").stdout.split()[0]
    for target in ("db", host):
        reached = services.inside("proxy", "timeout", "3", "bash", "-c", f"</dev/tcp/{target}/5432")
        fact(
            f"the proxy does not reach the database ({'by name' if target == 'db' else 'by address'})",
            reached.returncode != 0,
        )
    said = services.inside("app-1", "/opt/duikou/.venv/bin/python", "-c", _ASK.format(statements=CLOSED))
    fact("duikou_app can change no table, trigger or event", (said.returncode, said.stdout) == (0, ""))


def operates(services: Services) -> None:
    """The worker works, and what it and its administrator do every day is possible with the application's role."""
    fact("worker: runs", services.inspect("worker", "{{.State.Status}} {{.RestartCount}}") == "running 0")
    for what, command in OPERATIONS.items():
        done = services.inside("worker", "duikou", *command)
        fact(f"{what}: {' '.join(done.stdout.split())[:110]}", done.returncode == 0)
    logged = services.inside("app-1", "sh", "-c", "cat /var/log/duikou/*").stdout
    fact("requests are logged in the volume that lasts", '"route":"sessions.' in logged)


def survives(services: Services, client: httpx.Client) -> None:
    """One replica killed while somebody works; the database gone and back."""
    stop, seen = threading.Event(), []

    def ask() -> None:
        while not stop.is_set():
            seen.append(client.get("/").status_code)

    asking = threading.Thread(target=ask)
    asking.start()
    wait("somebody works", lambda: len(seen) > 10)
    run("podman", "kill", "--signal", "KILL", services.name("app-1"))
    before = len(seen)
    wait("somebody goes on working", lambda: len(seen) > before + 60)
    stop.set()
    asking.join()
    fact(f"app-1 killed: {len(seen)} pages of one session, all 200", set(seen) == {200})
    run("podman", "stop", "-t", "20", services.name("db"))
    answer = client.get("/api/v1/me")
    told = (answer.status_code, answer.json()["code"])
    fact(f"database stopped: {told[0]} {told[1]}, from the product itself", told == (503, "store_unavailable"))
    run("podman", "start", services.name("db"))
    began = time.monotonic()
    wait("the product is back", lambda: client.get("/").status_code == 200)
    fact(f"database back: the session goes on ({time.monotonic() - began:.0f} s after its start)", True)


def main() -> int:
    """The whole trial; --keep leaves the services up, --images makes the stand-in images anew."""
    lacking = [tool for tool in NEEDED if shutil.which(tool) is None]
    if os.geteuid() or lacking:
        print(f"The trial needs root on Debian, and: {', '.join(lacking) or 'nothing else'}.")
        return 1
    FOLDER.mkdir(parents=True, exist_ok=True)
    stand_ins.make(FOLDER)
    services = Services(FOLDER)
    services.prepare()
    fact("podman-compose reads the compose file", "app-2" in services.compose("config"))
    services.build(stand_ins.PYTHON)
    fact("buildah built the Dockerfile", True)
    fact(f"offline bundle: {try_bundle(FOLDER)}; installed and served without a network", True)
    try:
        passwords = start(services)
        client = client_of(services)
        sign_in(client, passwords["system"], "a-long-Password-2026")
        confined(services)
        operates(services)
        survives(services, client)
    except TimeoutError:
        for service in ("db", "migrate", "app-1", "worker", "proxy"):
            print(f"--- {service}\n{services.logs(service)[-1500:]}")
        raise
    finally:
        if "--keep" not in sys.argv:
            services.down()
    fact("down, with its volumes", PROJECT not in run("podman", "ps", "-a", "--format", "{{.Names}}"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
