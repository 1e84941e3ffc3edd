"""Exchange packages: the open format in which a whole programme leaves one installation for another."""

from app.papers.packages.canonical import canonical, digest, padded, unpadded
from app.papers.packages.reading import MAX_LINE, Package, Trust
from app.papers.packages.refusals import (
    PackageDamaged,
    PackageFromOtherRelease,
    PackageLineRefused,
    PackagePartDamaged,
    PackageReferenceBroken,
    PackageRefused,
    PackageSignatureWrong,
    PackageUnsafe,
    PackageUntrusted,
)
from app.papers.packages.writing import FILE, MANIFEST, PART, SIGNATURE, FileChanged, PackageWriter

__all__ = [
    "FILE",
    "MANIFEST",
    "MAX_LINE",
    "PART",
    "SIGNATURE",
    "FileChanged",
    "Package",
    "PackageDamaged",
    "PackageFromOtherRelease",
    "PackageLineRefused",
    "PackagePartDamaged",
    "PackageReferenceBroken",
    "PackageRefused",
    "PackageSignatureWrong",
    "PackageUnsafe",
    "PackageUntrusted",
    "PackageWriter",
    "Trust",
    "canonical",
    "digest",
    "padded",
    "unpadded",
]
