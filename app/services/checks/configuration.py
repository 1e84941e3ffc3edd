"""What was set: the strength of the key, who may read it, and how people reach the product."""

import os
import stat
import zlib
from pathlib import Path

from app.messages import N_
from app.services.checks.base import Check, Context, Finding, State
from app.settings import PREFIX

# 32 random characters do not get shorter than this; a sentence that was typed three times does.
_INCOMPRESSIBLE = 36
_DISTINCT = 12
_GIVEN_BY_THE_PLATFORM = "/run/secrets/"


def _key(context: Context) -> Finding:
    if context.settings.mode != "production":
        return Finding(State.OK, N_("made for a demonstration"))
    key = context.settings.secret_key.get_secret_value()
    if len(set(key)) < _DISTINCT or len(zlib.compress(key.encode(), 9)) < _INCOMPRESSIBLE:
        advice = N_("Make a random one: python3 -c 'import secrets; print(secrets.token_urlsafe(48))'")
        return Finding(State.BAD, N_("long enough, but easy to guess"), advice)
    return Finding(State.OK, N_("looks random; %(length)s characters"), values={"length": len(key)})


def _secret_files(context: Context) -> Finding | None:  # noqa: ARG001
    """Files of secrets that others on the machine may read. Those of the container's platform are its own."""
    named = {
        name: Path(path) for name, path in os.environ.items() if name.startswith(PREFIX) and name.endswith("_FILE")
    }
    open_ = [str(path) for path in named.values() if _is_open(path)]
    if not named:
        return None
    if open_:
        advice = N_("Let only the product's account read it: chmod 600")
        return Finding(
            State.WARN, N_("%(names)s can be read or written by others"), advice, {"names": ", ".join(open_)}
        )
    return Finding(State.OK, N_("only the product's account reads them"))


def _is_open(path: Path) -> bool:
    try:
        mode = path.stat().st_mode
    except OSError:
        return False
    given = str(path).startswith(_GIVEN_BY_THE_PLATFORM)
    return bool(mode & (stat.S_IWOTH if given else stat.S_IROTH | stat.S_IWGRP | stat.S_IWOTH))


def _data_folder(context: Context) -> Finding:
    folder = context.settings.data
    try:
        mode = folder.stat().st_mode
    except OSError as error:
        advice = N_("Make the folder and give it to the product's account.")
        return Finding(State.WARN, N_("cannot be looked at (%(why)s)"), advice, {"why": error.strerror})
    if not os.access(folder, os.W_OK):
        return Finding(State.BAD, N_("cannot be written to"), N_("Give the folder to the product's account."))
    if mode & (stat.S_IROTH | stat.S_IXOTH) and context.settings.mode == "production":
        return Finding(State.WARN, N_("others on the machine can look into it"), N_("Run on the folder: chmod 700"))
    return Finding(State.OK, N_("only the product's account looks into it"))


def _address(context: Context) -> Finding | None:
    settings = context.settings
    if settings.mode != "production":
        return None
    if not settings.secure_cookies:
        return Finding(
            State.WARN,
            N_("people come without TLS, or DUIKOU_PUBLIC_URL does not say so"),
            N_("Put a proxy with TLS in front and set DUIKOU_PUBLIC_URL to its https address."),
        )
    if not settings.trusted_proxies:
        return Finding(
            State.WARN,
            N_("people come through a proxy that DUIKOU_TRUSTED_PROXIES does not name"),
            N_("Name it: until then every sign-in seems to come from the proxy, and is throttled as one."),
        )
    return Finding(State.OK, N_("over TLS, through a proxy that is known"))


CHECKS = (
    Check("secret_key", N_("Secret key"), _key),
    Check("secret_files", N_("Files of secrets"), _secret_files),
    Check("data_folder", N_("Data folder"), _data_folder),
    Check("address", N_("Way in"), _address),
)
