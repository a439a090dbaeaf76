"""A TCP proxy in front of a server whose connections can be cut at a chosen moment."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit, urlunsplit


class TcpProxy:
    """Forward every connection to the server of a URL until told otherwise.

    `url` is the address to give to clients. The proxy works inside a `with` block.
    """

    def __init__(self, target: str) -> None:
        parts = urlsplit(target)
        self._target = (parts.hostname or "127.0.0.1", parts.port or 5432)
        self._listener = socket.create_server(("127.0.0.1", 0))
        account = parts.netloc.rpartition("@")[0]
        port = self._listener.getsockname()[1]
        self.url = urlunsplit(parts._replace(netloc=f"{account + '@' if account else ''}127.0.0.1:{port}"))
        self._lock = threading.Lock()
        self._pairs: set[tuple[socket.socket, socket.socket]] = set()
        self._threads: list[threading.Thread] = []
        self._bytes_left: int | None = None
        self._refusing = False
        self.connections = 0
        """How many connections were ever accepted."""

    def __enter__(self) -> Self:
        self._spawn(self._accept)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self.cut()
        for thread in self._threads:
            thread.join(timeout=5)
        self._listener.close()

    def cut(self, *, after_bytes: int | None = None) -> None:
        """Drop every connection, now or once the server has sent `after_bytes` more bytes over all of them."""
        if after_bytes is not None:
            with self._lock:
                self._bytes_left = after_bytes
            return
        with self._lock:
            self._bytes_left = None
            pairs = list(self._pairs)
        for pair in pairs:
            for end in pair:
                _shut(end)

    def refuse(self, refusing: bool = True) -> None:
        """Close new connections as soon as they come, as a server that is down behind a balancer."""
        self._refusing = refusing

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            try:
                if self._refusing:
                    raise ConnectionRefusedError
                server = socket.create_connection(self._target)
            except OSError:
                client.close()
                continue
            with self._lock:
                self._pairs.add((client, server))
            self._spawn(self._serve, client, server)

    def _serve(self, client: socket.socket, server: socket.socket) -> None:
        upstream = threading.Thread(target=self._pump, args=(client, server, False), daemon=True)
        upstream.start()
        self._pump(server, client, True)
        upstream.join()
        with self._lock:
            self._pairs.discard((client, server))
        client.close()
        server.close()

    def _pump(self, source: socket.socket, sink: socket.socket, counted: bool) -> None:
        try:
            while data := source.recv(65536):
                if counted and (left := self._take(len(data))) is not None:
                    sink.sendall(data[:left])
                    self.cut()
                    return
                sink.sendall(data)
        except OSError:
            pass
        finally:
            _shut(source)
            _shut(sink)

    def _take(self, count: int) -> int | None:
        """Return how many of `count` bytes may still pass if the limit is reached by them, else None."""
        with self._lock:
            if self._bytes_left is None:
                return None
            if count < self._bytes_left:
                self._bytes_left -= count
                return None
            return self._bytes_left

    def _spawn(self, target: Callable[..., None], *args: socket.socket) -> None:
        thread = threading.Thread(target=target, args=args, daemon=True)
        self._threads.append(thread)
        thread.start()


def _shut(end: socket.socket) -> None:
    with suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
