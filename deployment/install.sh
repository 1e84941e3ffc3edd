#!/bin/sh
# Install from an unpacked bundle, without any index: install.sh PREFIX (default /opt/duikou).
# Nothing is installed unless every checksum fits. An installation that is there is replaced whole or left as it was.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
prefix=${1:-/opt/duikou}
python=${PYTHON:-python3}

"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
    echo "Duikou needs Python 3.11 or newer." >&2
    exit 1
}
(cd "$here" && sha256sum --check --quiet --strict SHA256SUMS) || {
    echo "A file of the bundle is not what it was. Nothing was installed." >&2
    exit 1
}
listed=$(wc -l <"$here/SHA256SUMS")
found=$(find "$here" -type f ! -name SHA256SUMS | wc -l)
[ "$listed" -eq "$found" ] || {
    echo "The bundle has $found files and lists $listed. Nothing was installed." >&2
    exit 1
}
if [ -d "$here/images" ] && command -v podman >/dev/null 2>&1 && [ "${LOAD_IMAGES:-}" = yes ]; then
    for image in "$here"/images/*.tar; do podman load --quiet --input "$image"; done
fi

# The environment holds its own place in its scripts, so it is made where it will be.
rm -rf "$prefix.before"
[ ! -e "$prefix" ] || mv "$prefix" "$prefix.before"
back() {
    rm -rf "$prefix"
    [ ! -e "$prefix.before" ] || mv "$prefix.before" "$prefix"
    echo "The installation failed; what was there before is there again." >&2
}
trap back EXIT
mkdir -p "$prefix"
cp -R "$here/source/." "$prefix/"
"$python" -m venv "$prefix/.venv"
pip="$prefix/.venv/bin/python -m pip --disable-pip-version-check --isolated --quiet install --no-index"
$pip --find-links "$here/wheels" --require-hashes -r "$prefix/requirements.lock"
(cd "$prefix" && $pip --no-deps --no-build-isolation -e .)
"$prefix/.venv/bin/duikou" --help >/dev/null
trap - EXIT
echo "Installed in $prefix; the installation before it, if there was one, is in $prefix.before."
echo "Next: $prefix/.venv/bin/duikou migrate"
