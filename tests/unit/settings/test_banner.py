from __future__ import annotations

import json
import shlex
from dataclasses import replace

import pytest

from proxy.core.snapshot import Auth, ClientKey, Snapshot, StoredKey
from proxy.providers.examples import EXAMPLES
from proxy.settings.banner import NO_MODEL, banner
from proxy.settings.load import load_snapshot
from tests.unit.settings.documents import KEY, LOCAL, build

KEYED = f'[[auth.keys]]\nname = "ci"\nkey = "{KEY}"\n'
MODEL = LOCAL + '[models.m]\nproviders = ["local"]\n'


def found(**environ: str) -> Snapshot:
    """What is made of the environment alone."""
    return load_snapshot(None, environ, strict=False, simulator_url="http://127.0.0.1:9", version=1)


def lines(snapshot: Snapshot, host: str = "127.0.0.1") -> list[str]:
    return banner(snapshot, host, 8080).splitlines()


def told_curl(snapshot: Snapshot) -> list[str]:
    """The words of the line to try, as a shell reads them."""
    (line,) = [line for line in lines(snapshot) if line.startswith("  curl ")]
    return shlex.split(line)


@pytest.mark.parametrize(
    ("host", "url"),
    [
        pytest.param("127.0.0.1", "http://127.0.0.1:8080", id="loopback"),
        pytest.param("0.0.0.0", "http://127.0.0.1:8080", id="every-address"),
        pytest.param("::", "http://127.0.0.1:8080", id="every-address-of-both-kinds"),
        pytest.param("::1", "http://[::1]:8080", id="loopback-of-ipv6"),
        pytest.param("10.0.0.5", "http://10.0.0.5:8080", id="another-address"),
    ],
)
def test_banner_tells_an_address_that_can_be_asked(host: str, url: str) -> None:
    assert f" {url} (" in lines(build(MODEL), host)[0]


@pytest.mark.parametrize(
    ("snapshot", "source"),
    [
        pytest.param(build(MODEL), "providers from the configuration file", id="file"),
        pytest.param(found(OPENAI_API_KEY=KEY), "providers found in the environment: openai", id="environment"),
        pytest.param(
            found(OPENAI_API_KEY=KEY, OPENAI_BASE_URL="ftp://x"),
            "providers found in the environment: none that can serve",
            id="nothing-of-the-environment-serves",
        ),
        pytest.param(found(), "demo: two simulated providers, since no configuration and no", id="demo"),
    ],
)
def test_banner_tells_where_providers_come_from(snapshot: Snapshot, source: str) -> None:
    assert f"({source}" in lines(snapshot)[0]
    assert KEY not in banner(snapshot, "127.0.0.1", 8080)


@pytest.mark.parametrize(
    ("text", "note"),
    [
        pytest.param(MODEL, None, id="none"),
        pytest.param(MODEL + "rotatoin = 1", "1 note on the configuration: see the log or `fairlead check`.", id="one"),
        pytest.param(
            MODEL + 'rotatoin = 1\n[models.n]\nproviders = ["local"]\nx = 1',
            "2 notes on the configuration: see the log or `fairlead check`.",
            id="two",
        ),
    ],
)
def test_banner_counts_what_is_wrong(text: str, note: str | None) -> None:
    assert [line for line in lines(build(text)) if "on the configuration" in line] == ([note] if note else [])


def test_told_line_asks_the_default_model_else_the_first() -> None:
    other = '[models."it\'s"]\nproviders = ["local"]\n'
    for text, model in ((MODEL, "m"), (other, "it's"), (MODEL + other + "default = true", "it's")):
        *_, body = told_curl(build(text if LOCAL in text else LOCAL + text))
        assert json.loads(body)["model"] == model


def test_told_line_lists_models_where_no_name_is_configured() -> None:
    assert told_curl(build(LOCAL)) == ["curl", "http://127.0.0.1:8080/v1/models"]


