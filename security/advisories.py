"""Advisories in the form of OSV, held against what is locked.

A file may be ours (``advisories.json``: a list, with the day on which it was put together), one OSV
record, a folder of them, or the zip that OSV exports for an ecosystem. Nothing here asks the network.
"""

import json
import re
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

ECOSYSTEMS = ("PyPI", "npm")
_PINNED = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[a-z,]+\])?==([^\s;\\]+)", re.MULTILINE)


class UnreadableAdvisories(Exception):
    """A file that holds no advisories; its text says which and why."""


@dataclass(frozen=True, slots=True, order=True)
class Component:
    """Something that is shipped: ``ecosystem`` is OSV's name of where it comes from."""

    ecosystem: str
    name: str
    version: str


@dataclass(frozen=True, slots=True)
class Advisory:
    """One record: what it says of which packages."""

    id: str
    aliases: tuple[str, ...]
    summary: str
    affected: tuple[dict[str, Any], ...] = field(hash=False)

    def hits(self, component: Component) -> bool:
        """Whether the record says that this version is affected."""
        return any(_affects(part, component) for part in self.affected)

    @property
    def packages(self) -> frozenset[tuple[str, str]]:
        """The packages it speaks of."""
        return frozenset(_package(part) for part in self.affected)


@dataclass(frozen=True, slots=True)
class Collection:
    """Advisories of one source, and the day they are of."""

    source: str
    collected_on: date
    advisories: tuple[Advisory, ...]
    accepted: tuple[dict[str, str], ...] = ()


def locked(path: Path) -> list[Component]:
    """What a lock of pip pins."""
    text = path.read_text(encoding="utf-8")
    return [Component("PyPI", canonicalize_name(name), version) for name, version in _PINNED.findall(text)]


def read(path: Path) -> Collection:
    """The advisories of a file, a folder or a zip. Raises UnreadableAdvisories."""
    try:
        if path.is_dir():
            files = sorted(path.rglob("*.json"))
            return _of_many(path, [json.loads(file.read_text(encoding="utf-8")) for file in files])
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                names = [name for name in archive.namelist() if name.endswith(".json")]
                return _of_many(path, [json.loads(archive.read(name)) for name in names])
        body = json.loads(path.read_text(encoding="utf-8"))
        if "advisories" not in body:
            return _of_many(path, [body])
        records = tuple(_records(body["advisories"]))
        day = date.fromisoformat(body["collected"])
        return Collection(path.name, day, records, tuple(body.get("accepted", ())))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UnreadableAdvisories(f"{path}: {type(error).__name__}: {error}") from error


def _of_many(path: Path, bodies: list[dict[str, Any]]) -> Collection:
    """An export carries no day of its own: the newest change in it is the latest that it can know of."""
    if not bodies:
        raise UnreadableAdvisories(f"{path}: there is no advisory in it")
    newest = max(datetime.fromisoformat(body["modified"]) for body in bodies)
    return Collection(path.name, newest.astimezone(UTC).date(), tuple(_records(bodies)))


def _records(bodies: Iterable[dict[str, Any]]) -> Iterator[Advisory]:
    for body in bodies:
        if "withdrawn" not in body:
            parts = tuple(part for part in body["affected"] if _package(part)[0] in ECOSYSTEMS)
            yield Advisory(body["id"], tuple(body.get("aliases", ())), body.get("summary", ""), parts)


def _package(part: dict[str, Any]) -> tuple[str, str]:
    package = part.get("package", {})
    ecosystem = str(package.get("ecosystem", "")).partition(":")[0]
    name = str(package.get("name", ""))
    return ecosystem, canonicalize_name(name) if ecosystem == "PyPI" else name


def _affects(part: dict[str, Any], component: Component) -> bool:
    if _package(part) != (component.ecosystem, component.name):
        return False
    if component.version in part.get("versions", ()):
        return True
    version = Version(component.version)
    return any(
        _in_range(given["events"], version)
        for given in part.get("ranges", ())
        if given["type"] in ("ECOSYSTEM", "SEMVER")
    )


def _in_range(events: list[dict[str, str]], version: Version) -> bool:
    """OSV's own evaluation: the events in the order of their versions, each up to this one turning it on or off."""
    inside = False
    for kind, at in sorted(((kind, at) for event in events for kind, at in event.items()), key=lambda e: _key(e[1])):
        if kind == "introduced" and (at == "0" or _key(at) <= version):
            inside = True
        elif (kind == "fixed" and _key(at) <= version) or (kind == "last_affected" and _key(at) < version):
            inside = False
    return inside


def _key(text: str) -> Version:
    try:
        return Version(text)
    except InvalidVersion:
        # What cannot be compared counts as later than everything: rather one finding too many.
        return Version("999999")
