"""Requests to a running gateway, for the commands that ask or steer one. Never prints the token."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from proxy.cli.refusal import Refusal

TIMEOUT_S = 10.0
UNAUTHORIZED = 401


class Gateway:
    """A running gateway, and what opens it: the admin token, or a client key."""

    def __init__(self, url: str, token: str) -> None:
        self._url = url.rstrip("/")
        self._token = token

    def get(self, path: str, params: Mapping[str, str] | None = None) -> Any:  # noqa: ANN401 # JSON of the gateway
        return self._send("GET", path, params=params)

    def post(self, path: str, body: Mapping[str, object]) -> Any:  # noqa: ANN401 # JSON of the gateway
        return self._send("POST", path, json=body)

    def _send(self, method: str, path: str, **rest: Any) -> Any:  # noqa: ANN401 # passed through
        import httpx

        bearer = f"Bearer {self._token}".encode(errors="surrogateescape")
        headers = {b"authorization": bearer} if self._token else {}
        try:
            with httpx.Client(timeout=TIMEOUT_S, trust_env=False) as client:
                answer = client.request(method, self._url + path, headers=headers, **rest)
        except (httpx.InvalidURL, httpx.UnsupportedProtocol) as exc:
            raise Refusal(f"--url {self._url}: not a URL; expected one such as http://127.0.0.1:8080") from exc
        except httpx.LocalProtocolError as exc:  # its words show the header
            given_by = _given_by(path)
            raise Refusal(f"{given_by}: it holds what no header may, such as a line break; correct it") from exc
        except httpx.HTTPError as exc:
            raise Refusal(f"{self._url}: {_reason(exc)}; is a gateway running there? Pass --url") from exc
        try:
            body = answer.json()
        except ValueError as exc:
            raise Refusal(f"{self._url}: the answer is not JSON; is that a Fairlead gateway? Pass --url") from exc
        if answer.is_success:
            return body
        hint = f" Pass it by {_given_by(path)}." if answer.status_code == UNAUTHORIZED else ""
        raise Refusal(f"{self._url}: {answer.status_code}: {_message(body)}{hint}")


def _given_by(path: str) -> str:
    """How to give this command what the gateway asks for."""
    return "--token or $FAIRLEAD_ADMIN_TOKEN" if path.startswith("/admin") else "--key or $FAIRLEAD_KEY"


def _reason(error: Exception) -> str:
    return str(error) or type(error).__name__


def _message(body: object) -> str:
    error = body.get("error") if isinstance(body, dict) else None
    message = error.get("message") if isinstance(error, dict) else None
    return str(message) if message else "refused without a reason"
