"""Makes access tokens of Google accounts with google-auth: service account files, workload identity, the machine's own.

Blocks: for worker threads only. The library is imported by the first call, and nothing of what it says is quoted but
the codes of OAuth.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Mapping
from datetime import UTC
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from proxy.core.access import Token
from proxy.core.accounts import GoogleAccount
from proxy.core.failure import Failure
from proxy.core.secret import Secret
from proxy.credentials.oauth import GOOGLE_SCOPE, error_codes, parse_google_file
from proxy.upstream.issuing import ANSWER_S, CONNECT_S, Ask, Network, away, network_failure, refused

if TYPE_CHECKING:
    import requests
    from google.auth.credentials import Credentials

# Source: google-auth 2.62.2 google/auth/aws.py, read 2026-11-20.
AWS_SUBJECT = "urn:ietf:params:aws:token-type:aws4_request"
LIFETIME_S = 3600.0  # of a token that does not say when it ends


def google_token(ask: Ask) -> Token | Failure:
    """Ask Google for an access token of a `GoogleAccount`."""
    from google.auth.exceptions import DefaultCredentialsError, GoogleAuthError, RefreshError, TransportError
    from google.auth.transport.requests import Request

    assert isinstance(ask.account, GoogleAccount)
    session = _session(ask.network)
    request = partial(Request(session), timeout=(CONNECT_S, ANSWER_S))  # instead of the library's two minutes
    try:
        credentials = _credentials(ask.account, request)
        credentials.refresh(request)
    except TransportError as error:
        return network_failure(error)
    except RefreshError as error:
        codes = error_codes(str(error.args))
        is_passing = error.retryable and not codes
        return away("Google's token endpoint failed") if is_passing else refused(codes or "Google refuses the account")
    except DefaultCredentialsError:
        return refused("no Google credentials that can be used were found: set credentials_file")
    except OSError as error:
        return refused(f"the credentials file cannot be read ({error.strerror})")
    except (GoogleAuthError, ValueError):
        return refused("the Google credentials cannot be used")
    finally:
        session.close()
    return _token(credentials, ask)


def _credentials(account: GoogleAccount, request: Callable[..., Any]) -> Credentials:
    """Load the account anew: its file may have been replaced."""
    import google.auth

    if account.credentials_file is None:
        found, _ = google.auth.default(scopes=[GOOGLE_SCOPE], request=request)
        return found
    content = Path(account.credentials_file).read_bytes()
    kind, document = parse_google_file(content).type, json.loads(content)
    loader = _loader(kind, document)
    if loader is not None:
        return loader(document, scopes=[GOOGLE_SCOPE])
    with warnings.catch_warnings():  # that a file from elsewhere is to be checked first; this one is the operator's
        warnings.simplefilter("ignore", DeprecationWarning)
        found, _ = google.auth.load_credentials_from_dict(document, scopes=[GOOGLE_SCOPE], request=request)
    return found


def _loader(kind: str, document: Mapping[str, Any]) -> Callable[..., Credentials] | None:
    """Find what reads a file of this type without asking for the project, which needs a right and a host of its own."""
    from google.auth import aws, identity_pool, pluggable
    from google.oauth2 import credentials, service_account

    loader: Callable[..., Credentials] | None = None
    match kind:
        case "service_account":
            loader = service_account.Credentials.from_service_account_info
        case "authorized_user":
            loader = credentials.Credentials.from_authorized_user_info
        case "external_account" if document.get("subject_token_type") == AWS_SUBJECT:
            loader = aws.Credentials.from_info
        case "external_account" if "executable" in (document.get("credential_source") or {}):
            loader = pluggable.Credentials.from_info
        case "external_account":
            loader = identity_pool.Credentials.from_info
    return loader


def _session(network: Network) -> requests.Session:
    import requests

    session = requests.Session()
    session.trust_env = network.uses_environment
    session.proxies.update(network.proxies)
    if network.ca_file:
        session.verify = network.ca_file
    return session


def _token(credentials: Credentials, ask: Ask) -> Token:
    expiry = credentials.expiry  # UTC, without saying so
    wall_s = expiry.replace(tzinfo=UTC).timestamp() if expiry else ask.wall_s + LIFETIME_S
    return Token(Secret(credentials.token), ask.monotonic(wall_s))
