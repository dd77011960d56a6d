"""The compose file keeps its promises: it refuses to start unsafe, and names what it starts exactly."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from tests.compose.conftest import ROOT, SECRETS, made_env, run_config

SOURCE = (ROOT / "docker-compose.yaml").read_text()
ONE_SHOT = {"airflow-init"}
AIRFLOW = {"airflow-init", "airflow-api-server", "airflow-scheduler", "airflow-dag-processor", "airflow-triggerer"}
Services = dict[str, dict[str, Any]]


def test_it_starts_what_a_team_needs(services: Services) -> None:
    assert set(services) == {"postgres", "mlflow", "registry", "docker-proxy"} | AIRFLOW


@pytest.mark.parametrize("missing", SECRETS)
def test_it_refuses_to_start_without_a_secret_and_says_how_to_get_one(
    compose: list[str], secrets: dict[str, str], missing: str
) -> None:
    done = run_config(compose, {name: value for name, value in secrets.items() if name != missing})
    assert done.returncode != 0
    assert "run compose/make-env.sh" in done.stderr


def test_no_secret_has_a_default() -> None:
    variables = re.findall(r"\$\{([A-Z_]+)(:[-?])?", SOURCE)
    assert set(SECRETS) <= {name for name, _ in variables}
    for name, operator in variables:
        if re.search("PASSWORD|SECRET|KEY", name):
            assert operator == ":?", name


def test_every_service_tells_whether_it_is_healthy(services: Services) -> None:
    for name, service in services.items():
        assert name in ONE_SHOT or service["healthcheck"]["test"], name


def test_every_service_comes_back_after_a_crash_except_the_one_that_ends_by_itself(services: Services) -> None:
    for name, service in services.items():
        assert service["restart"] == ("no" if name in ONE_SHOT else "unless-stopped"), name


def test_nothing_starts_before_the_schemas_are_up_to_date(services: Services) -> None:
    for name in AIRFLOW - ONE_SHOT:
        assert services[name]["depends_on"]["airflow-init"]["condition"] == "service_completed_successfully"


def test_every_image_is_a_variable_with_a_pinned_default(services: Services) -> None:
    images = [line.split("image: ", 1)[1] for line in SOURCE.splitlines() if line.lstrip().startswith("image: ")]
    assert images
    assert all(re.fullmatch(r"\$\{[A-Z_]+_IMAGE:-[^}]+\}", image) for image in images)
    for name, service in services.items():
        tag = service["image"].rpartition(":")[2]
        assert re.match(r"v?\d+\.\d+", tag), f"{name}: {service['image']}"
    bases = [service["build"]["args"]["BASE_IMAGE"] for service in services.values() if "build" in service]
    assert len(bases) == 2
    assert all(re.search(r":\d+\.\d+\.\d+", base) for base in bases)


def test_every_port_is_published_on_loopback_only(services: Services) -> None:
    published = [port for service in services.values() for port in service.get("ports", [])]
    assert len(published) == 3
    for port in published:
        host = port.get("host_ip") if isinstance(port, dict) else port.split(":")[0]
        assert host == "127.0.0.1"


def test_only_the_proxy_sees_the_engines_socket(services: Services) -> None:
    def mounts(service: dict[str, Any]) -> str:
        return yaml.safe_dump(service.get("volumes", []))

    assert [name for name, service in services.items() if "docker.sock" in mounts(service)] == ["docker-proxy"]
    assert services["docker-proxy"]["cap_drop"] == ["ALL"]
    assert not services["docker-proxy"].get("ports")


def test_only_what_runs_tasks_reaches_the_engine(services: Services, config: dict[str, Any]) -> None:
    reaching = {name for name, service in services.items() if "engine" in service["networks"]}
    assert reaching == {"docker-proxy", "airflow-scheduler", "airflow-triggerer"}
    assert config["networks"]["engine"]["internal"] is True


def test_deployed_models_meet_neither_the_databases_nor_the_engine(services: Services) -> None:
    beside_models = {name for name, service in services.items() if "models" in service["networks"]}
    assert beside_models == {"airflow-scheduler", "airflow-triggerer"}


def test_no_service_may_gain_rights(services: Services) -> None:
    for name, service in services.items():
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert not service.get("privileged"), name


def test_secrets_reach_only_who_needs_them(services: Services, secrets: dict[str, str]) -> None:
    needed = {
        "POSTGRES_PASSWORD": {"postgres"},
        "AIRFLOW_DB_PASSWORD": {"postgres"} | AIRFLOW,
        "MLFLOW_DB_PASSWORD": {"postgres", "mlflow"},
        "DATAOPS_DB_PASSWORD": {"postgres"} | AIRFLOW,
        "AIRFLOW_ADMIN_PASSWORD": {"airflow-init"},
    }
    for variable, expected in needed.items():
        holders = {
            name for name, service in services.items() if secrets[variable] in yaml.safe_dump(service, width=10**6)
        }
        assert holders == expected, variable
    assert "PASSWORD" not in yaml.safe_dump({name: service.get("command") for name, service in services.items()})


def test_every_state_lies_on_a_named_volume(services: Services, config: dict[str, Any]) -> None:
    assert set(config["volumes"]) == {"postgres", "mlflow-artifacts", "registry", "airflow-logs", "store", "inbox"}
    for name in AIRFLOW:
        mounted = yaml.safe_dump(services[name]["volumes"])
        assert "/opt/airflow/store" in mounted, name
        assert "/opt/airflow/logs" in mounted, name


def test_every_variable_is_documented() -> None:
    text = (ROOT / "docs" / "team-installation.md").read_text()
    variables = set(re.findall(r"\$\{([A-Z_]+)", SOURCE))
    assert sorted(name for name in variables if f"`{name}`" not in text) == []


def test_made_secrets_are_fresh_long_and_safe_in_urls_and_json() -> None:
    first, second = made_env(), made_env()
    assert set(first) == set(SECRETS)
    for name in SECRETS:
        assert first[name] != second[name]
        assert re.fullmatch(r"[A-Za-z0-9_-]{43,}=?", first[name]), name
    # HS512 wants a key as long as its hash.
    assert len(first["AIRFLOW_JWT_SECRET"]) >= 64


def test_the_made_fernet_key_encrypts() -> None:
    from cryptography.fernet import Fernet

    fernet = Fernet(made_env()["AIRFLOW_FERNET_KEY"])
    assert fernet.decrypt(fernet.encrypt(b"text")) == b"text"
