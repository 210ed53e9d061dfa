"""Connections of clients: uvicorn's protocol, taught to answer proxied endpoints without ASGI.

Turns bytes of HTTP/1.1 into exchanges (`edge.exchange`) for the endpoints that a `Front` knows and into uvicorn's ASGI
calls for all else, one at a time and in their order. Knows nothing of what is asked or answered.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from time import monotonic
from typing import Any

from httptools import HttpParserError, HttpParserUpgrade, HttpRequestParser
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from proxy.core.call import Takes
from proxy.core.snapshot import Server as Listening
from proxy.edge.client_auth import handshake_headers
from proxy.edge.exchange import Caller, Cut, Exchange, PlainExchange
from proxy.edge.farewell import Deaf, FarewellProtocol
from proxy.edge.front import Front
from proxy.edge.known_head import KnownHead, known_head
from proxy.edge.tunnel import TunnelExchange, offers_websocket
from proxy.wire.headers import whole_lists

# Of a request's head: its lines, trailers included, and its bytes after the first read, which brings 256 KiB at most.
# A line costs twenty times its size, and whoever reaches the port may send some.
MAX_FIELDS = 200
MAX_HEAD_BYTES = 64 * 1024
MAX_WAITING = 8  # requests on one connection behind the one that is being answered, before reading stops
TOGETHER_BYTES = 16 * 1024  # up to which a piece of an answer waits for the others of its round
LESSONS = 4  # heads that are looked at to know the next by: behind another proxy each may be another client's
MAX_QUEUED = 64  # the same with those of the read that goes beyond it: thousands fit into one

_HEAD, _REST = "head", "rest"

Turn = Exchange | RequestResponseCycle


class _Tunnelled:
    """In the parser's place once what comes belongs to another protocol."""

    def __init__(self, exchange: TunnelExchange) -> None:
        self.feed_data = exchange.feed


