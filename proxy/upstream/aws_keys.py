"""Finds AWS keys by botocore's chain: a profile, SSO, an assumed role, a web identity, a process, container, instance.

Blocks: for worker threads only. The library is imported by the first call and used for nothing else; nothing of what it
says is quoted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from proxy.core.access import SigningKeys
from proxy.core.accounts import AwsAccount
from proxy.core.failure import Failure
from proxy.core.secret import Secret
from proxy.upstream.issuing import ANSWER_S, CONNECT_S, Ask, Network, network_failure, refused

if TYPE_CHECKING:
    from botocore.session import Session

METADATA_S = 2  # for each request to an instance's or a container's metadata service
TRIES = 2
UNKNOWN_LIFE_S = 900.0  # of temporary keys that do not say when they end


def aws_keys(ask: Ask) -> SigningKeys | Failure:
    """Find the keys of an `AwsAccount` that has none of its own."""
    from botocore.exceptions import BotoCoreError, ClientError, ConnectionError, HTTPClientError

    account = ask.account
    assert isinstance(account, AwsAccount)
    try:
        found = _session(account, ask.network).get_credentials()
        frozen = found.get_frozen_credentials() if found else None
    except (ConnectionError, HTTPClientError) as error:
        return network_failure(error)
    except ClientError as error:
        return refused(f"AWS refuses the account ({_code(error)})")
    except BotoCoreError as error:  # the names of its types say what is wrong, its texts may hold paths and URLs
        return refused(f"the AWS chain failed ({type(error).__name__})")
    except OSError as error:
        return refused(f"a file of the AWS chain cannot be read ({error.strerror})")
    if found is None or frozen is None:
        return refused("the AWS chain found no keys (profile, SSO, web identity, container, instance): set aws_profile")
    return SigningKeys(
        frozen.access_key,
        Secret(frozen.secret_key),
        Secret(frozen.token) if frozen.token else None,
        _ends_s(found, ask),
    )


def _session(account: AwsAccount, network: Network) -> Session:
    """Begin a new session: it reads the files anew and has nothing in its own memory to answer from."""
    from botocore.config import Config
    from botocore.session import Session

    session = Session(profile=account.profile)
    session.set_config_variable("region", account.region)
    session.set_config_variable("metadata_service_timeout", METADATA_S)
    session.set_config_variable("metadata_service_num_attempts", TRIES)
    if network.ca_file:
        session.set_config_variable("ca_bundle", network.ca_file)
    proxies = None if network.uses_environment else network.proxies
    retries = {"total_max_attempts": TRIES, "mode": "standard"}
    session.set_default_client_config(
        Config(connect_timeout=CONNECT_S, read_timeout=ANSWER_S, retries=retries, proxies=proxies)
    )
    return session


def _ends_s(found: Any, ask: Ask) -> float | None:  # noqa: ANN401 - any of botocore's credential types
    from botocore.credentials import RefreshableCredentials

    if not isinstance(found, RefreshableCredentials):
        return None
    # Nothing public says it. Source: botocore 1.44.5 botocore/credentials.py, read 2026-11-20.
    expiry = getattr(found, "_expiry_time", None)
    return ask.monotonic(expiry.timestamp() if expiry else ask.wall_s + UNKNOWN_LIFE_S)


def _code(error: Any) -> str:  # noqa: ANN401 - botocore is imported only where it is used
    code = str(error.response.get("Error", {}).get("Code", ""))
    return code if code.isalnum() else "no reason given"
