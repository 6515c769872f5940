"""What is in ``deploy/``: it parses, it fits together, and the gateway takes the configuration that it gives."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]

from asbru.config.load import settings_of

DEPLOY = Path(__file__).resolve().parents[1] / "deploy"
CHART = DEPLOY / "helm" / "asbru"
TEMPLATES = sorted((CHART / "templates").glob("*.yaml"))
ENV = {"ASBRU_DB_HOST": "db", "ASBRU_DB_USER": "u", "ASBRU_DB_PASSWORD": "p", "ASBRU_DB_NAME": "d"}


def read(path: Path) -> Any:
    return yaml.safe_load(path.read_text())


def test_the_compose_file_fits_together() -> None:
    compose = read(DEPLOY / "compose.yaml")
    gateway = compose["services"]["gateway"]
    assert gateway["deploy"]["replicas"] == 3
    assert set(gateway["depends_on"]) <= set(compose["services"])
    assert ENV.keys() <= gateway["environment"].keys()
    for service in compose["services"].values():
        for volume in service.get("volumes", ()):
            source = volume.partition(":")[0]
            assert source in compose["volumes"] or (DEPLOY / source).is_file(), volume
    assert (DEPLOY / gateway["build"]["context"] / gateway["build"]["dockerfile"]).is_file()


def test_the_gateway_takes_the_configuration() -> None:
    database = settings_of(json.loads((DEPLOY / "config.json").read_text()), ENV).database
    assert database is not None
    assert (database.host, database.port, database.db_name, database.password) == ("db", 5432, "d", "p")


def named(template: str) -> set[str]:
    return set(re.findall(r"\.Values((?:\.\w+)+)", template))


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.stem)
def test_templates_name_only_values_that_are_there(path: Path) -> None:
    values = read(CHART / "values.yaml")
    for name in named(path.read_text()):
        found = values
        for word in name[1:].split("."):
            assert word in found, name
            found = found[word]


def test_every_value_is_used() -> None:
    used = {name[1:].partition(".")[0] for path in TEMPLATES for name in named(path.read_text())}
    assert used == set(read(CHART / "values.yaml"))


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.stem)
def test_templates_are_yaml_once_their_words_are_filled_in(path: Path) -> None:
    """As far as that can be told without Helm: whole-line actions removed, the others a word each."""
    lines = [line for line in path.read_text().splitlines() if not re.fullmatch(r"\s*\{\{-.*\}\}", line)]
    filled = re.sub(r'"\{\{.*?\}\}:\{\{.*?\}\}"|\{\{.*?\}\}', "word", "\n".join(lines))
    document = yaml.safe_load(filled)
    assert document["kind"] in ("ConfigMap", "Deployment", "Service")
    assert document["metadata"]["labels"]["app.kubernetes.io/name"] == "asbru"


def test_the_options_of_the_containers_are_those_of_serve() -> None:
    from asbru.cli import app

    serve = next(command for command in app.registered_commands if command.name == "serve")
    assert serve.callback is not None
    known = {name.replace("_", "-") for name in serve.callback.__annotations__}
    words = read(DEPLOY / "compose.yaml")["services"]["gateway"]["command"]
    words += re.findall(r"^ +- (--[\w-]+)$", (CHART / "templates" / "deployment.yaml").read_text(), re.MULTILINE)
    words += re.findall(r'"(--[\w-]+)"', (DEPLOY / "Dockerfile").read_text())
    asked = {word.removeprefix("--").removeprefix("no-") for word in words if word.startswith("--")}
    assert asked <= known
