# syntax=docker/dockerfile:1
# The image of the product; the base can be another Debian image with Python 3.11 or newer.
ARG BASE=docker.io/library/python:3.12-slim-bookworm
FROM ${BASE} AS build
WORKDIR /opt/duikou
RUN python3 -m venv .venv
COPY requirements.lock ./
RUN .venv/bin/pip install --no-cache-dir --disable-pip-version-check --require-hashes -r requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY app ./app
COPY migrations ./migrations
RUN .venv/bin/pip install --no-cache-dir --disable-pip-version-check --no-deps --no-build-isolation -e .

FROM ${BASE}
ENV PATH=/opt/duikou/.venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    LANG=C.UTF-8 \
    DUIKOU_HOST=0.0.0.0 \
    DUIKOU_DATA=/var/lib/duikou
RUN useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin duikou \
    && install -d -o duikou -g duikou -m 0700 /var/lib/duikou
COPY --from=build /opt/duikou /opt/duikou
WORKDIR /opt/duikou
USER 10001
VOLUME /var/lib/duikou
EXPOSE 8000
HEALTHCHECK --interval=15s --timeout=5s --start-period=20s \
    CMD ["python3", "-c", "import httpx; httpx.get('http://127.0.0.1:8000/readyz', timeout=4).raise_for_status()"]
ENTRYPOINT ["duikou"]
CMD ["serve"]
