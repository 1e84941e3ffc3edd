"""What is shipped beside the packages of the lock: files of others that stand in the tree."""

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from security.advisories import Component

ROOT = Path(__file__).resolve().parent.parent
VENDOR = ROOT / "app" / "static" / "vendor"
# Name of a vendored file without version and endings > package and licence.
PACKAGES = {"htmx": ("htmx.org", "0BSD")}
_NAMED = re.compile(r"^(?P<name>[a-z-]+?)-(?P<version>\d[\w.]*?)\.min\.js$")


@dataclass(frozen=True, slots=True)
class Vendored:
    """A file of somebody else: what it is, and what its bytes are."""

    component: Component
    licence: str
    path: str
    sha256: str


def vendored() -> list[Vendored]:
    """The vendored scripts; the version stands in the name of the file. Raises KeyError for one that is unknown."""
    found = []
    for path in sorted(VENDOR.glob("*.js")):
        named = _NAMED.match(path.name)
        if named is None:
            raise KeyError(f"{path.name} does not say its version")
        package, licence = PACKAGES[named["name"]]
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        component = Component("npm", package, named["version"])
        found.append(Vendored(component, licence, str(path.relative_to(ROOT)), digest))
    return found
