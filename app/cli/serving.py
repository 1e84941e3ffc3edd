"""duikou serve: the web server, once the store is ready for it."""

import http.client
import signal
import socket
import threading
import time
from contextlib import nullcontext
from importlib import import_module
from typing import Annotated, Any

import typer
import uvicorn

from app import logs, settings
from app.cli import demonstration, measuring
from app.cli.beside import Beside
from app.cli.speech import say, told
from app.cli.stores import refuse_unmigrated
from app.errors import DomainError, Kind
from app.messages import N_
from app.settings import Settings
from app.starting import without_sweeps

_READY_WITHIN = 60.0
_GRACE = 15


class AddressTaken(DomainError):
    """Somebody else listens there, or it is not this machine's."""

    kind = Kind.CONFLICT
    code = "address_taken"
    message = N_("%(host)s:%(port)s cannot be listened on (%(why)s). Another port can be given: --port")


def serve(
    host: Annotated[str | None, typer.Option(help=told(N_("Address to listen on.")))] = None,
    port: Annotated[int | None, typer.Option(help=told(N_("Port to listen on.")))] = None,
    workers: Annotated[int | None, typer.Option(help=told(N_("Processes that answer requests.")))] = None,
    worker: Annotated[bool | None, typer.Option(help=told(N_("Start a worker beside it.")))] = None,
) -> None:
    """Check the store and the address, then answer requests until a signal comes."""
    chosen = settings.load(host=host, port=port, workers=workers, worker=worker)
    refuse_unmigrated(chosen)
    _refuse_taken(chosen)
    threading.Thread(target=_announce, args=(chosen,), daemon=True).start()
    # uvicorn raises the signal that ended it once more when it is through; the worker is still to be ended then.
    signal.signal(signal.SIGTERM, _leave)
    with measuring.measured(chosen), Beside() if chosen.worker else nullcontext():
        uvicorn.run(
            "app.cli.serving:application",
            factory=True,
            host=chosen.host,
            port=chosen.port,
            workers=chosen.workers,
            proxy_headers=bool(chosen.trusted_proxies),
            forwarded_allow_ips=chosen.trusted_proxies or None,
            log_config=logs.config(chosen),
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=_GRACE,
        )


def application() -> Any:
    """The application, made by each process that answers requests for itself."""
    with without_sweeps():
        return import_module("app.main").create_app()


def _leave(*_: object) -> None:
    raise SystemExit(0)


def _refuse_taken(chosen: Settings) -> None:
    # uvicorn would say so too, but in a log line, and each of several processes once more.
    family = socket.AF_INET6 if ":" in chosen.host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((chosen.host, chosen.port))
        except OSError as error:
            raise AddressTaken(host=chosen.host, port=chosen.port, why=error.strerror) from error


def _announce(chosen: Settings) -> None:
    """Print where people go, as soon as they can: when /readyz answers 200."""
    shown = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(chosen.host, chosen.host)  # noqa: S104 - compared, not bound
    address = f"http://[{shown}]:{chosen.port}" if ":" in shown else f"http://{shown}:{chosen.port}"
    deadline = time.monotonic() + _READY_WITHIN
    while not _is_ready(shown, chosen.port):
        if time.monotonic() > deadline:
            return
        time.sleep(0.1)
    say(N_("Duikou is ready: %(address)s (the API: %(address)s/api/v1/openapi.json)"), address=address)
    if chosen.mode == "demo":
        demonstration.print_accounts(chosen)


def _is_ready(host: str, port: int) -> bool:
    connection = http.client.HTTPConnection(host, port, timeout=2)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
