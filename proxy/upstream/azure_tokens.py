"""Makes access tokens of Microsoft Entra with azure-identity: applications, workload and managed identities.

Blocks: for worker threads only. The library is imported by the first call, and nothing of what it says is quoted but
the codes of OAuth and Entra.
"""

from __future__ import annotations

from typing import Any

from proxy.core.access import Token
from proxy.core.accounts import EntraAccount
from proxy.core.failure import Failure
from proxy.core.secret import Secret
from proxy.credentials.oauth import error_codes
from proxy.upstream.issuing import ANSWER_S, CONNECT_S, Ask, Network, away, network_failure, refused

RETRIES = 2
SERVER_FAULT = 500


def entra_token(ask: Ask) -> Token | Failure:
    """Ask Entra for an access token of an `EntraAccount`."""
    from azure.core.exceptions import AzureError

    account = ask.account
    assert isinstance(account, EntraAccount)
    try:
        with _credential(account, ask.network) as credential:
            token = credential.get_token(account.scope)
    except AzureError as error:
        return _failure(error, account)
    except OSError as error:
        return refused(f"a file of the identity cannot be read ({error.strerror})")
    except ValueError:
        return refused("the identity is incomplete; set tenant_id and client_id")
    return Token(Secret(token.token), ask.monotonic(token.expires_on))


def _failure(error: BaseException, account: EntraAccount) -> Failure:
    """Judge an error by what lies beneath it: the library calls whatever fails an authentication error."""
    from azure.core.exceptions import ServiceRequestError, ServiceResponseError

    if codes := error_codes(str(error)):
        return refused(codes)
    beneath: BaseException | None = error
    while beneath is not None:
        if isinstance(beneath, ServiceRequestError | ServiceResponseError):
            return network_failure(beneath)
        if (getattr(beneath, "status_code", None) or 0) >= SERVER_FAULT:
            return away("Entra's token endpoint failed")
        beneath = beneath.__cause__ or beneath.__context__
    is_machine = account.client_secret is None and account.token_file is None
    nothing = "neither a managed identity nor a login of `az` was found: set tenant_id, client_id and client_secret"
    return refused(nothing if is_machine else "Entra refuses the account")


def _credential(account: EntraAccount, network: Network) -> Any:  # noqa: ANN401 - one of four of the library's types
    """Make the library's credential anew, so that it has nothing in its own memory to answer from."""
    from azure import identity

    settings = _settings(network)
    of_application = {
        "tenant_id": account.tenant_id,
        "client_id": account.client_id,
        "authority": account.authority,
        "disable_instance_discovery": True,  # one request more to a fixed host, that knows public clouds only
        **settings,
    }
    if account.client_secret is not None:
        return identity.ClientSecretCredential(client_secret=account.client_secret.reveal(), **of_application)
    if account.token_file is not None:
        return identity.WorkloadIdentityCredential(token_file_path=account.token_file, **of_application)
    return identity.DefaultAzureCredential(
        exclude_environment_credential=True,
        exclude_workload_identity_credential=True,
        exclude_shared_token_cache_credential=True,
        exclude_visual_studio_code_credential=True,
        exclude_powershell_credential=True,
        exclude_developer_cli_credential=True,
        exclude_broker_credential=True,
        managed_identity_client_id=account.client_id,
        authority=account.authority,
        **settings,
    )


def _settings(network: Network) -> dict[str, Any]:
    return {
        "connection_timeout": CONNECT_S,
        "read_timeout": ANSWER_S,
        "retry_total": RETRIES,
        "connection_verify": network.ca_file or True,
        "proxies": network.proxies or None,
        "use_env_settings": network.uses_environment,
    }
