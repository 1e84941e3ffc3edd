"""Settings: one class, read from the environment; a wrong value stops the start with its name.

Every setting ``name`` is read from ``DUIKOU_NAME``, or from the file that ``DUIKOU_NAME_FILE``
points to, which is how a container is given a secret. A variable of that kind which names no setting
stops the start as well: a protection that was misspelt would be no protection, and say nothing.
"""

import difflib
import os
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from app import addresses
from app.seal_keys import read_key

PREFIX = "DUIKOU_"
_FILE = "_FILE"
# Variables of the test suite, which are not the product's to know.
_NOT_OURS = (f"{PREFIX}TEST_",)
# What the compose file and the proxy are told by variables of the same shell, and no process of the product reads.
OF_DEPLOYMENT = frozenset(
    {
        "BACKUPS",
        "BASE_IMAGE",
        "CADDY_IMAGE",
        "CERTIFICATES",
        "FRONT_SUBNET",
        "HTTPS_PORT",
        "HTTP_PORT",
        "IMAGE",
        "OWNER_URL",
        "POSTGRES_IMAGE",
        "PROXY_ADDRESS",
        "REPLICAS",
        "SITE",
        "TLS",
    }
)
_PASSWORD_IN_URL = re.compile(r"(?<=://)([^/@:]*):[^/@]*@")


class WrongSetting(Exception):
    """A setting that cannot be used. Its text names the variable and what it wants."""


class FileSecrets(PydanticBaseSettingsSource):
    """Reads ``DUIKOU_NAME_FILE`` for each setting that has such a variable."""

    def get_field_value(self, field: Any, field_name: str) -> tuple[Any, str, bool]:  # noqa: ARG002
        """The content of the named file without its last line end, or None."""
        variable = f"{PREFIX}{field_name.upper()}{_FILE}"
        path = os.environ.get(variable)
        if path is None:
            return None, field_name, False
        try:
            return Path(path).read_text(encoding="utf-8").rstrip("\r\n"), field_name, False
        except OSError as error:
            raise WrongSetting(f"{variable}: the file {path} cannot be read ({error.strerror}).") from error

    def __call__(self) -> dict[str, Any]:
        """All settings that a file gives."""
        found = {name: self.get_field_value(field, name)[0] for name, field in self.settings_cls.model_fields.items()}
        return {name: value for name, value in found.items() if value is not None}


