"""What people write wrongly about providers, models and prices, and where each mistake is told."""

from __future__ import annotations

from collections.abc import Mapping

LOCAL_PROGRAM = '[providers.c]\nkind = "openai_compatible"\n'

# What is written wrongly, in a file that is right otherwise: where it is told.
MISTAKES_IN_ROWS: Mapping[str, tuple[str, list[str]]] = {
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
