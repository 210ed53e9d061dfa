"""The rules of a gateway without keys: only a program of this machine may call it, never a web page or a proxy.

A browser can be made to send requests to 127.0.0.1 by any page it shows; the Host, Origin and Sec-Fetch-Site rules keep
such pages and DNS rebinding out (DESIGN.md section 14).
"""

from __future__ import annotations

from collections.abc import Mapping

from proxy.core.call import Takes
from proxy.core.errors import NotPermitted, UnsupportedEncoding
from proxy.core.snapshot import Server
from proxy.edge.exchange import Exchange

_LOCAL_HOSTS = frozenset({b"localhost", b"127.0.0.1", b"[::1]"})
# What proxies and tunnels add: one that runs on this machine makes the world local.
_FORWARDED = frozenset(
    {
        b"forwarded",
        b"via",
        *[b"x-forwarded-" + what for what in (b"for", b"host", b"proto", b"port", b"server", b"prefix", b"scheme")],
        *[b"x-original-" + what for what in (b"host", b"url", b"forwarded-for")],
        b"x-real-ip",
        b"x-client-ip",
        b"x-cluster-client-ip",
        b"cf-connecting-ip",
        b"true-client-ip",
        b"fastly-client-ip",
        b"fly-client-ip",
    }
)
_FORM = b"multipart/form-data"
_ALSO_TAKEN: Mapping[Takes, tuple[bytes, ...]] = {
    Takes.JSON: (),
    Takes.FORM: (_FORM,),
    Takes.RESOURCE: (_FORM, b""),  # much of it has no body
    Takes.TUNNEL: (b"",),
}
_HINT = (
    "Make a client key (`fairlead keys create NAME`, or [[auth.keys]]) to serve anyone but programs of this machine."
)


def check_open_mode(headers: Mapping[bytes, bytes], server: Server) -> None:
    """Refuse what a local program would not send.

    Raises:
        NotPermitted: A foreign Host, a cross-site Origin or Sec-Fetch-Site, or a forwarded header.
    """
    host = headers.get(b"host", b"").lower()
    if _host_name(host) not in _LOCAL_HOSTS:
        raise NotPermitted(f"Without keys this gateway answers to localhost only. {_HINT}")
    origin = headers.get(b"origin")
    if origin is not None and not _is_own(origin.lower(), host, server):
        raise NotPermitted(f"Without keys this gateway refuses requests from web pages of other sites. {_HINT}")
    site = headers.get(b"sec-fetch-site")
    if site not in (None, b"same-origin", b"none") and origin is None:
        raise NotPermitted(f"Without keys this gateway refuses requests from web pages of other sites. {_HINT}")
    if not _FORWARDED.isdisjoint(headers):
        raise NotPermitted(f"Without keys this gateway refuses forwarded requests. {_HINT}")


def check_body(exchange: Exchange) -> None:
    """Refuse bodies that a web form could send without a preflight.

    Where an endpoint wants a form, a web page's own is kept out by `check_open_mode` alone: a browser says where each
    form comes from.

    Raises:
        UnsupportedEncoding: The content type is neither application/json nor one that the endpoint wants.
    """
    media_type = exchange.headers.get(b"content-type", b"").partition(b";")[0].strip().lower()
    if media_type != b"application/json" and media_type not in _ALSO_TAKEN[exchange.asked.endpoint.takes]:
        raise UnsupportedEncoding("Send the body with 'Content-Type: application/json'.")


def _host_name(host: bytes) -> bytes:
    name, _, port = host.rpartition(b":")
    return name if name and port.isdigit() else host


def _is_own(origin: bytes, host: bytes, server: Server) -> bool:
    if origin.decode("latin-1") in server.cors_origins:
        return True
    scheme, _, authority = origin.partition(b"://")
    return scheme in (b"http", b"https") and authority == host
