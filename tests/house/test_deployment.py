"""The image and the compose file: nobody runs as root, nobody holds more than they need."""

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from app.settings import PREFIX, Settings
from tests.house.tree import ROOT

COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
PRODUCT = [name for name, service in SERVICES.items() if "build" in service]
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")


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

    def test_secrets_are_files_and_never_values(self) -> None:
        assert all(set(secret) == {"file"} for secret in COMPOSE["secrets"].values())
        values = [str(value) for service in SERVICES.values() for value in service.get("environment", {}).values()]
        assert not [value for value in values if re.search(r"://\w+:[^@]+@", value)]
        made = (ROOT / "deployment" / "new-secrets.sh").read_text()
        assert all(name in made for name in COMPOSE["secrets"])
