# syntax=docker/dockerfile:1
# The image of the product. The base can be any Debian image with Python 3.11 or newer and its venv module.
ARG BASE=docker.io/library/python:3.12-slim-bookworm

FROM ${BASE} AS build
WORKDIR /opt/duikou
RUN python3 -m venv .venv
COPY requirements.lock ./
RUN .venv/bin/pip install --no-cache-dir --disable-pip-version-check --require-hashes -r requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY app ./app
COPY migrations ./migrations
# Compiled here, because nothing may be written where it runs; pip has no work there.
RUN .venv/bin/pip install --no-cache-dir --disable-pip-version-check --no-deps --no-build-isolation -e . \
    && .venv/bin/python -m compileall -q app migrations \
    && .venv/bin/pip uninstall -q -y pip setuptools

FROM ${BASE}
ENV PATH=/opt/duikou/.venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    LANG=C.UTF-8 \
    DUIKOU_HOST=0.0.0.0 \
    DUIKOU_DATA=/var/lib/duikou
RUN useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin duikou \
    && install -d -o duikou -g duikou -m 0700 /var/lib/duikou /var/log/duikou /var/backups/duikou
COPY --from=build /opt/duikou /opt/duikou
WORKDIR /opt/duikou
USER 10001
VOLUME ["/var/lib/duikou", "/var/log/duikou", "/var/backups/duikou"]
EXPOSE 8000
# Without the client libraries, which would ask a proxy of the environment for this host.
HEALTHCHECK --interval=15s --timeout=5s --start-period=20s --retries=3 \
    CMD ["python3", "-c", "import http.client as h, sys; c = h.HTTPConnection('127.0.0.1', 8000, timeout=4); c.request('GET', '/readyz'); sys.exit(c.getresponse().status != 200)"]
ENTRYPOINT ["duikou"]
CMD ["serve"]