class Settings(BaseSettings):
    """Everything that can be set, with its default. ``README.md`` documents each (held by a test)."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="ignore", frozen=True)

    mode: Literal["production", "demo", "test"] = Field(
        "production", description="demo allows generated keys and demonstration accounts; production does not"
    )
    data: Path = Field(Path("data"), description="folder for the embedded store, keys and files")
    database_url: str = Field(
        "", description="empty for the embedded SQLite store, or postgresql+psycopg://user@host/name"
    )
    database_password: SecretStr = Field(SecretStr(""), description="password for database_url, kept out of it")
    database_app_role: str = Field(
        "", description="role that serve and worker sign in as where another owns the tables; migrate grants its rights"
    )
    database_pool: int = Field(20, ge=1, le=200, description="connections of one process to PostgreSQL")
    database_prepare: bool = Field(
        True, description="whether PostgreSQL keeps statements that come again; no behind PgBouncer before 1.21"
    )
    secret_key: SecretStr = Field(
        SecretStr(""), description="at least 32 characters; signs cursors and derives the keys of personal fields"
    )
    seal_key: SecretStr = Field(
        SecretStr(""), description="Ed25519 seed that signs seals, 32 bytes in hex or base64; empty: from secret_key"
    )
    seal_old_keys: str = Field("", description="public keys that sealed before the present one, by comma")
    seal_heads: str = Field("", description="folder that the signed head is written to daily; empty: data/heads")
    host: str = Field("127.0.0.1", description="address that serve listens on")
    port: int = Field(8000, ge=1, le=65535, description="port that serve listens on")
    workers: int = Field(1, ge=1, le=64, description="processes that serve starts")
    worker: bool = Field(True, description="whether serve starts a worker beside itself")
    worker_threads: int = Field(2, ge=1, le=32, description="jobs that one worker does at the same time")
    public_url: str = Field("", description="address people use, such as https://duikou.example; empty: as asked")
    trusted_proxies: str = Field("", description="addresses of proxies whose forwarded headers count, by comma")
    admin_addresses: str = Field(
        "", description="networks from which administration is open, such as 10.2.0.0/16, by comma; empty: from all"
    )
    language: Literal["zh_CN", "en"] = Field("zh_CN", description="language of the screen before a person chose one")
    session_idle_minutes: int = Field(60, ge=5, le=1440, description="minutes without a request that end a session")
    session_absolute_hours: int = Field(12, ge=1, le=168, description="hours after which a session always ends")
    sign_in_tries: int = Field(5, ge=3, le=20, description="failed sign-ins of an account before it has to wait")
    sign_in_wait_minutes: int = Field(15, ge=1, le=1440, description="minutes that it then has to wait")
    second_factor: Literal["optional", "administrators", "everybody"] = Field(
        "optional", description="who has to prove a second factor when signing in; the others may"
    )
    oidc_issuer: str = Field("", description="issuer of an OpenID provider at which people sign in; empty: none")
    oidc_client_id: str = Field("", description="what the provider calls this installation")
    oidc_client_secret: SecretStr = Field(SecretStr(""), description="secret of oidc_client_id")
    oidc_name: str = Field("OpenID", max_length=40, description="what the sign-in page calls the provider")
    oidc_login_claim: str = Field(
        "preferred_username",
        description="claim that equals the login where a person links an account; empty: nobody can",
    )
    oidc_passwords: bool = Field(True, description="whether linked accounts may sign in with a password as well")
    account_idle_days: int = Field(
        0, ge=0, le=3660, description="days without use after which an account is closed; 0: never"
    )
    password_max_age_days: int = Field(
        0, ge=0, le=3660, description="days after which a password has to be changed; 0: never"
    )
    password_min_length: int = Field(10, ge=8, le=64, description="fewest characters of a password")
    body_limit_kb: int = Field(256, ge=16, le=4096, description="largest request body without a file, in kB")
    upload_limit_mb: int = Field(50, ge=1, le=1024, description="largest attachment, in MB")
    plan_limit_mb: int = Field(20, ge=1, le=100, description="largest plan document, in MB")
    exchange_keys: str = Field(
        "", description="keys of other installations whose packages are taken, as duikou export-key prints them"
    )
    exchange_limit_mb: int = Field(1024, ge=1, le=65536, description="largest exchange package, in MB")
    storage_url: str = Field("", description="empty for the folder data/files, or s3://bucket/prefix")
    storage_endpoint: str = Field("", description="address of an S3-compatible service that is not Amazon's")
    storage_region: str = Field("us-east-1", description="region of the bucket")
    storage_key_id: str = Field("", description="access key id for the bucket")
    storage_secret: SecretStr = Field(SecretStr(""), description="secret access key for the bucket")
    log_format: Literal["auto", "json", "text"] = Field(
        "auto", description="form of the log on standard error: json, text, or text only on a terminal"
    )
    log_folder: str = Field("", description="folder for daily log files; empty for standard error alone")
    # 365: 互联网政务应用安全管理规定 article 20 asks for a year of logs, 网络安全法 for half of one.
    log_keep_days: int = Field(400, ge=365, le=3650, description="days that log files are kept, at least 365")
    live_streams: int = Field(200, ge=0, le=5000, description="open pages that one process tells of changes at once")
    database_listen_url: str = Field(
        "", description="direct address of the primary for LISTEN, where database_url leads through a pooler"
    )
    disk_warn_mb: int = Field(5120, ge=1, description="room on a disk, in MB, below which the status page warns")
    disk_min_mb: int = Field(256, ge=1, description="room in MB below which a replica asks for no more requests")
    metrics_host: str = Field("127.0.0.1", description="address that the measurements for Prometheus are served on")
    metrics_port: int = Field(0, ge=0, le=65535, description="port of the measurements; 0 for none")
    metrics_folder: str = Field(
        "", description="folder in which the processes of a machine gather them; empty for a temporary one"
    )
    backup_folder: str = Field("", description="folder for backups, on another disk than the store's")
    backup_at: str = Field("", description="time of the daily backup in Asia/Shanghai, such as 02:30; empty: none")
    backup_keep: int = Field(14, ge=1, le=3660, description="whole backups that the daily one leaves in the folder")
    drill_every_days: int = Field(0, ge=0, le=366, description="days between drills of the newest backup; 0: none")
    drill_database_url: str = Field(
        "", description="where a drill makes its temporary PostgreSQL database; empty: beside the real one"
    )
    drill_database_password: SecretStr = Field(SecretStr(""), description="password for drill_database_url")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments first, then files, then variables: a secret file wins over a leftover variable."""
        return init_settings, FileSecrets(settings_cls), env_settings

    @model_validator(mode="after")
    def refuse_what_is_unsafe(self) -> Self:
        """Refuse values that would run but not protect."""
        if self.mode == "production" and len(self.secret_key.get_secret_value()) < 32:
            raise ValueError("secret_key: give at least 32 random characters (DUIKOU_SECRET_KEY or its _FILE).")
        if self.database_url and not self.database_url.startswith(("sqlite:///", "postgresql+psycopg://")):
            raise ValueError("database_url: give sqlite:///path or postgresql+psycopg://user@host/name.")
        if not re.fullmatch(r"(?:[a-z_][a-z0-9_]{0,62})?", self.database_app_role):
            raise ValueError("database_app_role: give a role's name of small letters, digits and underscores.")
        if self.storage_url and not self.storage_url.startswith("s3://"):
            raise ValueError("storage_url: leave it empty for the folder, or give s3://bucket/prefix.")
        if self.backup_at and not re.fullmatch(r"([01][0-9]|2[0-3]):[0-5][0-9]", self.backup_at):
            raise ValueError("backup_at: give a time of the day such as 02:30, or leave it empty.")
        if (self.backup_at or self.drill_every_days) and not self.backup_folder:
            raise ValueError("backup_folder: name a folder, for backup_at or drill_every_days is set.")
        if self.drill_database_url and not self.drill_database_url.startswith("postgresql+psycopg://"):
            raise ValueError("drill_database_url: give postgresql+psycopg://user@host/name, or leave it empty.")
        if self.public_url and not self.public_url.startswith(("http://", "https://")):
            raise ValueError("public_url: give an address that starts with http:// or https://.")
        self._refuse_forgeable_addresses()
        self._refuse_half_a_provider()
        _refuse_key("seal_key", self.seal_key.get_secret_value())
        for key in self.seal_old_keys.split(","):
            _refuse_key("seal_old_keys", key)
        return self

    def _refuse_half_a_provider(self) -> None:
        if not self.oidc_issuer:
            return
        parts = urlsplit(self.oidc_issuer)
        local = parts.hostname in ("127.0.0.1", "::1", "localhost")
        if not parts.hostname or parts.query or parts.fragment or (parts.scheme != "https" and not local):
            raise ValueError("oidc_issuer: give the issuer's address as the provider writes it, with https://.")
        for name in ("oidc_client_id", "oidc_client_secret"):
            value = getattr(self, name)
            if not (value.get_secret_value() if isinstance(value, SecretStr) else value):
                raise ValueError(f"{name}: the provider has given one together with its issuer.")
        if not self.public_url:
            raise ValueError("public_url: the provider sends people back to it, so it has to be given.")

    def _refuse_forgeable_addresses(self) -> None:
        try:
            listed = addresses.networks(self.admin_addresses)
        except ValueError as error:
            raise ValueError(f"admin_addresses: {error}") from None
        if listed and "*" in self.trusted_proxies:
            # Whoever is trusted may say any address; trusting everybody would make the list a wish.
            raise ValueError("trusted_proxies: name the proxies; with * anybody can claim an address of the list.")

    @property
    def seal_heads_folder(self) -> Path:
        """Where signed heads are kept, out of the store."""
        return Path(self.seal_heads) if self.seal_heads else self.data / "heads"

    @property
    def resolved_database_url(self) -> str:
        """The address of the store; without a setting, the embedded one in ``data``."""
        return self.database_url or f"sqlite:///{self.data.resolve() / 'duikou.sqlite3'}"

    @property
    def admin_networks(self) -> tuple[addresses.Network, ...]:
        """The networks of ``admin_addresses``; empty where administration is open from everywhere."""
        return addresses.networks(self.admin_addresses)

    @property
    def issuer_name(self) -> str:
        """What a code generator calls this installation: the product and its host."""
        return " ".join(filter(None, ("Duikou", urlsplit(self.public_url).hostname)))

    @property
    def secure_cookies(self) -> bool:
        """Whether people come over https, so that cookies can insist on it."""
        return self.public_url.startswith("https://")