def test_told_line_names_no_prefix_which_is_no_name() -> None:
    prefix = '[models."big-*"]\ncandidates = [{ provider = "local", model = "{*}" }]\n'
    assert told_curl(build(LOCAL + prefix)) == ["curl", "http://127.0.0.1:8080/v1/models"]
    *_, body = told_curl(build(LOCAL + prefix + '[models.m]\nproviders = ["local"]\n'))
    assert json.loads(body)["model"] == "m"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param(LOCAL, NO_MODEL, id="nothing-to-name"),
        pytest.param(LOCAL + "[server]\ndirect_models = true", 'for example "local/<model>".', id="direct"),
        pytest.param(MODEL, '"content": "Hello"}]}\'', id="a-model"),
    ],
)
def test_file_without_a_model_is_told_what_clients_may_send(text: str, said: str) -> None:
    assert lines(build(text))[-1].endswith(said)


def test_told_line_takes_the_key_of_a_guarded_gateway_from_the_environment() -> None:
    assert "Authorization: Bearer $FAIRLEAD_KEY" in told_curl(build(KEYED + MODEL))


LISTED = 'Send "provider/model" as the model; http://127.0.0.1:8080/v1/models lists them.'


@pytest.mark.parametrize(
    ("environ", "model"),
    [
        pytest.param({"OPENAI_API_KEY": KEY}, f"openai/{EXAMPLES['openai']}", id="openai"),
        pytest.param({"ANTHROPIC_API_KEY": KEY}, f"anthropic/{EXAMPLES['anthropic']}", id="anthropic"),
        pytest.param({"DASHSCOPE_API_KEY": KEY, "XAI_API_KEY": KEY}, f"xai/{EXAMPLES['xai']}", id="the-first-known"),
    ],
)
def test_told_line_asks_a_vendor_of_the_environment_for_a_model_that_it_has(
    environ: dict[str, str], model: str
) -> None:
    snapshot = found(**environ)
    *_, body = told_curl(snapshot)
    assert json.loads(body)["model"] == model
    assert lines(snapshot)[-1] == LISTED


@pytest.mark.parametrize(
    ("environ", "provider"),
    [
        pytest.param({"DASHSCOPE_API_KEY": KEY}, "qwen", id="vendor-whose-models-are-not-known"),
        pytest.param({"OPENAI_API_KEY": KEY, "OPENAI_BASE_URL": "http://127.0.0.1:9/v1"}, "openai", id="own-address"),
    ],
)
def test_told_line_lists_models_where_none_is_known(environ: dict[str, str], provider: str) -> None:
    snapshot = found(**environ)
    assert told_curl(snapshot) == ["curl", "http://127.0.0.1:8080/v1/models"]
    assert lines(snapshot)[-1] == f'Send "provider/model" as the model, for example "{provider}/<model>".'


def test_configured_model_is_told_before_one_that_a_vendor_has() -> None:
    direct = "[server]\ndirect_models = true\n"
    openai = f'[providers.openai]\nkind = "openai"\napi_key = "{KEY}"\n'
    *_, body = told_curl(build(direct + openai + '[models.m]\nproviders = ["openai"]\n'))
    assert json.loads(body)["model"] == "m"
    assert told_curl(build(openai)) == ["curl", "http://127.0.0.1:8080/v1/models"]


NOBODY = "No client key is known, so nobody may call: make one with `fairlead keys create NAME`."


@pytest.mark.parametrize(
    ("auth", "is_told"),
    [
        pytest.param(Auth("none"), False, id="open"),
        pytest.param(Auth("keys"), True, id="no-key"),
        pytest.param(Auth("keys", {"0" * 64: ClientKey("ci")}), False, id="key-of-the-file"),
        pytest.param(Auth("keys", stored={"0" * 64: StoredKey(ClientKey("ci"))}), False, id="stored-key"),
        pytest.param(Auth("keys", stored={"0" * 64: StoredKey(ClientKey("ci"), revoked=True)}), True, id="revoked"),
    ],
)
def test_gateway_that_nobody_may_call_says_what_to_do(auth: Auth, is_told: bool) -> None:
    assert (NOBODY in lines(replace(build(MODEL), auth=auth))) == is_told
