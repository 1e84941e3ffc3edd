"""What is refused about an exchange package, each with its own code and sentence."""

from app.errors import DomainError, Kind
from app.messages import N_


class PackageRefused(DomainError):
    """The family of these refusals."""


class PackageDamaged(PackageRefused):
    """Not a package at all, cut off, or not what its own manifest says."""

    code = "package_damaged"
    message = N_("This is not a whole exchange package. Ask for it once more.")


class PackagePartDamaged(PackageRefused):
    """One part is not what the manifest says."""

    code = "package_part_damaged"
    message = N_("The part %(part)s of the package is damaged. Ask for it once more.")


class PackageLineRefused(PackageRefused):
    """A line that the format does not allow."""

    code = "package_line_refused"
    message = N_("Line %(line)s of %(part)s is not as the format asks: %(place)s.")


class PackageReferenceBroken(PackageRefused):
    """A row that refers to one which the package does not hold."""

    code = "package_reference_broken"
    message = N_("Line %(line)s of %(part)s refers to something that the package does not hold.")


class PackageUnsafe(PackageRefused):
    """More than the bounds of the format allow, or names that a package never has."""

    kind = Kind.TOO_LARGE
    code = "package_unsafe"
    message = N_("The package is larger than is taken here, or holds what no package holds.")


class PackageFromOtherRelease(PackageRefused):
    """A format, a part or a field that this release does not know."""

    kind = Kind.UNSUPPORTED
    code = "package_from_other_release"
    message = N_("The package was made by release %(release)s and holds what this one does not know: %(what)s.")


class PackageUntrusted(PackageRefused):
    """Signed with a key that nobody here has said to trust."""

    kind = Kind.FORBIDDEN
    code = "package_untrusted"
    message = N_("The key of installation %(installation)s is not trusted here. The system administrator adds it.")


class PackageSignatureWrong(PackageRefused):
    """Changed after it was signed, or signed by somebody else."""

    kind = Kind.FORBIDDEN
    code = "package_signature_wrong"
    message = N_("The signature of the package is wrong. It was changed on its way, or somebody else made it.")
