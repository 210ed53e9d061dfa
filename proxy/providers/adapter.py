"""One client request turned into the HTTP request that one candidate of it wants.

Rebuilt from the original call for every attempt; never changes the call, never lets a client choose a base URL, a
credential or a header that is not on an allow-list. The body is always written anew from the members that were parsed,
so that what was judged is what is sent, even where a client wrote a member twice.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import SplitResult, quote, urlencode, urlsplit

from msgspec import Raw, Struct
from msgspec.structs import replace

from proxy import __version__
from proxy.core.access import Access
from proxy.core.call import GENERATING, Call, Dialect, EndpointSpec, Gives, Headers, Operation, Takes
from proxy.core.failure import SIGNATURES
from proxy.core.ports import UpstreamRequest, UpstreamRoute
from proxy.core.snapshot import Candidate, Credential, Provider
from proxy.core.translation import Target, Untranslatable
from proxy.credentials.header import credential_headers
from proxy.providers import codecs
from proxy.providers.apis import Api
from proxy.providers.betas import HEADER, flags_of, without_flags
from proxy.providers.dialects import account_of, is_sealed, translate_request
from proxy.providers.kinds import KINDS, Kind
from proxy.providers.steering import leave_out_twins
from proxy.translate.gemini.reading import both_spellings
from proxy.wire.headers import ALWAYS_FORWARDED, upstream_headers
from proxy.wire.jsonbody import join_object, raw, split_object
from proxy.wire.multipart import rewritten
from proxy.wire.typedjson import check_utf8, members_of
from proxy.wire.websocket import HANDSHAKE, PROTOCOL

_STREAM_OPTIONS = "stream_options"
_VERSION = b"anthropic-version"
# Anthropic's later versions refuse what this one takes; what a client of its dialect names wins.
ANTHROPIC_VERSION = b"2023-06-01"
_UNFIT_IDS = re.compile(rb'"(?:tool_call_)?id"\s*:\s*"(?![a-zA-Z0-9]{9}")')
_BETA = b"anthropic-beta"
_ASKING = frozenset({_BETA, b"openai-beta"})
_INCLUDE_USAGE = raw({"include_usage": True})
_CODED = frozenset({Operation.EMBEDDINGS, Operation.RERANK})
_JSON = b"application/json"

# They belong to a connection or to the body that is written here, so a provider's `headers` cannot set them.
_FRAMING = frozenset({b"host", b"connection", b"content-length", b"transfer-encoding", b"te", b"trailer", b"upgrade"})


class Prepared(Struct, frozen=True, eq=False):
    """A request ready to be sent.

    Attributes:
        dropped: Members and headers of the client's that were left out of it, by names that it may have made up.
        api: Which of the vendor's dialects it is in.
        is_translated: Its answer must be taken through the hub.
        access: What it was signed with, where that is not a key of the configuration.
    """

    request: UpstreamRequest
    api: Api
    dropped: tuple[str, ...] = ()
    is_translated: bool = False
    access: Access | None = None


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class _Route:
    """What all requests of one candidate, credential and endpoint share. Holds the secret: no repr."""

    kind: Kind
    api: Api
    upstream: UpstreamRoute
    model: Raw
    names_model: bool
    drops: frozenset[str]  # what the provider does not want, as its client or the vendor calls it
    unwanted: frozenset[str]
    client_headers: frozenset[bytes]
    target: Target
    version: bytes
    asks_usage: bool
    is_translated: bool
    is_apart: bool
    may_be_sealed: bool  # nothing but a chat holds signatures that could be taken out
    ids: re.Pattern[bytes] | None  # finds ids of calls that it refuses, which only the hub makes fit
    is_own: bool  # it speaks the client's dialect, and at the vendor whose dialect that is


def build(call: Call, candidate: Candidate, credential: Credential | None, edit: tuple[str, ...] = ()) -> Prepared:
    """Build the request for one attempt, not signed yet where its credential signs.

    Args:
        call: As the edge parsed it.
        candidate: Of a kind that serves the call's operation.
        credential: One of the candidate's provider; None sends none.
        edit: Top-level members and beta flags to leave out, beside those its kind refuses and its provider drops.

    Raises:
        Undecodable: The client's request is not of its dialect.
        Untranslatable: What it asks for cannot be said in the vendor's dialect.
        ValueError: The provider's base URL, headers or credential cannot be sent; the configuration refuses such.
    """
    return build_as(KINDS[candidate.provider.kind], call, candidate, credential, edit)


def build_as(
    kind: Kind, call: Call, candidate: Candidate, credential: Credential | None, edit: tuple[str, ...] = ()
) -> Prepared:
    """Build the request as for a provider of this kind; see `build`."""
    route = _route(kind, candidate, credential, call.endpoint, call.stream)
    upstream = _with_query(call, route.upstream) if call.query and route.is_own else route.upstream
    extra = upstream_headers(call.headers, route.client_headers) if call.headers else ()
    if edit:
        extra = without_flags(extra, edit)
    if route.version and not any(name == _VERSION for name, _ in extra):
        extra = (*extra, (_VERSION, route.version))
    if route.is_apart or (
        route.may_be_sealed and (SIGNATURES in edit or is_sealed(call) or (route.ids and route.ids.search(call.body)))
    ):
        request = UpstreamRequest(upstream, extra, b"")
        is_passed = route.api.dialect is Dialect.PASSED
        return _passed(call, route, request, edit) if is_passed else _translated(call, route, request, edit)
    members, dropped = _members(call, call.fields, route, edit)
    if call.headers:
        dropped += _unsaid(call, route)
    if edit and flags_of(edit):
        dropped += (HEADER.decode(),)
    return Prepared(UpstreamRequest(upstream, extra, join_object(members)), route.api, dropped)


def _translated(call: Call, route: _Route, request: UpstreamRequest, edit: tuple[str, ...]) -> Prepared:
    """Take the request through the hub; then it is edited as any other of its dialect.

    What the provider drops are the client's members, which the vendor may have under other names or inside others.
    """
    check_utf8(call.body)
    unwanted = tuple(name for name in call.fields if name in route.drops and name != "model")
    if unwanted:
        kept = {name: value for name, value in call.fields.items() if name not in unwanted}
        call = replace(call, fields=kept, body=join_object(kept))
    if call.endpoint.operation in _CODED:
        encoded = codecs.encode_request(call, route.api.dialect, route.target)
    else:
        encoded = translate_request(call, route.api.dialect, route.target, edit)
    members, dropped = _members(call, members_of(encoded.body), route, edit)
    extra = _with_betas(request.extra, encoded.betas) if encoded.betas else request.extra
    dropped = tuple(dict.fromkeys((*unwanted, *encoded.dropped, *dropped, *_unsaid(call, route))))
    request = UpstreamRequest(request.route, extra, join_object(members))
    return Prepared(request, route.api, dropped, route.is_translated)


def _with_betas(headers: Headers, betas: tuple[str, ...]) -> Headers:
    """Add what the body needs to what the client asks for, in one header: some servers read the first line alone."""
    asked = [value.decode("latin-1") for name, value in headers if name == _BETA]
    told = {flag.strip() for value in asked for flag in value.split(",")}
    value = ",".join([*asked, *(beta for beta in betas if beta not in told)])
    return (*(pair for pair in headers if pair[0] != _BETA), (_BETA, value.encode("latin-1")))


def _passed(call: Call, route: _Route, request: UpstreamRequest, edit: tuple[str, ...]) -> Prepared:
    """Let a request pass as it came, but for its model's name and what is unwanted."""
    takes, form, content_type = call.endpoint.takes, call.form, call.content_type
    upstream, body = request.route, call.body
    dropped: tuple[str, ...] = ()
    if form is not None:
        unwanted = route.unwanted.union(edit) - {"model"}
        body = rewritten(body, form, "model", route.target.model.encode(), unwanted)
        dropped = tuple(dict.fromkeys(part.name for part in form.parts if part.name in unwanted))
    elif takes is Takes.RESOURCE:
        upstream = _resource(call, route.upstream)
    elif takes is not Takes.TUNNEL:
        members, dropped = _members(call, call.fields, route, edit)
        body, content_type = join_object(members), _JSON if takes is Takes.FORM else b""
    extra = (*request.extra, (b"content-type", content_type)) if content_type else request.extra
    return Prepared(UpstreamRequest(upstream, extra, body), route.api, dropped)


