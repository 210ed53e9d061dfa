"""Files as people get them wrong: every problem is told at once, once, where it is, and without a value.

The same loading serves `fairlead serve`, `fairlead check` and a reload.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations
from pathlib import Path

import pytest

from proxy.core.errors import ConfigError
from proxy.core.snapshot import Problem
from proxy.settings.load import load_snapshot
from proxy.telemetry.redact import Redactor
from tests.unit.settings.documents import build

PLANTED = "PLNT"
SECRET = "planted-PLNT-0123456789"
GOOD = f"""
[providers.p]
kind = "openai"
api_key = "{SECRET}"
[providers.o]
kind = "ollama"
[models.m]
providers = ["p"]
"""
CI = f'[[auth.keys]]\nname = "ci"\nkey = "{SECRET}"\n'
LOCAL_PROGRAM = '[providers.c]\nkind = "openai_compatible"\n'

# What is written wrongly, in a file that is right otherwise: where it is told.
MISTAKES: Mapping[str, tuple[str, list[str]]] = {
    # [server]
    "server-typos": (
        '[server]\nprot = 1\nhost_name = "x"\nmax_inflight = 2\n',
        ["server.prot", "server.host_name", "server.max_inflight"],
    ),
    "section-in-capitals": ("[Server]\nport = 1\n", ["Server"]),
    "section-as-list": ("[[server]]\nport = 1\n", ["server"]),
    "section-as-value": ("server = 8080\n", ["server"]),
    "keys-above-all-sections": ('port = 8080\nhost = "x"\n', ["port", "host"]),
    "section-of-others": ("[litellm_settings]\n[loging]\n", ["litellm_settings", "loging"]),
    "port-as-words": ('[server]\nport = "http"\n', ["server.port"]),
    "port-below-0": (
        "[server]\nport = -1\nmetrics_port = 70000\ndrain_s = -5\n",
        ["server.port", "server.metrics_port", "server.drain_s"],
    ),
    "numbers-without-end": (
        "[server]\nport = 99999999999999999999999\nmax_body_bytes = 1e300\n",
        ["server.port", "server.max_body_bytes"],
    ),
    "units-in-values": (
        '[server]\nmax_body_bytes = "32MB"\ndrain_s = "2m"\n',
        ["server.max_body_bytes", "server.drain_s"],
    ),
    "units-in-names": ("[server]\ndrain_ms = 5\nmax_body_mb = 32\n", ["server.drain_ms", "server.max_body_mb"]),
    "switch-as-word": ('[server]\ndirect_models = "yess"\n', ["server.direct_models"]),
    "keys-that-clash-beside-a-typo": (
        "[server]\nport = 9090\nmetrics_port = 9090\ndrain_s = 1\nmax_buffered_bytes = 2048\nhostt = 1\n",
        ["server.metrics_port", "server.drain_s", "server.max_buffered_bytes", "server.hostt"],
    ),
    "clash-with-what-cannot-be-read": ('[server]\ndrain_s = 1\ndrain_delay_s = "5s"\n', ["server.drain_delay_s"]),
    "origins": (
        '[server]\ncors_origins = ["chat.example.com", "https://a.b/c", "*", "https://*.b"]\n',
        ["server.cors_origins[0]", "server.cors_origins[1]", "server.cors_origins[3]"],
    ),
    "one-origin": ('[server]\ncors_origins = "*"\n', ["server.cors_origins"]),
    "url-as-host": ('[server]\nhost = "http://127.0.0.1"\n', ["server.host"]),
    "port-in-host": ('[server]\nhost = "127.0.0.1:8080"\n', ["server.host"]),
    "empty-host": ('[server]\nhost = ""\n', ["server.host"]),
    "unset-host-and-port": ('[server]\nhost = "${HOSTT}"\nport_env = "PORTT"\n', ["server.host", "server.port_env"]),
    "options": (
        '[server]\nexpose = "none"\nlog_level = "warn"\nbroken_events = 3\n',
        ["server.expose", "server.log_level", "server.broken_events"],
    ),
    "folder-with-a-nul": ('[server]\ndata_dir = "/tmp/a\\u0000b"\n', ["server.data_dir"]),
    # [auth]
    "auth-typos": (f'[auth]\nmod = "keys"\nadmin_tokn = "{SECRET}"\n', ["auth.mod", "auth.admin_tokn"]),
    "weak-secrets": (
        '[auth]\nadmin_token = "PLNT"\n[[auth.keys]]\nname = "a"\nkey = "PLNT1"\n'
        '[[auth.keys]]\nname = "a"\nkey = "PLNT1"\n',
        ["auth.admin_token", "auth.keys[0].key", "auth.keys[1].name", "auth.keys[1].key", "auth.keys[1].key"],
    ),
    "weak-secret-behind-other-mistakes": (
        f'{CI}rpm = 0\n[[auth.keys]]\nnme = "b"\nkey = "PLNT"\n[[auth.keys]]\nname = "c"\n'
        f'[[auth.keys]]\nname = "d"\nkey_sha256 = "PLNT"\n[[auth.keys]]\nname = "e"\nkey = "{SECRET}e"\n'
        f'key_sha256 = "{"0" * 64}"\n',
        [
            "auth.keys[0].rpm",
            "auth.keys[1].nme",
            "auth.keys[1].key",
            "auth.keys[2].key",
            "auth.keys[3].key_sha256",
            "auth.keys[4].key_sha256",
        ],
    ),
    "keys-as-table": (f'[auth.keys]\nname = "a"\nkey = "{SECRET}"\n', ["auth.keys"]),
    "keys-as-strings": (f'[auth]\nkeys = ["{SECRET}"]\n', ["auth.keys[0]"]),
    "keys-of-unset-variables": (
        '[[auth.keys]]\nname = "a"\nkey = "${CI_KEY}"\nrpm = 0\n[[auth.keys]]\nname = "b"\nkey_env = "CI_KEY2"\n'
        'expires_at = "tomorrow"\n',
        ["auth.keys[0].key", "auth.keys[0].rpm", "auth.keys[1].key_env", "auth.keys[1].expires_at"],
    ),
    "empty-key-and-name": (
        f'[[auth.keys]]\nname = "a"\nkey = ""\n[[auth.keys]]\nname = ""\nkey = "{SECRET}"\n',
        ["auth.keys[0].key", "auth.keys[1].name"],
    ),
    "limits-of-0": (
        f'{CI}rpm = 0\ntpm = -1\nparallel = 0\nbudget_usd_day = -1\nbudget_usd_month = "5 USD"\n',
        [
            "auth.keys[0].rpm",
            "auth.keys[0].tpm",
            "auth.keys[0].parallel",
            "auth.keys[0].budget_usd_day",
            "auth.keys[0].budget_usd_month",
        ],
    ),
    "globs": (
        f'{CI}models = ["", "m[", "m"]\nproviders = "p"\n',
        ["auth.keys[0].models[0]", "auth.keys[0].models[1]", "auth.keys[0].providers"],
    ),
    "open-off-loopback-with-a-weak-token": (
        '[server]\nhost = "0.0.0.0"\n[auth]\nmode = "none"\nadmin_token = "PLNT"\n',
        ["auth.mode", "auth.admin_token"],
    ),
    # [database], [redis], [ledger], [alerts], [defaults]
    "database": (
        '[database]\nurl = "mysql://u:PLNT@h/d"\nconfig_source = "files"\npool = 4\n',
        ["database.url", "database.config_source", "database.pool"],
    ),
    "password-with-an-at": ('[database]\nurl = "postgresql://u:PL@PLNT@h/d"\n', ["database.url"]),
    "redis": (
        '[redis]\nurl = "localhost:6379/PLNT"\nexpected_replicas = 0\n',
        ["redis.url", "redis.expected_replicas"],
    ),
    "ledger": (
        '[ledger]\nmode = "spol"\non_full = 1\nfsync_s = "1s"\nretention_days = 0\nretention = 1\n',
        ["ledger.mode", "ledger.on_full", "ledger.fsync_s", "ledger.retention_days", "ledger.retention"],
    ),
    "alerts": (
        '[alerts]\nwebhook_url = "alerts.example.com/PLNT"\nsecret = "PLNT"\nhook = "x"\n',
        ["alerts.webhook_url", "alerts.secret", "alerts.hook"],
    ),
    "defaults": (
        '[defaults]\nmax_attempts = 0\ndeadline_s = "10m"\ntimeouts = { connect = 5, idle_s = "x" }\n'
        "breaker = { failure_ratio = 50, windw_s = 1 }\n",
        [
            "defaults.max_attempts",
            "defaults.deadline_s",
            "defaults.timeouts.connect",
            "defaults.timeouts.idle_s",
            "defaults.breaker.failure_ratio",
            "defaults.breaker.windw_s",
        ],
    ),
    "tables-as-values": ('[defaults]\nbreaker = "off"\ntimeouts = 30\n', ["defaults.breaker", "defaults.timeouts"]),
    # [providers]
    "much-in-one-provider": (
        '[providers.x]\nkind = "opnai"\nbas_url = "x"\napi_key = ""\npriorty = 2\npriority = "high"\ntransport = "h2"\n'
        "limits = { rpm = 0, tmp = 5 }\ntimeouts = { connect_s = 0 }\n",
        [
            "providers.x.kind",
            "providers.x.bas_url",
            "providers.x.api_key",
            "providers.x.priorty",
            "providers.x.priority",
            "providers.x.transport",
            "providers.x.limits.rpm",
            "providers.x.limits.tmp",
            "providers.x.timeouts.connect_s",
        ],
    ),
    "wrong-and-of-another-kind": (
        '[providers.x]\nkind = "openai"\napi_key = "${NOPE}"\nbase_url = "api.openai.com/v1"\nregion = "eu-west-1"\n'
        'args = ["a"]\nheaders = { Host = "PLNT", "X Y" = "PLNT" }\nforward_headers = ["authorization"]\n'
        'ca_file = "/nope.pem"\n',
        [
            "providers.x.api_key",
            "providers.x.base_url",
            "providers.x.region",
            "providers.x.args",
            "providers.x.headers.Host",
            'providers.x.headers."X Y"',
            "providers.x.forward_headers[0]",
            "providers.x.ca_file",
        ],
    ),
    "no-kind": (
        '[providers.x]\napi_key = ""\nca_file = "/nope"\n',
        ["providers.x.api_key", "providers.x.ca_file", "providers.x.kind"],
    ),
    "kind-as-number": ('[providers.x]\nkind = 5\napi_key = ""\n', ["providers.x.kind", "providers.x.api_key"]),
    "kind-in-capitals": ('[providers.x]\nkind = "OpenAI"\napi_key = "PLNT"\n', ["providers.x.kind"]),
    "keys-in-capitals": (
        '[providers.x]\nKind = "openai"\nApi_Key = "PLNT"\n',
        ["providers.x.Kind", "providers.x.Api_Key"],
    ),
    "keys-with-hyphens": (
        '[providers.x]\nkind = "openai"\napi-key = "PLNT"\nbase-url = "https://x/v1"\n',
        ["providers.x.api-key", "providers.x.base-url"],
    ),
    "keys-of-other-gateways": (
        '[providers.x]\nkind = "openai"\napi_base = "https://x/v1"\napi_key = "os.environ/OPENAI_API_KEY"\n',
        ["providers.x.api_base", "providers.x.api_key"],
    ),
    "variables-that-are-none": (
        '[providers.x]\nkind = "openai"\napi_key = "${A"\n[providers.y]\nkind = "openai"\napi_key = "$OPENAI_API_KEY"\n'
        '[providers.z]\nkind = "openai"\napi_key = "PLNT"\napi_key_env = "A"\n'
        '[providers.zz]\nkind = "openai"\napi_key_env = "sk-PLNT-4242"\n',
        ["providers.x.api_key", "providers.y.api_key", "providers.z.api_key_env", "providers.zz.api_key_env"],
    ),
    "optional-and-wrong-otherwise": (
        '[providers.x]\nkind = "openai"\noptional = true\napi_key = "${NOPE}"\nbase_url = "nope"\npriorty = 1\n',
        ["providers.x.base_url", "providers.x.priorty"],
    ),
    "provider-as-list": ('[[providers.x]]\nkind = "ollama"\n', ["providers.x"]),
    "provider-names": (
        '[providers."my provider"]\nkind = "openai"\napi_key = ""\n[providers."a/b"]\nkind = "ollama"\n',
        ['providers."my provider"', 'providers."my provider".api_key', 'providers."a/b"'],
    ),
    "no-urls": (
        "".join(
            f'[providers.u{place}]\nkind = "openai_compatible"\nbase_url = "{url}"\n'
            for place, url in enumerate(
                ("htp://x", "https//x", "http://", "http://x:99999", "https://u:PLNT@x", "https://x?k=PLNT", "x:8000")
            )
        ),
        [f"providers.u{place}.base_url" for place in range(7)],
    ),
    "urls-that-lead-nowhere": (
        '[providers.a]\nkind = "openai_compatible"\nbase_url = "http://x/v1/v1"\n'
        '[providers.b]\nkind = "openai_compatible"\nbase_url = "http://x/v1/chat/completions"\n'
        '[providers.c]\nkind = "openai"\nbase_url = "https://api.openai.com"\napi_key = "PLNT-c"\n'
        '[providers.d]\nkind = "openai"\nbase_url = "http://api.openai.com/v1"\napi_key = "PLNT-d"\n'
        '[providers.e]\nkind = "azure"\nbase_url = "https://r.openai.azure.com/openai/deployments/x"\n'
        'api_key = "PLNT-e"\n',
        [f"providers.{name}.base_url" for name in "abcde"],
    ),
    "azure": (
        '[providers.a]\nkind = "azure"\n[providers.b]\nkind = "azure"\nendpoint = "https://r.openai.azure.com"\n',
        ["providers.a.base_url", "providers.a.api_key", "providers.b.endpoint", "providers.b.api_key"],
    ),
    "bedrock": (
        '[providers.b]\nkind = "bedrock"\n[providers.c]\nkind = "bedrock"\naws_access_key_id = "PLNT"\n'
        '[providers.d]\nkind = "bedrock"\nregion = "europe west"\naws_secret_access_key = "PLNT"\n'
        '[providers.e]\nkind = "bedrock"\naws_region = "eu-west-1"\napi_key = "PLNT"\n',
        [
            "providers.b.region",
            "providers.c.aws_access_key_id",
            "providers.c.region",
            "providers.d.region",
            "providers.d.aws_secret_access_key",
            "providers.e.aws_region",
        ],
    ),
    "vertex": (
        '[providers.v]\nkind = "vertex"\n[providers.w]\nkind = "vertex"\nproject = "x"\nlocation = "eu west"\n'
        'credentials_file = "/nope.json"\n[providers.x]\nkind = "vertex"\nproject_id = "x"\n',
        ["providers.v.project", "providers.w.location", "providers.w.credentials_file", "providers.x.project_id"],
    ),
    "two-places-for-keys": (
        '[providers.x]\nkind = "openai"\napi_key = "PLNT"\napi_keys = ["PLNT-b", "PLNT-b", ""]\n',
        ["providers.x.api_keys", "providers.x.api_keys[1]", "providers.x.api_keys[2]"],
    ),
    "lists-of-keys": (
        '[providers.a]\nkind = "openai"\napi_keys = []\n[providers.b]\nkind = "openai"\napi_keys = "PLNT"\n'
        '[providers.c]\nkind = "openai"\napi_key = ["PLNT"]\n'
        '[providers.d]\nkind = "openai"\napi_keys = ["${UA}", "", "${UB}"]\n',
        [
            "providers.a.api_keys",
            "providers.b.api_keys",
            "providers.c.api_key",
            "providers.d.api_keys[0]",
            "providers.d.api_keys[1]",
            "providers.d.api_keys[2]",
        ],
    ),
    "program-without-a-port": (f'{LOCAL_PROGRAM}command = "sh"\nargs = ["--port", "8000"]\n', ["providers.c.args"]),
    "program-as-list": (
        f'{LOCAL_PROGRAM}command = ["sh"]\nargs = "--port {{port}}"\nstart = "now"\nstart_s = 0\n',
        ["providers.c.command", "providers.c.args", "providers.c.start", "providers.c.start_s"],
    ),
    "arguments-of-no-program": (
        f'{LOCAL_PROGRAM}args = ["{{port}}"]\nstart = "eager"\n',
        ["providers.c.args", "providers.c.start"],
    ),
    "native-transport-with-a-proxy": (
        '[providers.x]\nkind = "ollama"\ntransport = "native"\nproxy_url = "ftp://u:PLNT@x"\nclient_cert = "/nope"\n',
        ["providers.x.transport", "providers.x.proxy_url", "providers.x.client_cert"],
    ),
    "quota-markers": (
        '[providers.x]\nkind = "ollama"\nquota_markers = ["", 5, {}, { code = "PLNT" }]\n',
        [f"providers.x.quota_markers[{place}]" for place in range(3)],
    ),
    # [models]
    "unknown-providers": (
        '[models.a]\nproviders = ["q", "opnai"]\n[models.b]\ncandidates = [{ provider = "pp", model = "x" }, '
        '{ provider = "p", model = "x", wieght = 2 }, { provider = "p", model = "x" }, { provider = "p" }, '
        '{ model = "y" }, { provider = "zz", model = 5 }]\n',
        [
            "models.a.providers[0]",
            "models.a.providers[1]",
            "models.b.candidates[0].provider",
            "models.b.candidates[1].wieght",
            "models.b.candidates[2].provider",
            "models.b.candidates[3].model",
            "models.b.candidates[4].provider",
            "models.b.candidates[5].provider",
            "models.b.candidates[5].model",
        ],
    ),
    "much-in-one-model": (
        '[models.a]\nproviders = ["q"]\nrotation = "robin"\nalias = ["x"]\nfallbacks = ["a", "nope"]\n'
        'default = "yes!"\n',
        [
            "models.a.providers[0]",
            "models.a.rotation",
            "models.a.alias",
            "models.a.fallbacks[0]",
            "models.a.fallbacks[1]",
            "models.a.default",
        ],
    ),
    "aliases": (
        '[models.a]\nproviders = ["p"]\naliases = ["m", "z", "z", "w*", "a"]\n'
        '[models.b]\nproviders = ["p"]\naliases = ["z", 5, "b"]\n',
        [
            "models.a.aliases[0]",
            "models.a.aliases[2]",
            "models.a.aliases[3]",
            "models.a.aliases[4]",
            "models.b.aliases[0]",
            "models.b.aliases[1]",
            "models.b.aliases[2]",
        ],
    ),
    "defaults-of-models": (
        '[models.a]\nproviders = ["p"]\ndefault = true\n[models.b]\nproviders = ["q"]\n'
        'default = true\naliases = ["m"]\n',
        ["models.b.providers[0]", "models.b.default", "models.b.aliases[0]"],
    ),
    "both-forms-and-neither": (
        '[models.a]\nproviders = ["q"]\ncandidates = [{ provider = "r", model = "x" }]\n[models.b]\n'
        '[models.c]\nmodel = "y"\ncandidates = [{ provider = "p", model = "x" }]\n',
        [
            "models.a.providers",
            "models.a.providers[0]",
            "models.a.candidates[0].provider",
            "models.b",
            "models.c.model",
        ],
    ),
    "models-as-values": ('[models]\na = "gpt-4o"\nb = ["p"]\n', ["models.a", "models.b"]),
    "stars": (
        '[models."a*b"]\nproviders = ["p"]\n[models."c-*"]\nproviders = ["q"]\naliases = ["x"]\ndefault = true\n'
        '[models.e]\nmodel = "x-{*}"\nproviders = ["p", "o"]\n'
        '[models.f]\ncandidates = [{ provider = "p", model = "x*", weight = 0 }]\n',
        [
            'models."a*b"',
            'models."c-*".providers[0]',
            'models."c-*".aliases',
            'models."c-*".default',
            "models.e.model",
            "models.f.candidates[0].model",
            "models.f.candidates[0].weight",
        ],
    ),
    "strings-for-lists": (
        '[models.a]\nproviders = "p"\naliases = "x"\nfallbacks = "m"\n',
        ["models.a.providers", "models.a.aliases", "models.a.fallbacks"],
    ),
    "candidates": (
        '[models.a.candidates]\nprovider = "p"\n[models.b]\ncandidates = ["p"]\n[models.c]\ncandidates = []\n',
        ["models.a.candidates", "models.b.candidates[0]", "models.c.candidates"],
    ),
    "nameless": (
        '[models.""]\nproviders = ["q"]\naliases = ["", "a b"]\n',
        ['models.""', 'models."".providers[0]', 'models."".aliases[0]', 'models."".aliases[1]'],
    ),
    "names-in-pieces": (
        '[models.gpt-4.1]\nproviders = ["p"]\n[prices.p.gpt-4o]\ninput_usd_per_mtok = 1\n'
        '[providers.a.b]\nkind = "ollama"\n',
        ["models.gpt-4.1", "prices.p.gpt-4o", "providers.a.b"],
    ),
    # [prices]
    "prices": (
        '[prices."q/x"]\ninput_usd_per_mtok = 1\n[prices.x]\ninput = 1\n[prices."p/"]\n[prices."p/x"]\n'
        'input_usd_per_mtok = -1\noutput_usd_per_mtok = "1$"\n',
        [
            'prices."q/x"',
            "prices.x",
            "prices.x.input",
            'prices."p/"',
            'prices."p/x".input_usd_per_mtok',
            'prices."p/x".output_usd_per_mtok',
        ],
    ),
    "variants": (
        '[prices."p/x"]\ninput_usd_per_mtok = 1\n'
        'variants = [{ service_tier = "flex" }, { service_tier = "flex", x = 1 }, '
        "{ above_tokens = -5 }, { above_tokens = 5, output_usd_per_mtok = 3 }]\n",
        [
            'prices."p/x".variants[1]',
            'prices."p/x".variants[1].x',
            'prices."p/x".variants[2].above_tokens',
            'prices."p/x".variants[3]',
        ],
    ),
}

# Without the rest of a good file.
ALONE: Mapping[str, tuple[str, list[str]]] = {
    "nothing": ("", ["providers"]),
    "models-alone": ('[models.m]\nproviders = ["p"]\n', ["models.m.providers[0]", "providers"]),
    "providers-as-list": ('[[providers]]\nname = "p"\n[models.m]\nproviders = ["p"]\n', ["providers"]),
    "provider-in-the-singular": ('[provider.p]\nkind = "ollama"\n[models.m]\nproviders = ["p"]\n', ["provider"]),
    "keys-without-a-name": (
        '[providers]\nkind = "openai"\napi_key = "PLNT-0"\n',
        ["providers.kind", "providers.api_key"],
    ),
    "models-as-list": (
        '[[models]]\nname = "m"\nproviders = ["q"]\n[providers.p]\nkind = "ollama"\n',
        ["models"],
    ),
}


def told(path: Path, text: str, environ: Mapping[str, str] | None = None) -> list[Problem]:
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load_snapshot(path, environ or {}, strict=True, simulator_url=None, version=1)
    return [problem for problem in caught.value.problems if not problem.warning]


@pytest.mark.parametrize(
    ("text", "places"),
    [
        *(pytest.param(text + GOOD, places, id=name) for name, (text, places) in MISTAKES.items()),
        *(pytest.param(text, places, id=name) for name, (text, places) in ALONE.items()),
    ],
)
def test_every_mistake_is_told_at_once_where_it_is(tmp_path: Path, text: str, places: list[str]) -> None:
    path = tmp_path / "f.toml"
    problems = told(path, text)
    assert sorted(problem.where.removeprefix(f"{path}: ") for problem in problems) == sorted(places)
    for problem in problems:
        assert problem.found and problem.expected and problem.fix
        assert PLANTED not in str(problem) and "\n" not in str(problem)
        assert Redactor()(str(problem)) == str(problem)  # nothing that a log would mask
        assert problem.expected != "a valid value"  # the words for what nobody thought of


@pytest.mark.parametrize("name", [name for name in MISTAKES if "provider" in name or "urls" in name])
def test_a_mistake_in_a_row_leaves_the_others_serving(tmp_path: Path, name: str) -> None:
    path = tmp_path / "f.toml"
    path.write_text(MISTAKES[name][0] + GOOD)
    made = load_snapshot(path, {}, strict=False, simulator_url=None, version=1)
    assert list(made.providers) == ["p", "o"] and "m" in made.models
    assert len([problem for problem in made.problems if not problem.warning]) == len(MISTAKES[name][1])


def test_problems_come_in_the_order_of_the_file(tmp_path: Path) -> None:
    text = (
        '[models.b]\nrotaton = 1\nproviders = ["p"]\n'
        + GOOD
        + "[server]\ndrain_s = 1\nport = -1\nx = 1\n[ledger]\ny = 1"
    )
    places = [problem.where.rpartition(": ")[2] for problem in told(tmp_path / "f", text, {"FAIRLEAD_PORT": "x"})]
    assert places == ["FAIRLEAD_PORT", "models.b.rotaton", "server.drain_s", "server.port", "server.x", "ledger.y"]


@pytest.mark.parametrize(
    ("text", "fix"),
    [
        pytest.param("[[server]]\nport = 1", "write [server] once, in single brackets", id="section-as-list"),
        pytest.param(f'[auth.keys]\nkey = "{SECRET}"', "write [[auth.keys]] in double brackets", id="list-as-table"),
        pytest.param('[auth]\nkeys = ["x"]', "write [[auth.keys]] for each entry", id="list-of-strings"),
        pytest.param("port = 8080", "put it below [server]", id="key-above-all-sections"),
        pytest.param('[providers]\nkind = "openai"', "write [providers.NAME] above it", id="keys-without-a-name"),
        pytest.param('[models.gpt-4.1]\nproviders = ["p"]', 'write [models."gpt-4.1"]', id="dot-in-a-name"),
        pytest.param("[prices.p.x]\ninput_usd_per_mtok = 1", 'write [prices."p/x"]', id="price-in-pieces"),
        pytest.param('[server]\ndrain_s = "2m"', "write the seconds as a number alone", id="unit"),
        pytest.param('[server]\nhost = ["a"]', "write one string, without brackets", id="list-for-string"),
        pytest.param('[providers.x]\nkind = "OpenAI"', 'did you mean "openai"?', id="capitals"),
        pytest.param('[providers.x]\nendpoint = "x"', 'did you mean "base_url"?', id="word-of-others"),
        pytest.param('[auth]\nadmin_token_env = "sk-PLNT-4242"', "takes the name of a variable", id="value-as-name"),
        pytest.param('[auth]\nadmin_token = "$TOKEN"', "write ${ before its name", id="shell-variable"),
        pytest.param("[models.x]\nfallbacks = ['x']", "remove it", id="fallback-to-itself"),
    ],
)
def test_the_fix_says_what_to_write(tmp_path: Path, text: str, fix: str) -> None:
    rest = "" if text.startswith("[providers]") else GOOD
    assert any(fix in problem.fix for problem in told(tmp_path / "f.toml", f"{text}\n{rest}"))


# One mistake a row, each in keys of its own, none of which another needs.
OF_PROVIDER = (
    'kind = "opnai"',
    'api_key = ""',
    'base_url = "https://x/v1/v1"',
    "priority = -1",
    "priorty = 1",
    'region = "eu"',
    'args = ["x"]',
    "limits = { rpm = 0, x = 1 }",
    'timeouts = { connect_s = "x" }',
    'breaker = "off"',
    'headers = { "X Y" = "a" }',
    'forward_headers = ["ok", "authorization"]',
    'ca_file = "/nope"',
    'quota_markers = ["a", {}]',
    'tags = "x"',
    'enabled = "${NOPE}"',
)
OF_MODEL = (
    'providers = ["p", "q"]',
    'aliases = ["m", "a b", "ok", 5]',
    'fallbacks = ["nope", "x", "m"]',
    'rotation = "x"',
    'alias = "x"',
    'model = "x*"',
    'capabilities = { tools = "x", tool = 1 }',
    "timeouts = 5",
    'default = "${NOPE}"',
)
OF_CANDIDATE = (
    'provider = "q"',
    'model = "x*"',
    "weight = 0",
    'priority = "first"',
    "wieght = 1",
    "timeouts = { connect_s = 0 }",
    'capabilities = { tools = "x" }',
)
OF_CLIENT_KEY = (
    'name = ""',
    'key = "short"',
    "rpm = 0",
    "modles = []",
    'models = ["", "m"]',
    'expires_at = "tomorrow"',
    'budget_usd_day = "5$"',
    'owner = "${NOPE}"',
)


@pytest.mark.parametrize(
    ("head", "base", "mistakes"),
    [
        pytest.param("[providers.x]", ('kind = "openai"', f'api_key = "{SECRET}"'), OF_PROVIDER, id="provider"),
        pytest.param("[models.x]", ('providers = ["p"]',), OF_MODEL, id="model"),
        pytest.param("[[models.x.candidates]]", ('provider = "p"', 'model = "x"'), OF_CANDIDATE, id="candidate"),
        pytest.param("[[auth.keys]]", ('name = "x"', f'key = "{SECRET}"'), OF_CLIENT_KEY, id="client-key"),
    ],
)
def test_no_mistake_in_a_row_hides_another(head: str, base: tuple[str, ...], mistakes: tuple[str, ...]) -> None:
    def places(*lines: str) -> set[str]:
        keys = {line.partition(" ")[0]: line for line in (*base, *lines)}
        return {p.where for p in build("\n".join((GOOD, head, *keys.values()))).problems if not p.warning}

    alone = {line: places(line) for line in mistakes}
    assert all(alone.values())
    for first, second in combinations(mistakes, 2):
        assert places(first, second) == alone[first] | alone[second], (first, second)
    assert places(*mistakes) == set().union(*alone.values())
