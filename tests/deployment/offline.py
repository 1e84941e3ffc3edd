"""The offline bundle: made, unpacked and installed where there is no network at all, and served from."""

import os
import shutil
import subprocess
from pathlib import Path

from tests.deployment.stand_ins import run
from tests.house.tree import ROOT

# In a network of its own, in which only the loopback is up: what is not in the bundle cannot be had.
_INSIDE = """
set -eu
ip link set lo up
cd {folder}
tar -xf {bundle}
env -i PATH="$PATH" LANG=C.UTF-8 sh {name}/install.sh {prefix}
export DUIKOU_DATA={folder}/data DUIKOU_SECRET_KEY=$(head -c 32 /dev/urandom | base64) DUIKOU_PORT=8123
{prefix}/.venv/bin/duikou migrate
{prefix}/.venv/bin/duikou user first-run >/dev/null
{prefix}/.venv/bin/duikou serve >{folder}/log 2>&1 &
server=$!
for _ in $(seq 100); do
    {prefix}/.venv/bin/python - <<'PYTHON' && break || sleep 0.3
import http.client, sys
connection = http.client.HTTPConnection("127.0.0.1", 8123, timeout=5)
try:
    connection.request("GET", "/readyz")
    sys.exit(connection.getresponse().read() != b"ready\\n")
except OSError:
    sys.exit(1)
PYTHON
done
{prefix}/.venv/bin/python -c "import urllib.request as u; print(u.urlopen('http://127.0.0.1:8123/sign-in').status)"
kill $server
wait $server || true
"""


def try_bundle(folder: Path) -> str:
    """Make the bundle in ``folder`` and serve from it without a network; what the bundle is called."""
    out, place = folder / "dist", folder / "offline"
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    environment = {**os.environ, "BUNDLE_IMAGES": os.environ.get("BUNDLE_IMAGES", "none")}
    said = run(str(ROOT / "deployment" / "bundle.sh"), str(out), env=environment)
    bundle = next(out.glob("*.tar"))
    script = _INSIDE.format(folder=place, bundle=bundle, name=bundle.stem, prefix=place / "duikou")
    done = subprocess.run(["unshare", "--net", "bash", "-c", script], check=False, capture_output=True, text=True)
    if done.returncode or not done.stdout.rstrip().endswith("200"):
        raise SystemExit(f"{done.stdout}\n{done.stderr}")
    return said.strip().splitlines()[-1]
