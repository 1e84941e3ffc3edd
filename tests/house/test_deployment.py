"""The image and the compose file: nobody runs as root, nobody holds more than they need."""

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from app.settings import PREFIX, Settings, load
from tests.house.tree import ROOT

COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
PRODUCT = [name for name, service in SERVICES.items() if "build" in service]
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")


def defaults(name: str) -> dict[str, str]:
    """The environment of a service where nothing stands in .env."""
    given = SERVICES[name]["environment"].items()
    return {variable: re.sub(r"\$\{\w+:?-([^}]*)\}", r"\1", value) for variable, value in given}


class TestDockerfile:
    def test_has_nothing_that_hadolint_minds(self) -> None:
        command = shutil.which("hadolint", path=str(Path(sys.executable).parent))
        assert command is not None
        done = subprocess.run([command, str(ROOT / "Dockerfile")], capture_output=True, text=True, check=False)
        assert (done.returncode, done.stdout) == (0, "")

    def test_ends_as_nobody_and_says_how_it_is(self) -> None:
        last = DOCKERFILE.rpartition("\nFROM ")[2]
        assert re.search(r"^USER 10001$", last, re.MULTILINE)
        assert "HEALTHCHECK" in last

    def test_can_be_built_on_another_base(self) -> None:
        assert re.search(r"^ARG BASE=", DOCKERFILE, re.MULTILINE)
        assert set(re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE)) == {"${BASE}"}

    def test_copies_neither_secrets_nor_tests(self) -> None:
        assert not re.search(r"COPY (?:--\S+ )?\. ", DOCKERFILE)
        assert (ROOT / ".dockerignore").read_text().splitlines()[0] == "*"


@pytest.mark.parametrize("name", list(SERVICES))
class TestServices:
    def test_can_do_little(self, name: str) -> None:
        service = SERVICES[name]
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert "privileged" not in service

    def test_come_back_have_bounds_and_do_not_fill_the_disk_with_lines(self, name: str) -> None:
        service = SERVICES[name]
        assert service["restart"].startswith("on-failure" if name == "migrate" else "unless-stopped")
        assert set(service["deploy"]["resources"]["limits"]) == {"cpus", "memory"}
        assert {"max-size", "max-file"} <= set(service["logging"]["options"])

    def test_say_how_they_are_or_that_nobody_can_ask(self, name: str) -> None:
        asked = SERVICES[name].get("healthcheck") or ("HEALTHCHECK" in DOCKERFILE if name in PRODUCT else name)
        assert asked == "proxy" or asked

    def test_are_set_by_names_that_exist(self, name: str) -> None:
        if name not in PRODUCT:
            return
        known = {f"{PREFIX}{setting.upper()}" for setting in Settings.model_fields}
        given = {variable.removesuffix("_FILE") for variable in SERVICES[name]["environment"]}
        assert given - known == set()


class TestBoundaries:
    def test_only_the_proxy_is_published(self) -> None:
        assert [name for name, service in SERVICES.items() if "ports" in service] == ["proxy"]

    def test_the_proxy_does_not_see_the_database(self) -> None:
        assert set(SERVICES["proxy"]["networks"]) & set(SERVICES["db"]["networks"]) == set()
        assert COMPOSE["networks"]["back"]["internal"] is True

    def test_only_the_proxy_is_believed_about_addresses(self) -> None:
        address = SERVICES["proxy"]["networks"]["front"]["ipv4_address"]
        for name in PRODUCT:
            assert SERVICES[name]["environment"]["DUIKOU_TRUSTED_PROXIES"] == address

    def test_the_owner_of_the_tables_only_migrates(self) -> None:
        holders = [name for name, service in SERVICES.items() if "owner_password" in service.get("secrets", [])]
        assert holders == ["db", "migrate"]
        assert "duikou_owner" in SERVICES["migrate"]["environment"]["DUIKOU_DATABASE_URL"]
        for name in set(PRODUCT) - {"migrate"}:
            assert "duikou_app" in SERVICES[name]["environment"]["DUIKOU_DATABASE_URL"]

    def test_no_provider_is_asked_unless_named_and_only_replicas_hold_its_secret(self) -> None:
        holders = [name for name, service in SERVICES.items() if "oidc_client_secret" in service.get("secrets", [])]
        assert holders == ["app-1", "app-2"]
        for name in holders:
            given = defaults(name)
            assert given["DUIKOU_OIDC_ISSUER"] == ""
            assert given["DUIKOU_OIDC_CLIENT_SECRET_FILE"] == "/run/secrets/oidc_client_secret"
            passed = {variable.removesuffix("_FILE") for variable in given if "_OIDC_" in variable}
            settings = {
                f"{PREFIX}{setting.upper()}" for setting in Settings.model_fields if setting.startswith("oidc_")
            }
            assert passed == settings
        assert not [v for name in ("migrate", "worker") for v in SERVICES[name]["environment"] if "_OIDC_" in v]

    def test_the_provider_is_off_with_the_files_as_they_are_laid_out(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """An empty file of the secret is no mistake while there is no issuer."""
        subprocess.run(["sh", str(ROOT / "deployment" / "new-secrets.sh"), str(tmp_path)], check=True)
        assert {path.name for path in tmp_path.iterdir()} == set(COMPOSE["secrets"])
        for variable, value in defaults("app-1").items():
            if "_OIDC_" in variable:
                monkeypatch.setenv(variable, value.replace("/run/secrets", str(tmp_path)))
        made = load(mode="test", secret_key="x" * 32, data=tmp_path)
        assert (made.oidc_issuer, made.oidc_client_secret.get_secret_value()) == ("", "")
        assert (made.oidc_login_claim, made.oidc_passwords) == ("preferred_username", True)

    def test_secrets_are_files_and_never_values(self) -> None:
        assert all(set(secret) == {"file"} for secret in COMPOSE["secrets"].values())
        values = [str(value) for service in SERVICES.values() for value in service.get("environment", {}).values()]
        assert not [value for value in values if re.search(r"://\w+:[^@]+@", value)]
        made = (ROOT / "deployment" / "new-secrets.sh").read_text()
        assert all(name in made for name in COMPOSE["secrets"])