class ClientConnection(FarewellProtocol):
    """A connection of a client; the `Wire` of its exchanges."""

    front: Front
    is_writable = False
    caller: Caller | None = None
    turn: Turn | None = None
    _reading: Exchange | None = None  # whose body is still to come
    _offered: TunnelExchange | None = None  # a handshake whose head has just come
    _unfinished: str | None = None  # the part of a message that is being read
    _known: KnownHead | None = None  # of a request before
    _lessons = LESSONS
    _growing: object = None  # the head (its list) or the body (its exchange) that did not come in one read
    _grown_bytes = 0  # of it: of a head, after its first read

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn has it
        super().connection_made(transport)
        self._write = transport.write
        self._outbox, self._call_soon = self.front.outbox, self.loop.call_soon
        self.is_writable = True
        self._waiting: deque[Turn] = deque()

    # Reading.

    def data_received(self, data: bytes) -> None:
        is_fresh = self.turn is None and self._unfinished is None
        if is_fresh and self._known is not None:
            exchange = self._known.read(data, self)
            if exchange is not None:
                return self._start(exchange)
        try:
            self.parser.feed_data(data)
        except HttpParserUpgrade as offer:
            self._switch(offer, data)
        except HttpParserError:
            self._refuse()
        if self._unfinished is not None:
            self._keep_small(len(data))
        elif is_fresh and self._lessons and isinstance(self.turn, Exchange) and not self._waiting:
            self._lessons -= 1
            self._known = known_head(data, self.turn)

    def on_message_begin(self) -> None:
        self.url = b""
        self.headers = []
        self._unfinished = _HEAD

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        """Whose is it? What is raised here is answered with 400."""
        parser, fields = self.parser, self.headers
        method, count = parser.get_method(), len(fields)
        if count > MAX_FIELDS:
            raise ValueError("too many header fields")
        if parser.should_upgrade():
            if method == b"CONNECT":
                raise ValueError("this is no tunnel")
            self._offered = self._tunnel(method)
            return  # `_switch` goes on
        asked = self.front.find(self.url)
        if asked is None:
            self._begin_asgi()
            return
        headers = dict(fields)
        if parser.get_http_version() >= "1.1":
            exchange = Exchange(self, asked, method, headers, parser.should_keep_alive())
        else:
            exchange = PlainExchange(self, asked, method, headers, keep_alive=False)
        if len(headers) != count:
            _check_host(fields)
            headers.update(whole_lists(fields))
            exchange.repeated = tuple(fields)
        self._unfinished, self._reading = _REST, exchange
        if self.turn is None:
            self._start(exchange)
        else:
            self._queue(exchange)

    def on_body(self, body: bytes) -> None:
        if self._reading is None:
            super().on_body(body)
        else:
            self._reading.pieces.append(body)

    def on_message_complete(self) -> None:
        exchange = self._reading
        if exchange is not None:
            exchange.is_whole = True
            if exchange.waiter is not None:
                exchange.wake()
            self._reading = None
        elif self._unfinished is _REST:
            super().on_message_complete()
        self._unfinished = None

    def _keep_small(self, size: int) -> None:
        """Bound what is held of a message that is not whole yet, and wake who waits for its body."""
        exchange = self._reading
        if len(self.headers) > MAX_FIELDS:
            self._refuse("The head of this request has too many fields.")
        elif self._unfinished is _HEAD:
            if self._growing is not self.headers:
                self._growing, self._grown_bytes = self.headers, 0
            else:
                self._grown_bytes += size
            if self._grown_bytes > MAX_HEAD_BYTES:
                self._refuse("The head of this request is too long.")
        elif exchange is None:
            return
        elif exchange.ended:  # answered already: the rest of its body is of no use
            exchange.pieces.clear()
        elif exchange.waiter is not None:
            exchange.wake()
            self._growing = None  # it takes what is there
        else:
            if self._growing is not exchange:
                self._growing, self._grown_bytes = exchange, 0
            self._grown_bytes += size
            if self._grown_bytes > HIGH_WATER_LIMIT:
                self.flow.pause_reading()

    def _begin_asgi(self) -> None:
        """Hand this request to uvicorn, which calls `_start_asgi_task`."""
        url, fields = self.url, self.headers
        _check_host(fields)
        super().on_message_begin()
        # A list of its own: trailers are appended to the other one, and are no headers (RFC 9110 section 6.5.1).
        self.url, self.headers, self.scope["headers"] = url, fields, fields.copy()
        self.expect_100_continue = any(name == b"expect" and value.lower() == b"100-continue" for name, value in fields)
        self.cycle = None  # type: ignore[assignment] # the turns are taken here, not there
        self._unfinished = _REST
        super().on_headers_complete()
        if self.expect_100_continue:  # whether a body follows is known once the answer is, and that is too late
            self.cycle.keep_alive = False

    def _tunnel(self, method: bytes) -> TunnelExchange | None:
        """Say whether a request that offers another protocol asks for what may be had; None = it is declined."""
        fields = self.headers
        headers = dict(fields) | whole_lists(fields)
        if method != b"GET" or self.parser.get_http_version() < "1.1" or not offers_websocket(headers):
            return None
        asked = self.front.find(self.url)
        if asked is None or asked.endpoint.takes is not Takes.TUNNEL:
            return None
        exchange = TunnelExchange(self, asked, method, headers, keep_alive=False, is_whole=True)
        _check_host(fields)
        exchange.repeated = handshake_headers(fields)
        return exchange

    def _switch(self, offer: HttpParserUpgrade, data: bytes) -> None:
        """Let a WebSocket have the connection from here on; decline what else is offered."""
        exchange, self._offered = self._offered, None
        if exchange is None:
            return self._decline(offer, data)
        self.parser = _Tunnelled(exchange)  # type: ignore[assignment] # for good
        exchange.feed(data[offer.args[0] :])
        if self.turn is None:
            self._start(exchange)
        else:
            self._queue(exchange)

    def _decline(self, offer: HttpParserUpgrade, data: bytes) -> None:
        """Read a request that offers another protocol again, without the offer (RFC 9110 section 7.8).

        uvicorn would lose its body, and Java's own client offers HTTP/2 with each of its unencrypted requests.
        """
        while True:
            version = self.parser.get_http_version().encode()
            start = b"%b %b HTTP/%b" % (self.parser.get_method(), self.url, version)
            fields = [b": ".join(field) for field in self.headers if field[0] != b"upgrade"]
            data = b"\r\n".join([start, *fields, b"", data[offer.args[0] :]])
            self.parser = HttpRequestParser(self)
            self.parser.set_dangerous_leniencies(lenient_data_after_close=True)  # as uvicorn has it
            try:
                return self.parser.feed_data(data)
            except HttpParserUpgrade as another:
                if self._offered is not None:
                    return self._switch(another, data)
                offer = another
            except HttpParserError:
                return self._refuse()

    def _refuse(self, why: str = "Invalid HTTP request received.") -> None:
        """What comes is no request: let what came before it be answered, and close.

        Only where nothing else is being answered there is a place for saying so.
        """
        self.logger.warning(why)
        bad: Turn | None = (self._reading or self.cycle) if self._unfinished is _REST else None
        self.parser = Deaf()  # type: ignore[assignment] # for good
        self._known, self._lessons = None, 0
        self._reading = self._unfinished = None
        if self._waiting and self._waiting[-1] is bad:
            self._waiting.pop()
        last = self._waiting[-1] if self._waiting else self.turn
        if last is not None and (last is not bad or _has_begun(last)):
            last.keep_alive = False
            return
        self.idle_since_s = monotonic()
        self.is_writable = False  # whoever waits for the rest of this body has nothing to say any more
        self.turn = None
        if isinstance(last, Exchange):
            last.cut_short(Cut.CLIENT_GONE)
            last.ended = True  # all that its client is told is said here
        elif last is not None:
            last.disconnected, last.waiting_for_100_continue = True, False
            last.message_event.set()
        if last is bad:
            self.send_400_response(why)
        else:  # it was answered before its end came
            self.hang_up()

    def hang_up(self) -> None:
        """See `FarewellProtocol`. Nothing that comes is part of a request, and no other is begun."""
        self._known, self._lessons = None, 0
        self._reading = self._unfinished = None
        self._waiting.clear()
        self._outbox.drop(self._write)  # nothing can be written behind the end; to try costs others what waits there
        super().hang_up()

    # Taking turns.

    def _start(self, exchange: Exchange) -> None:
        self.turn = exchange
        exchange.task = self.loop.create_task(self.front.serve(exchange))

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:  # noqa: ANN401 - uvicorn's signature
        if self.turn is None:
            self.turn = cycle
            super()._start_asgi_task(cycle, app)
        else:
            self._queue(cycle)

    def _queue(self, turn: Turn) -> None:
        if len(self._waiting) >= MAX_QUEUED:
            raise ValueError("too many requests at once")
        self._waiting.append(turn)
        if len(self._waiting) >= MAX_WAITING:
            self.flow.pause_reading()

    def on_response_complete(self) -> None:
        """An answer is over: turn to the next request."""
        self.turn = None
        self.idle_since_s = monotonic()
        if self._waiting or self.flow.read_paused:
            self._go_on()

    def _go_on(self) -> None:
        if self.transport.is_closing():
            return
        if self._waiting:
            turn = self._waiting.popleft()
            if isinstance(turn, Exchange):
                self._start(turn)
            else:
                self._start_asgi_task(turn, self.app)
        if len(self._waiting) < MAX_WAITING:
            self.flow.resume_reading()

    def shutdown(self) -> None:
        if self.turn is None:
            self.transport.close()
        else:
            last = self._waiting[-1] if self._waiting else self.turn
            last.keep_alive = False

    # What an exchange does with its wire.

    async def drained(self) -> None:
        while self.flow.write_paused:  # again, when it was paused before this task came to run
            await self.flow.drain()

    def pause_reading(self) -> None:
        self.flow.pause_reading()

    def resume_reading(self) -> None:
        self.flow.resume_reading()

    def write(self, data: bytes) -> None:
        self._outbox.put(self._call_soon, self._write, data)
        if len(data) > TOGETHER_BYTES:  # at once: that is how the transport comes to say that its client is slow
            self._outbox.flush()

    def finish(self, last: bytes) -> None:
        self._outbox.put(self._call_soon, self._finish, last)

    def _finish(self, last: bytes) -> None:
        turn = self.turn
        if turn is not None:
            self.transport.write(last)
            if not turn.keep_alive:
                if self._reading is turn or isinstance(self.parser, Deaf):
                    self.hang_up()
                else:
                    self.transport.close()
            self.on_response_complete()

    def abort(self) -> None:
        if isinstance(self.turn, PlainExchange):
            self.reset()  # the end of the connection would be that of its answer
        else:
            self.transport.abort()

    # What the transport says.

    def pause_writing(self) -> None:
        super().pause_writing()
        self.is_writable = False

    def resume_writing(self) -> None:
        super().resume_writing()
        self.is_writable = not self.transport.is_closing()

    def connection_lost(self, exc: Exception | None) -> None:
        turn, self.turn = self.turn, None
        self.is_writable = False
        self._waiting.clear()
        self._outbox.drop(self._write)
        super().connection_lost(exc)
        if isinstance(turn, Exchange):
            turn.cut_short(Cut.CLIENT_GONE)
        elif turn is not None and not turn.response_complete:
            turn.disconnected = True
            turn.message_event.set()


def _check_host(fields: list[tuple[bytes, bytes]]) -> None:
    """Which of two would hold? Whatever stands before this gateway may think otherwise (RFC 9112 section 3.2)."""
    if [name for name, _ in fields].count(b"host") > 1:
        raise ValueError("more than one Host")


def _has_begun(turn: Turn) -> bool:
    return turn.started if isinstance(turn, Exchange) else turn.response_started


def client_protocol(settings: Callable[[], Listening], front: Front) -> type[ClientConnection]:
    """The protocol of connections of clients, under the settings in force."""
    return type("ClientProtocol", (ClientConnection,), {"settings": staticmethod(settings), "front": front})
