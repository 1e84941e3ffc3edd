#!/bin/bash
# Make an offline bundle: bundle.sh FOLDER. Everything that an installation without the internet needs, with checksums.
# Wheels are for this machine's Python and platform. Images are added where podman and the images are.
set -euo pipefail
cd "$(dirname "$0")/.."
out=${1:-dist}
python=.venv/bin/python
version=$($python -c 'import tomllib; print(tomllib.load(open("pyproject.toml", "rb"))["project"]["version"])')
tag=$($python -c 'import sys, sysconfig; print(f"cp{sys.version_info.major}{sys.version_info.minor}-{sysconfig.get_platform()}")')
name=duikou-$version-$tag
rm -rf "${out:?}/$name"
mkdir -p "$out/$name/wheels" "$out/$name/source"

# The sources that run, as the Dockerfile takes them, and what deploys them.
tar -cf - --exclude=__pycache__ --exclude='*.pyc' \
    app migrations deployment docs requirements.lock pyproject.toml README.md LICENSE CHANGELOG.md \
    Dockerfile .dockerignore docker-compose.yml | tar -xf - -C "$out/$name/source"
cp deployment/install.sh "$out/$name/install.sh"

$python -m pip --disable-pip-version-check download --quiet --require-hashes --only-binary :all: --no-deps \
    --dest "$out/$name/wheels" -r requirements.lock

if command -v podman >/dev/null; then
    for image in ${BUNDLE_IMAGES:-duikou:$version docker.io/library/postgres:17-bookworm docker.io/library/caddy:2-alpine}; do
        if podman image exists "$image"; then
            mkdir -p "$out/$name/images"
            podman save --quiet --format docker-archive --output "$out/$name/images/$(basename "${image//:/-}").tar" "$image"
            echo "image $image"
        else
            echo "image $image is not here and not in the bundle"
        fi
    done
else
    echo "podman is not here: the bundle holds no images"
fi

(cd "$out/$name" && find . -type f ! -name SHA256SUMS -print0 | sort -z | xargs -0 sha256sum >SHA256SUMS)
tar -C "$out" --sort=name --owner=0 --group=0 --numeric-owner -cf "$out/$name.tar" "$name"
(cd "$out" && sha256sum "$name.tar" >"$name.tar.sha256")
echo "$out/$name.tar ($(du -h "$out/$name.tar" | cut -f1)), $(find "$out/$name/wheels" -name '*.whl' | wc -l) wheels"
