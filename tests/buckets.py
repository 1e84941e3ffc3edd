"""A local S3 service with a bucket, for what is told to keep its files there."""

from collections.abc import Iterator

import httpx
import pytest
from moto.server import ThreadedMotoServer


@pytest.fixture(scope="module")
def bucket() -> Iterator[str]:
    """The address of a local S3 service with a bucket called ``duikou``."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    httpx.put(f"http://{host}:{port}/duikou").raise_for_status()
    yield f"http://{host}:{port}"
    server.stop()