def _resource(call: Call, route: UpstreamRoute) -> UpstreamRoute:
    path, mark, query = route.target.partition("?")
    route = replace(route, method=call.method, target=path + call.path + mark + query)
    return _with_query(call, route) if call.query else route


def _unsaid(call: Call, route: _Route) -> tuple[str, ...]:
    """Name the client's headers that ask for something and are for another vendor."""
    return tuple([name.decode() for name, _ in call.headers if name in _ASKING and name not in route.client_headers])


def _members(
    call: Call, fields: Mapping[str, Raw], route: _Route, edit: tuple[str, ...]
) -> tuple[dict[str, Raw], tuple[str, ...]]:
    if route.names_model:
        members = {**fields, "model": route.model}
    else:
        members = {name: value for name, value in fields.items() if name != "model"}
    if route.api.adds:
        members.update(route.api.adds)
    unwanted = route.unwanted.union(edit) if edit else route.unwanted
    dropped: tuple[str, ...] = ()
    if not unwanted.isdisjoint(members):
        dropped = tuple([name for name in members if name in unwanted and name != "model"])
        for name in dropped:
            del members[name]
    if route.kind.any_case:
        dropped += leave_out_twins(members, unwanted)
    if route.kind.renames:
        dropped += _rename(members, route.kind)
    if call.stream and route.asks_usage and not call.include_usage:
        _ask_for_usage(members, unwanted)
    return members, dropped


