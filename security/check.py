"""``python -m security.check [EXPORT ...]``: is anything that is locked known to be vulnerable?

Three sources, and what each of them was asked is said in so many words: the kept list
(``advisories.json``), exports of OSV that are given by path, and pip-audit, which needs the network. A
source that was not reached has found nothing and is said to have been asked nothing. Exit code 1: a
known advisory affects what is locked.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

from security import advisories
from security.advisories import Collection, Component, UnreadableAdvisories
from security.parts import ROOT, vendored

KEPT = Path(__file__).resolve().parent / "advisories.json"
LOCKS = (ROOT / "requirements.lock", ROOT / "requirements-dev.lock")
OLD_DAYS = 60
_PATIENCE = 120


@dataclass(frozen=True, slots=True)
class Finding:
    """An advisory that affects something."""

    component: Component
    id: str
    summary: str


@dataclass(frozen=True, slots=True)
class Asked:
    """What pip-audit answered: how many packages it could ask about, and what it found."""

    asked: int
    findings: tuple[Finding, ...]
    trouble: str = ""


def compare(components: Sequence[Component], collection: Collection, today: date) -> list[Finding]:
    """What a collection says against the components, without what is accepted until a later day."""
    waived = {
        (entry["id"], entry["package"])
        for entry in collection.accepted
        if date.fromisoformat(entry["until"]) >= today and entry["reason"]
    }
    return [
        Finding(component, advisory.id, advisory.summary)
        for component in components
        for advisory in collection.advisories
        if advisory.hits(component) and (advisory.id, component.name) not in waived
    ]


def ask(components: Sequence[Component], command: Sequence[str] | None = None) -> Asked:
    """Ask pip-audit about the packages of PyPI; a package that it skips was not asked about."""
    rounds: list[dict[str, str]] = []
    for one in components:
        if one.ecosystem == "PyPI":
            # A lock for several Pythons may pin two versions of a package, and pip-audit takes one at a time.
            free = next((names for names in rounds if one.name not in names), None)
            if free is None:
                rounds.append(free := {})
            free[one.name] = one.version
    total = Asked(0, ())
    for names in rounds:
        done = _ask_once(names, command or (sys.executable, "-m", "pip_audit", "--timeout", "5"))
        total = Asked(total.asked + done.asked, total.findings + done.findings, total.trouble or done.trouble)
    return total


def _ask_once(names: dict[str, str], command: Sequence[str]) -> Asked:
    with tempfile.TemporaryDirectory() as folder:
        listed = Path(folder) / "packages.txt"
        listed.write_text("".join(f"{name}=={version}\n" for name, version in names.items()), encoding="utf-8")
        options = ["-r", str(listed), "--disable-pip", "--no-deps", "-f", "json", "--progress-spinner", "off"]
        try:
            done = subprocess.run([*command, *options], capture_output=True, text=True, timeout=_PATIENCE, check=False)
            answers = json.loads(done.stdout)["dependencies"]
        except subprocess.TimeoutExpired:
            return Asked(0, (), f"no answer within {_PATIENCE} seconds")
        except (ValueError, KeyError, TypeError):
            return Asked(0, (), "no answer that can be read")
    told = [answer for answer in answers if "skip_reason" not in answer]
    findings = tuple(
        Finding(Component("PyPI", answer["name"], answer["version"]), found["id"], found.get("description", "")[:120])
        for answer in told
        for found in answer.get("vulns", ())
    )
    return Asked(len(told), findings)


def report(components: Sequence[Component], collections: Sequence[Collection], asked: Asked, today: date) -> int:
    """Say what was compared and what was found; 1 where something is affected."""
    findings: dict[tuple[Component, str], str] = {}
    print(f"Advisories: {len(components)} components are locked or vendored.")
    for collection in collections:
        found = compare(components, collection, today)
        findings |= {(one.component, one.id): one.summary for one in found}
        spoken = {package for advisory in collection.advisories for package in advisory.packages}
        known = len([one for one in components if (one.ecosystem, one.name) in spoken])
        age = (today - collection.collected_on).days
        print(
            f"  {collection.source}, of {collection.collected_on.isoformat()} ({age} days old): "
            f"{len(collection.advisories)} advisories, which speak of {known} of the components; "
            f"{len(found)} affect them."
        )
        if age > OLD_DAYS:
            print(f"    It is older than {OLD_DAYS} days: what became known since is not in it.")
        for entry in collection.accepted:
            print(f"    Accepted until {entry['until']}: {entry['id']} in {entry['package']} ({entry['reason']})")
    packages = len([one for one in components if one.ecosystem == "PyPI"])
    if asked.asked:
        print(f"  pip-audit: asked about {asked.asked} of {packages} packages; {len(asked.findings)} advisories.")
    if asked.asked < packages:
        why = f" ({asked.trouble})" if asked.trouble else ""
        print(
            f"  pip-audit: {packages - asked.asked} of {packages} packages were NOT checked: source not reached{why}."
        )
    findings |= {(one.component, one.id): one.summary for one in asked.findings}
    for (component, name), summary in sorted(findings.items()):
        print(f"AFFECTED  {component.name} {component.version}: {name} {summary}")
    return 1 if findings else 0


def main(arguments: list[str]) -> int:
    """Compare and report; 0, 1 for a finding, 2 for a source that cannot be read."""
    components = sorted(
        {component for lock in LOCKS for component in advisories.locked(lock)} | {part.component for part in vendored()}
    )
    try:
        collections = [advisories.read(path) for path in (KEPT, *(Path(text) for text in arguments))]
    except UnreadableAdvisories as trouble:
        print(f"These advisories cannot be read: {trouble}", file=sys.stderr)
        return 2
    return report(components, collections, ask(components), datetime.now(UTC).date())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
