"""The Helm chart: linted, rendered for each file of its ci/ folder, and every manifest validated strictly."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from proxy.settings.load import load_snapshot
from tests.fakes.tools import require_module

CHART = Path(__file__).parents[3] / "helm" / "fairlead"
CI_FILES = sorted((CHART / "ci").glob("*-values.yaml"))
# The oldest Kubernetes that Chart.yaml admits, and the newest whose schemas are bundled.
KUBERNETES = ["1.25", "1.37"]
NOT_BUILT_IN = {"ServiceMonitor"}

Values = Mapping[str, Any]
Manifest = dict[str, Any]

each_ci_file = pytest.mark.parametrize("path", CI_FILES, ids=lambda path: path.stem.removesuffix("-values"))


def read(path: Path) -> Values:
    values: Values = yaml.safe_load(path.read_text()) or {}
    return values


def render(values: Values) -> list[Manifest]:
    with require_module("helm_python").Chart.load(CHART) as chart:
        files = chart.render(dict(values), name="demo", namespace="gateways")
    texts = [text for name, text in files.items() if name.endswith(".yaml")]
    return [manifest for text in texts for manifest in yaml.safe_load_all(text) if manifest]


@cache
def rendered(path: Path) -> dict[str, Manifest]:
    """The manifests of one ci file by kind; a chart with two of a kind would need another key."""
    manifests = render(read(path))
    by_kind = {manifest["kind"]: manifest for manifest in manifests}
    assert len(by_kind) == len(manifests)
    return by_kind


def pod(path: Path) -> Manifest:
    spec: Manifest = rendered(path)["Deployment"]["spec"]["template"]["spec"]
    return spec


def ci_file(name: str) -> Path:
    return CHART / "ci" / f"{name}-values.yaml"


def test_there_are_ci_files() -> None:
    assert len(CI_FILES) >= 5


@each_ci_file
def test_chart_passes_strict_lint(path: Path) -> None:
    report = require_module("helm_python").lint(CHART, dict(read(path)), strict=True)
    severe = [message for message in report["messages"] if message["severity"] > 1]
    assert (report["total_charts_linted"], report["errors"], severe) == (1, [], [])


@each_ci_file
@pytest.mark.parametrize("version", KUBERNETES)
def test_every_manifest_is_valid(path: Path, version: str) -> None:
    validate = require_module("kubernetes_validate").validate
    manifests = [manifest for kind, manifest in rendered(path).items() if kind not in NOT_BUILT_IN]
    assert len(manifests) >= 3
    for manifest in manifests:
        validate(manifest, version, strict=True)


def test_validation_would_refuse_an_unknown_field() -> None:
    kubernetes_validate = require_module("kubernetes_validate")
    broken = rendered(ci_file("default"))["Service"] | {"speck": {}}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(broken, KUBERNETES[0], strict=True)


@pytest.mark.parametrize(
    ("name", "endpoint"),
    [
        pytest.param(
            "production",
            {"port": "metrics", "path": "/metrics", "interval": "30s", "scrapeTimeout": "10s"},
            id="own-port",
        ),
        pytest.param(
            "scraped-with-token",
            {
                "port": "http",
                "path": "/metrics",
                "interval": "30s",
                "scrapeTimeout": "10s",
                "authorization": {
                    "type": "Bearer",
                    "credentials": {"name": "fairlead", "key": "FAIRLEAD_ADMIN_TOKEN"},
                },
            },
            id="main-port-with-token",
        ),
    ],
)
def test_service_monitor_scrapes_the_service(name: str, endpoint: Manifest) -> None:
    manifests = rendered(ci_file(name))
    monitor, service = manifests["ServiceMonitor"], manifests["Service"]
    assert monitor["apiVersion"] == "monitoring.coreos.com/v1"
    assert set(monitor["spec"]) == {"selector", "namespaceSelector", "endpoints"}
    assert monitor["spec"]["endpoints"] == [endpoint]
    assert endpoint["port"] in {port["name"] for port in service["spec"]["ports"]}
    assert monitor["spec"]["selector"]["matchLabels"].items() <= service["metadata"]["labels"].items()


@each_ci_file
def test_everything_selects_the_pods(path: Path) -> None:
    manifests = rendered(path)
    labels = manifests["Deployment"]["spec"]["template"]["metadata"]["labels"].items()
    assert manifests["Deployment"]["spec"]["selector"]["matchLabels"].items() <= labels
    assert manifests["Service"]["spec"]["selector"].items() <= labels
    for kind, field in (("PodDisruptionBudget", "selector"), ("NetworkPolicy", "podSelector")):
        if kind in manifests:
            assert manifests[kind]["spec"][field]["matchLabels"].items() <= labels


@pytest.mark.parametrize("drain_s", [1, 120, 3600])
def test_kubernetes_waits_15_s_longer_than_the_drain(drain_s: int) -> None:
    manifests = {m["kind"]: m for m in render({"server": {"drainSeconds": drain_s}})}
    spec = manifests["Deployment"]["spec"]["template"]["spec"]
    assert spec["terminationGracePeriodSeconds"] == drain_s + 15
    assert f"drain_s = {drain_s}\n" in manifests["ConfigMap"]["data"]["fairlead.toml"]


@each_ci_file
def test_the_rendered_configuration_is_accepted(path: Path, tmp_path: Path) -> None:
    assert_accepted(rendered(path)["ConfigMap"], tmp_path)


def test_the_values_of_the_deployment_page_are_accepted(tmp_path: Path) -> None:
    (values,) = re.findall(r"```yaml\n(.*?)```", (CHART.parents[1] / "docs" / "deploy.md").read_text(), re.DOTALL)
    manifests = {manifest["kind"]: manifest for manifest in render(yaml.safe_load(values))}
    assert_accepted(manifests["ConfigMap"], tmp_path)


def assert_accepted(config_map: Manifest, tmp_path: Path) -> None:
    text = config_map["data"]["fairlead.toml"]
    file = tmp_path / "fairlead.toml"
    file.write_text(text.replace('"/var/lib/fairlead"', f'"{tmp_path}"'))
    names = re.findall(r"\$\{(\w+)\}", text)
    environ = {name: f"value-of-{name}-0123456789abcdef" for name in names}
    environ |= {name: "https://example.com" for name in names if name.endswith("_ENDPOINT")}
    environ |= {name: "postgresql://me@db.test/books" for name in names if name.endswith("_DATABASE_URL")}
    snapshot = load_snapshot(file, environ, strict=True, simulator_url="http://127.0.0.1:9", version=1)
    assert snapshot.models


@each_ci_file
def test_pods_meet_the_restricted_standard(path: Path) -> None:
    spec = pod(path)
    (container,) = spec["containers"]
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert spec["automountServiceAccountToken"] is False
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }


@each_ci_file
def test_no_service_of_the_namespace_sets_variables_of_the_gateway(path: Path) -> None:
    """For a service called `fairlead` Kubernetes would set FAIRLEAD_PORT to an address, and it would not start."""
    assert pod(path)["enableServiceLinks"] is False


@each_ci_file
def test_probes_ask_the_process_and_never_a_provider(path: Path) -> None:
    (container,) = pod(path)["containers"]
    asked = {name: container[name]["httpGet"]["path"] for name in container if name.endswith("Probe")}
    assert asked == {"startupProbe": "/readyz", "livenessProbe": "/livez", "readinessProbe": "/readyz"}


@each_ci_file
def test_the_data_folder_is_a_volume(path: Path) -> None:
    spec = pod(path)
    mounts = {mount["name"]: mount["mountPath"] for mount in spec["containers"][0]["volumeMounts"]}
    assert mounts["state"] == "/var/lib/fairlead"
    assert "subPath" not in str(spec["containers"][0]["volumeMounts"])
    assert set(mounts) == {volume["name"] for volume in spec["volumes"]}


def test_a_changed_configuration_replaces_the_pods_unless_told_otherwise() -> None:
    def annotations(**values: object) -> Manifest:
        (deployment,) = (m for m in render(values) if m["kind"] == "Deployment")
        found: Manifest = deployment["spec"]["template"]["metadata"].get("annotations", {})
        return found

    other = "[auth]\nmode = 'keys'"
    assert annotations() != annotations(config=other)
    assert annotations(rolloutOnConfigChange=False) == annotations(rolloutOnConfigChange=False, config=other) == {}


def test_an_autoscaled_deployment_names_no_replicas() -> None:
    assert rendered(ci_file("default"))["Deployment"]["spec"]["replicas"] == 1
    assert "HorizontalPodAutoscaler" not in rendered(ci_file("default"))
    assert "replicas" not in rendered(ci_file("production"))["Deployment"]["spec"]


def test_a_volume_for_one_pod_is_let_go_before_the_next_pod_starts() -> None:
    assert rendered(ci_file("persistent"))["Deployment"]["spec"]["strategy"] == {"type": "Recreate"}
    assert rendered(ci_file("default"))["Deployment"]["spec"]["strategy"]["type"] == "RollingUpdate"


@pytest.mark.parametrize(
    ("name", "secret", "url_key", "ring_key"),
    [
        pytest.param("production", "fairlead-database", "url", "secret-keys", id="usual-names"),
        pytest.param("postgres", "gateway-database", "uri", "FAIRLEAD_SECRET_KEYS", id="other-names"),
    ],
)
def test_database_and_its_secrets_come_from_a_secret_alone(name: str, secret: str, url_key: str, ring_key: str) -> None:
    (container,) = pod(ci_file(name))["containers"]
    taken = {row["name"]: row["valueFrom"]["secretKeyRef"] for row in container["env"] if "valueFrom" in row}
    assert taken == {
        "FAIRLEAD_DATABASE_URL": {"name": secret, "key": url_key},
        "FAIRLEAD_SECRET_KEYS": {"name": secret, "key": ring_key},
    }
    text = rendered(ci_file(name))["ConfigMap"]["data"]["fairlead.toml"]
    assert '[database]\nurl = "${FAIRLEAD_DATABASE_URL}"\n' in text


def test_without_a_database_nothing_is_asked_of_a_secret() -> None:
    (container,) = pod(ci_file("default"))["containers"]
    assert "env" not in container
    assert "[database]" not in rendered(ci_file("default"))["ConfigMap"]["data"]["fairlead.toml"]


def test_sqlite_on_a_volume_is_let_go_before_the_next_pod_opens_it() -> None:
    shared = {"enabled": True, "accessModes": ["ReadWriteMany"]}
    for database, strategy in (({}, "Recreate"), ({"existingSecret": "books"}, "RollingUpdate")):
        manifests = {m["kind"]: m for m in render({"persistence": shared, "database": database})}
        assert manifests["Deployment"]["spec"]["strategy"]["type"] == strategy


@pytest.mark.parametrize(
    ("values", "words"),
    [
        pytest.param({}, "they are lost with the pod", id="sqlite-in-the-pod"),
        pytest.param({"persistence": {"enabled": True}}, "on its volume: for one replica", id="sqlite-on-a-volume"),
        pytest.param({"database": {"existingSecret": "books"}}, "", id="postgres"),
    ],
)
def test_notes_say_where_keys_and_ledger_are(values: Values, words: str) -> None:
    with require_module("helm_python").Chart.load(CHART) as chart:
        files = chart.render(dict(values), name="demo", namespace="gateways")
    (notes,) = [text for name, text in files.items() if name.endswith("NOTES.txt")]
    assert words in notes
    assert ("in SQLite" in notes) == bool(words)
    assert ("rollout restart" in notes) == ("database" in values)
    assert "exec deploy/demo-fairlead -- fairlead keys create first" in notes


@pytest.mark.parametrize(
    ("values", "word"),
    [
        pytest.param({"config": "[server]\nport = 1"}, "server.extra", id="server-table-in-config"),
        pytest.param({"serviceMonitor": {"enabled": True}}, "tokenSecret", id="metrics-that-cannot-be-read"),
        pytest.param(
            {"persistence": {"enabled": True}, "replicaCount": 2}, "ReadWriteMany", id="one-volume-for-two-pods"
        ),
        pytest.param({"replicaCount": 2}, "needs PostgreSQL", id="a-ledger-for-each-pod"),
        pytest.param({"autoscaling": {"enabled": True}}, "needs PostgreSQL", id="a-ledger-for-each-scaled-pod"),
        pytest.param(
            {"replicaCount": 2, "config": '[database]\nurl = "sqlite:///fairlead.db"\n'},
            "needs PostgreSQL",
            id="a-file-for-each-pod",
        ),
        pytest.param({"server": {"port": 9090, "metricsPort": 9090}}, "another port", id="one-port-for-two"),
        pytest.param(
            {"config": "[database]\nurl = 'x'", "database": {"existingSecret": "books"}},
            "beside database.existingSecret",
            id="two-databases",
        ),
    ],
)
def test_values_that_cannot_work_are_refused_in_words(values: Values, word: str) -> None:
    with pytest.raises(require_module("helm_python").HelmError, match=word):
        render(values)


@pytest.mark.parametrize(
    "values",
    [
        pytest.param({"replicas": 2}, id="unknown-name"),
        pytest.param({"replicaCount": "two"}, id="text-for-a-number"),
        pytest.param({"server": {"drainSeconds": -1}}, id="negative-drain"),
        pytest.param({"server": {"port": 80}}, id="port-that-needs-root"),
        pytest.param({"server": {"metricPort": 9090}}, id="unknown-nested-name"),
        pytest.param({"config": ""}, id="empty-configuration"),
        pytest.param({"image": {"pullPolicy": "Sometimes"}}, id="unknown-pull-policy"),
        pytest.param({"persistence": {"accessModes": ["ReadOnlyMany"]}}, id="volume-that-cannot-be-written"),
        pytest.param({"podDisruptionBudget": {"maxUnavailable": 0}}, id="budget-that-blocks-every-drain"),
        pytest.param({"serviceMonitor": {"interval": 30}}, id="duration-without-a-unit"),
        pytest.param({"database": {"url": "postgresql://me:secret@db/books"}}, id="url-outside-of-a-secret"),
        pytest.param({"database": {"existingSecret": "Not A Name"}}, id="secret-of-no-name"),
        pytest.param({"database": {"urlKey": ""}}, id="empty-key-of-a-secret"),
    ],
)
def test_schema_refuses_wrong_values(values: Values) -> None:
    helm = require_module("helm_python")
    with helm.Chart.load(CHART) as chart, pytest.raises(helm.HelmValuesError):
        chart.validate_schema(dict(values))


def test_every_default_is_described_by_the_schema() -> None:
    with require_module("helm_python").Chart.load(CHART) as chart:
        chart.validate_schema(chart.values)