def load(environment: Mapping[str, Any] | None = None, **values: Any) -> Settings:
    """Settings from the environment and ``values``; raises WrongSetting with every name at fault."""
    given = {**(environment or {}), **{name: value for name, value in values.items() if value is not None}}
    _refuse_unknown()
    try:
        settings = Settings(**given)
    except ValidationError as error:
        raise WrongSetting("\n".join(_explain(dict(item)) for item in error.errors())) from None
    if settings.mode != "production" and not settings.secret_key.get_secret_value():
        return settings.model_copy(update={"secret_key": SecretStr(_generated_key(settings.data))})
    return settings


def _refuse_unknown() -> None:
    """Raise WrongSetting for variables that look like settings and are none, each with the name that is nearest."""
    known = [name.upper() for name in Settings.model_fields]
    known += [name + _FILE for name in known]
    ours = [name for name in sorted(os.environ) if name.startswith(PREFIX) and not name.startswith(_NOT_OURS)]
    wrong = []
    for name in ours:
        given = name.removeprefix(PREFIX)
        if given not in known and given not in OF_DEPLOYMENT:
            near = difflib.get_close_matches(given, known, 1)
            meant = f" Is {PREFIX}{near[0]} meant?" if near else ""
            wrong.append(f"{name}: there is no such setting.{meant}")
    if wrong:
        raise WrongSetting("\n".join(wrong))


