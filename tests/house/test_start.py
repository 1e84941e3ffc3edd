"""What a start loads: the server waits for nothing that no request of its own asks for."""

import json
import subprocess
import sys

from tests.house.tree import ROOT, files

# What only a command, the worker, a reading process or an installation with that setting needs.
ELSEWHERE = {
    "alembic": "duikou migrate",
    "app.migrating": "duikou migrate, backups",
    "app.papers.plans": "the process that reads one plan",
    "app.services.work": "the worker",
    "charset_normalizer": "the process that reads one plan",
    "httpx": "sign-in at a provider",
    "joserfc": "sign-in at a provider",
    "lxml": "the process that reads one plan",
    "pypdf": "the process that reads one plan",
    "rich": "nobody",
}


def _python(*lines: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", "\n".join(lines)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def test_the_server_loads_nothing_that_others_need() -> None:
    said = _python("import json, sys, app.cli.serving, app.main", "print(json.dumps(list(sys.modules)))")
    assert sorted(set(ELSEWHERE) & set(json.loads(said))) == []


def test_the_help_loads_no_command() -> None:
    said = _python("import json, sys, app.cli", "print(json.dumps(list(sys.modules)))")
    assert sorted({"fastapi", "sqlalchemy", "app.models"} & set(json.loads(said))) == []


def test_every_module_can_be_loaded() -> None:
    """What is loaded late shows its mistakes late; here it shows them."""
    parts = [path.relative_to(ROOT).with_suffix("").parts for path in files(".py", under=("app",))]
    names = sorted(".".join(part for part in path if part != "__init__") for path in parts if path[-1] != "__main__")
    assert len(names) > 300
    _python("from importlib import import_module", f"for name in {names!r}: import_module(name)")
