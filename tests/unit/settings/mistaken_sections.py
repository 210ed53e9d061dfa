"""What people write wrongly in the sections of a file, and where each mistake is told."""

from __future__ import annotations

from collections.abc import Mapping

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
# What is written wrongly, in a file that is right otherwise: where it is told.
MISTAKES_IN_SECTIONS: Mapping[str, tuple[str, list[str]]] = {
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