def _rename(members: dict[str, Raw], kind: Kind) -> tuple[str, ...]:
    """Give members the vendor's names; one whose new name the client used too is left out."""
    dropped = []
    for old, new in kind.renames.items():
        if old not in members:
            continue
        value = members.pop(old)
        if new in members and bytes(members[new]) != b"null":
            dropped.append(old)
        else:
            members[new] = value
    return tuple(dropped)


def _ask_for_usage(members: dict[str, Raw], unwanted: frozenset[str]) -> None:
    """Add `include_usage` to the stream options, beside what the client has there."""
    if _STREAM_OPTIONS in unwanted:
        return
    options = members.get(_STREAM_OPTIONS)
    if options is None:
        members[_STREAM_OPTIONS] = _INCLUDE_USAGE
        return
    try:
        members[_STREAM_OPTIONS] = raw({**split_object(bytes(options)), "include_usage": True})
    except ValueError:
        # null means none; what is neither is the client's fault, which the upstream tells it.
        if bytes(options) == b"null":
            members[_STREAM_OPTIONS] = _INCLUDE_USAGE


def _with_query(call: Call, route: UpstreamRoute) -> UpstreamRoute:
    """Add the client's query parameters that the endpoint knows; the API version is the provider's alone."""
    kept = [pair for pair in call.query if pair[0] in call.endpoint.query and pair[0] != "api-version"]
    if not kept:
        return route
    added = ("&" if "?" in route.target else "?") + urlencode(kept)
    return replace(route, target=route.target + added)


@lru_cache(maxsize=4096)
def _route(
    kind: Kind, candidate: Candidate, credential: Credential | None, endpoint: EndpointSpec, stream: bool
) -> _Route:
    provider, operation = candidate.provider, endpoint.operation
    api = kind.api(operation, endpoint.dialect, candidate.model)
    if api is None:
        raise Untranslatable(f"The provider of this model does not serve {operation} in this dialect.", param="model")
    name = provider.deployment or candidate.model
    target = Target(name, account_of(provider), api.host, candidate.capabilities, kind.extensions)
    path = _path(provider, kind, api, operation, stream=stream)
    if "{method}" in path:
        path = path.replace("{method}", codecs.google_method(target, endpoint))
    base, place = _address(provider, (*api.trim, *kind.trim), path, name)
    headers = _fixed_headers(provider, credential, kind, _host(base), endpoint)
    is_tunnel = endpoint.takes is Takes.TUNNEL
    if is_tunnel and (provider.transport == "httpx" or provider.proxy_url is not None):
        raise Untranslatable("The provider of this model is reached in a way that no WebSocket goes.", param="model")
    is_chat = api.dialect is Dialect.OPENAI_CHAT
    # Google's vectors are asked for with the model's name inside the body, and on Vertex in other shapes.
    is_named = operation is Operation.EMBEDDINGS and api.dialect is Dialect.GEMINI
    is_translated = api.dialect is not endpoint.dialect or endpoint.array or (is_named and bool(api.host))
    is_google = Dialect.GEMINI in (endpoint.dialect, api.dialect)
    drops = kind.steers | (both_spellings(provider.drop_params) if is_google else provider.drop_params)
    forwarded = ALWAYS_FORWARDED | {name.encode() for name in provider.forward_headers}
    if api.dialect is endpoint.dialect:
        forwarded |= kind.forwards if api.forwards is None else api.forwards
    if is_tunnel:
        forwarded |= HANDSHAKE | {PROTOCOL}
    method, scheme = ("GET", base.scheme.replace("http", "ws")) if is_tunnel else ("POST", base.scheme)
    return _Route(
        kind=kind,
        api=api,
        upstream=UpstreamRoute(provider, method, f"{scheme}://{_host(base).decode()}", place, headers),
        model=raw(name),
        names_model=api.names_model(operation),
        drops=drops,
        unwanted=kind.rejects | drops if is_chat else drops,
        client_headers=frozenset(forwarded) - {name for name, _ in headers},
        target=target,
        version=b"" if api.dialect is not Dialect.ANTHROPIC or api.host else ANTHROPIC_VERSION,
        asks_usage=is_chat and kind.stream_usage and operation in GENERATING,
        is_translated=is_translated,
        is_apart=is_translated or is_named or api.dialect is Dialect.PASSED,
        may_be_sealed=operation is Operation.CHAT,
        ids=_UNFIT_IDS if is_chat and "nine_letter_ids" in kind.extensions else None,
        # Parameters and headers are of the dialect's own API; other hosts refuse those that they do not know.
        is_own=api.dialect is endpoint.dialect and not api.host,
    )