@dataclass(frozen=True, slots=True)
class Shown:
    """One setting as an administrator may see it: a secret's value is never among it."""

    variable: str
    value: str
    default: str
    description: str
    source: Literal["default", "variable", "file", "generated"]
    place: str


def explain(settings: Settings) -> list[Shown]:
    """Every setting with its value, default and meaning, and where the value comes from, in their order."""
    found = []
    for name, field in Settings.model_fields.items():
        variable = f"{PREFIX}{name.upper()}"
        value, secret = getattr(settings, name), isinstance(field.default, SecretStr)
        given = value.get_secret_value() if secret else str(value)
        source: Literal["default", "variable", "file", "generated"] = "default"
        place = ""
        if f"{variable}{_FILE}" in os.environ:
            source, place = "file", os.environ[f"{variable}{_FILE}"]
        elif variable in os.environ:
            source, place = "variable", variable
        elif secret and given:
            source = "generated"
        default = "" if secret else str(field.default)
        shown = "(set)" if secret and given else _PASSWORD_IN_URL.sub(r"\1:***@", given)
        found.append(Shown(variable, shown, default, field.description or "", source, place))
    return found


def _refuse_key(name: str, text: str) -> None:
    if text.strip():
        try:
            read_key(text)
        except ValueError:
            raise ValueError(f"{name}: give 32 bytes as 64 hexadecimal figures or in base64.") from None


def _explain(item: dict[str, Any]) -> str:
    name = str(item["loc"][0]) if item["loc"] else ""
    if not name:
        name, _, text = str(item["ctx"]["error"]).partition(": ")
        return f"{PREFIX}{name.upper()}: {text}"
    return f"{PREFIX}{name.upper()}: {item['msg']} (given: {item.get('input')!r})"


def _generated_key(data: Path) -> str:
    """The key of a demonstration, made once and kept beside its store so that sessions outlive a restart."""
    path = data / "demo.key"
    try:
        return path.read_text(encoding="ascii")
    except FileNotFoundError:
        data.mkdir(parents=True, exist_ok=True)
        key = secrets.token_urlsafe(48)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(key)
        return key
