"""``python -m security.bill [FILE]``: the bill of materials (CycloneDX) of what the product runs with.

cyclonedx-py makes it from the lock; the vendored files are added, and addresses of registries are left
out, because an installation gets its packages from wherever its pip does.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from security.parts import ROOT, vendored

LOCK = ROOT / "requirements.lock"
DEFAULT = ROOT / "build" / "sbom.json"


def make() -> dict[str, Any]:
    """The bill as JSON."""
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder) / "bill.json"
        command = [sys.executable, "-m", "cyclonedx_py", "requirements", str(LOCK), "--output-reproducible"]
        command += ["--pyproject", str(ROOT / "pyproject.toml"), "--short-PURLs", "--of", "JSON", "-o", str(made)]
        subprocess.run(command, check=True, capture_output=True)
        bill: dict[str, Any] = json.loads(made.read_text(encoding="utf-8"))
    for component in bill["components"]:
        references = component.pop("externalReferences", [])
        hashes = sorted({entry["content"] for reference in references for entry in reference.get("hashes", [])})
        component["properties"] = [{"name": "duikou:sha256-of-a-file", "value": value} for value in hashes]
        component.pop("description", None)
    bill["components"] += [
        {
            "bom-ref": part.path,
            "type": "library",
            "name": part.component.name,
            "version": part.component.version,
            "purl": f"pkg:npm/{part.component.name}@{part.component.version}",
            "licenses": [{"license": {"id": part.licence}}],
            "hashes": [{"alg": "SHA-256", "content": part.sha256}],
            "properties": [{"name": "duikou:path", "value": part.path}],
        }
        for part in vendored()
    ]
    return bill


def main(arguments: list[str]) -> int:
    """Write the bill and say where; 0."""
    path = Path(arguments[0]) if arguments else DEFAULT
    path.parent.mkdir(parents=True, exist_ok=True)
    bill = make()
    path.write_text(json.dumps(bill, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    print(f"{path}: {len(bill['components'])} components")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