def _path(provider: Provider, kind: Kind, api: Api, operation: Operation, *, stream: bool) -> str:
    is_versioned = operation in kind.versioned_paths and api.dialect in (kind.dialect, Dialect.PASSED)
    if provider.api_version and is_versioned:
        versioned = kind.versioned_paths[operation]
        return f"{versioned}{'&' if '?' in versioned else '?'}{urlencode({'api-version': provider.api_version})}"
    return api.path(operation, stream=stream)


def _address(provider: Provider, trim: tuple[str, ...], path: str, name: str) -> tuple[SplitResult, str]:
    """Join base URL and path; give the split base URL and the target."""
    url = provider.base_url
    for end in trim:
        url = url.removesuffix(end)
    base = urlsplit(url)
    if base.scheme not in ("http", "https") or not base.hostname:
        raise ValueError(f"provider {provider.name} has no http or https base URL")
    if "{" in path:
        if name in (".", ".."):  # it would leave its place in the path
            raise Untranslatable("There is no such model.", param="model")
        named = {"model": name, "deployment": name, "project": provider.project, "location": provider.location}
        for place, value in named.items():
            path = path.replace("{" + place + "}", quote(value or "", safe=""))
    return base, base.path + path


def _host(base: SplitResult) -> bytes:
    """Name host and port without user or default port."""
    assert base.hostname is not None
    host = base.hostname.encode("idna")
    if b":" in host:
        host = b"[" + host + b"]"
    default = 443 if base.scheme == "https" else 80
    return host if base.port in (None, default) else b"%b:%d" % (host, base.port)


def _fixed_headers(
    provider: Provider, credential: Credential | None, kind: Kind, host: bytes, endpoint: EndpointSpec
) -> Headers:
    """Build what every request carries: a provider's own win over ours, its key over both."""
    usual = _usual_headers(endpoint)
    untouched = _FRAMING if b"content-type" in usual else _FRAMING | {b"content-type"}
    own = {name.encode(): value.encode() for name, value in provider.headers if name.encode() not in untouched}
    # What an account's credential sends is made anew from time to time: it belongs to a request, not to the route.
    is_key = credential is not None and credential.account is None
    signed = dict(credential_headers(kind.auth, credential.secret)) if credential and is_key else {}
    return tuple(
        {
            b"host": host,
            **usual,
            b"user-agent": b"fairlead/" + __version__.encode(),
            **own,
            **signed,
        }.items()
    )


def _usual_headers(endpoint: EndpointSpec) -> dict[bytes, bytes]:
    """What says how a body is sent and what is wanted; the type of a body that passes as it came is its own."""
    if endpoint.takes is Takes.TUNNEL:
        return {b"connection": b"Upgrade", b"upgrade": b"websocket"}
    accept = b"application/json, text/event-stream" if endpoint.gives is Gives.JSON else b"*/*"
    typed = {b"content-type": _JSON} if endpoint.takes is Takes.JSON else {}
    return {**typed, b"accept": accept, b"accept-encoding": b"identity"}
