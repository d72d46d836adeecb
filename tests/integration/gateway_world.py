"""What the tests of the gateway's data plane share: a plane that runs alone, origins, TLS clients."""
import contextlib
import hashlib
import json
import os
import pathlib
import random
import re
import select
import socket
import ssl
import struct
import subprocess
import tempfile
import threading
import time

build = pathlib.Path(os.environ.get("DSTACK_BUILD", pathlib.Path(__file__).resolve().parents[2] / "build"))
DOMAIN = "apps.test"
KERNEL_TLS = os.environ.get("DSTACK_TEST_KERNEL_TLS") == "1"  # every plane is to have the kernel encrypt
PATIENCE = 200 if KERNEL_TLS else 20  # seconds until something that must come is missing; an emulated machine is slow


def wait_for(what, condition, patience=PATIENCE):
    end = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < end, f"waited {patience} s for {what}"
        time.sleep(0.02)


def reset(sock):
    """Closes so that the other side sees a reset."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


def bytes_of(seed, size):
    return random.Random(seed).randbytes(size)


def digest(data):
    return hashlib.sha256(data).digest()


def to_the_end(sock):
    out = bytearray()
    while piece := sock.recv(1 << 16):
        out += piece
    return bytes(out)


def exactly(sock, size):
    out = bytearray()
    while len(out) < size:
        piece = sock.recv(size - len(out))
        if not piece:
            raise EOFError(f"{len(out)} of {size} bytes")
        out += piece
    return bytes(out)


class Origin:
    """A server on a port of its own (or a listener); each connection is given to serve(connection)."""

    def __init__(self, serve, listener=None):
        self.serve = serve
        self.socket = listener or socket.create_server(("127.0.0.1", 0), backlog=1024)
        self.port = None if listener else self.socket.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self.socket.accept()
                threading.Thread(target=self.run, args=(connection,), daemon=True).start()

    def run(self, connection):
        with contextlib.suppress(OSError, EOFError):
            if self.port:
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.serve(connection)
        with contextlib.suppress(OSError):
            connection.close()

    def close(self):
        """Listens no more."""
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()


def echo(connection):
    while piece := connection.recv(1 << 16):
        connection.sendall(piece)


def reply_after_end(connection):
    """4096 bytes that depend on everything that came, once its end came."""
    connection.sendall(bytes_of(digest(to_the_end(connection)), 4096))


def hash_of_all(connection):
    connection.sendall(digest(to_the_end(connection)))


def blob(connection):
    """So many bytes as "give N" and a line's end ask for, then the end."""
    line = b""
    while not (asked := re.search(rb"give (\d+)\n$", line)):
        line += exactly(connection, 1)
    connection.sendall(bytes_of(int(asked[1]), int(asked[1])))


def die_midway(connection):
    """Of a download, a part comes."""
    connection.recv(1 << 16)
    connection.sendall(bytes(10_000))
    time.sleep(0.2)  # what was sent is taken first: a reset may overtake it
    reset(connection)


def say_nothing(connection):
    """Not even at the end of what comes."""
    while connection.recv(1 << 16):
        pass
    threading.Event().wait()


HEAD_END = b"<the client's own bytes>"


def show_head(connection):
    """What came before HEAD_END: a PROXY header, perhaps."""
    head = b""
    while not head.endswith(HEAD_END):
        head += exactly(connection, 1)
    head = head[:-len(HEAD_END)]
    connection.sendall(struct.pack(">H", len(head)) + head)
    connection.recv(1)


def websocket_like(connection):
    """Answers an upgrade of HTTP/1.1, then echoes, and pushes what nobody asked for."""
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        head += exactly(connection, 1)
    assert b"Upgrade: websocket" in head
    connection.sendall(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n")
    for number in range(3):
        connection.sendall(f"push {number};".encode())
    echo(connection)


def http2(connection):
    """Cleartext HTTP/2 (RFC 9113), as much as answers each request with 200 and "over h2"."""
    assert exactly(connection, 24) == b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

    def frame(kind, flags, stream, payload=b""):
        connection.sendall(len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload)

    frame(4, 0, 0)
    while True:
        head = exactly(connection, 9)
        size, kind, flags, stream = int.from_bytes(head[:3], "big"), head[3], head[4], int.from_bytes(head[5:], "big")
        exactly(connection, size)
        if kind == 4 and not flags & 1:
            frame(4, 1, 0)
        elif kind == 6 and not flags & 1:
            frame(6, 1, 0, bytes(8))
        elif kind == 1:
            frame(1, 4, stream, b"\x88")  # :status 200, end of headers
            frame(0, 1, stream, b"over h2")


def at(ports, **more):
    """An instance whose ports are reached at origins, or at their endpoints as texts."""
    return {"forwards": {str(port): origin if isinstance(origin, str) else f"127.0.0.1:{origin.port}" for port, origin in ports.items()}, **more}


class Echoes:
    """An echo for thousands of connections, in one thread; counts those that are open."""

    def __init__(self):
        self.socket = socket.create_server(("127.0.0.1", 0), backlog=4096)
        self.port = self.socket.getsockname()[1]
        self.open = {}
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        poll = select.epoll()
        self.socket.setblocking(False)
        poll.register(self.socket.fileno(), select.EPOLLIN)
        while True:
            for number, _ in poll.poll():
                if number == self.socket.fileno():
                    with contextlib.suppress(BlockingIOError):
                        while True:
                            connection, _ = self.socket.accept()
                            self.open[connection.fileno()] = connection
                            poll.register(connection.fileno(), select.EPOLLIN)
                    continue
                piece = b""
                with contextlib.suppress(OSError):
                    piece = self.open[number].recv(1 << 16)
                    if piece:
                        self.open[number].sendall(piece)
                if not piece:
                    poll.unregister(number)
                    self.open.pop(number).close()


class Certificate:
    """Of its own authority, for *.DOMAIN."""

    def __init__(self, folder, name, domain=DOMAIN):
        self.chain, self.key = folder / f"{name}.pem", folder / f"{name}.key"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", f"/CN={name}",
                        "-addext", f"subjectAltName=DNS:*.{domain}", "-keyout", self.key, "-out", self.chain], check=True, capture_output=True)

    def entry(self, domain=DOMAIN):
        return {"domain": domain, "chain": str(self.chain), "key": str(self.key)}


class World:
    """A directory, certificates, and what was started."""

    def __init__(self):
        self.folder = tempfile.TemporaryDirectory(prefix="dstack-plane-")
        self.dir = pathlib.Path(self.folder.name)
        self.certificate = Certificate(self.dir, "first")
        self.trusted = [self.certificate]
        self.number = 0

    def context(self, lowest=ssl.TLSVersion.TLSv1_2, highest=ssl.TLSVersion.TLSv1_3, protocols=()):
        out = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        out.options &= ~ssl.OP_IGNORE_UNEXPECTED_EOF  # Debian's Python 3.11 sets it: every end would look clean
        for one in self.trusted:
            out.load_verify_locations(one.chain)
        out.minimum_version, out.maximum_version = lowest, highest
        if protocols:
            out.set_alpn_protocols(list(protocols))
        return out

    @contextlib.contextmanager
    def plane(self, instances, **settings):
        plane = Plane(self, instances, settings)
        try:
            yield plane
        finally:
            plane.stop()


class Plane:
    """A gateway_plane_server. instances: name -> at(…)."""

    def __init__(self, world, instances, settings):
        self.world = world
        world.number += 1
        self.path = world.dir / f"plane{world.number}.json"
        self.settings = {"listen": ["127.0.0.1:0"], "workers": 1, "kernel_tls": KERNEL_TLS, "source_open": 100_000, "source_per_second": 1_000_000, "source_burst": 1_000_000,
                         "app_connections": 0, "domains": [DOMAIN], "certificates": [world.certificate.entry()],
                         "instances": [{"id": name, "app": name, **what} for name, what in instances.items()], **settings}
        self.write()
        self.process = subprocess.Popen([build / "tests/gateway/gateway_plane_server", self.path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        first = self.process.stdout.readline()
        assert first, f"the plane does not start: exit status {self.process.wait()}"
        started = json.loads(first)
        assert started["kernel_tls"] == self.settings["kernel_tls"], started
        host, _, port = started["listening"][0].rpartition(":")
        self.address = (host.strip("[]"), int(port))

    def write(self):
        self.path.write_text(json.dumps(self.settings))

    def tell(self, word):
        self.process.stdin.write(word + "\n")
        self.process.stdin.flush()
        out = json.loads(self.process.stdout.readline())
        assert "error" not in out, out
        return out

    def reload(self, **settings):
        self.settings.update(settings)
        self.write()
        self.tell("reload")

    def count(self, name):
        totals = self.tell("counters")
        return totals["live"] if name == "live" else totals["counts"].get(name, totals["refused"].get(name))

    def idle(self):
        """Waits until nothing is left of all connections."""
        wait_for("the last connection to end", lambda: self.count("live") == 0)

    def resident(self):
        return int(pathlib.Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def connect(self, source=None, first=b""):
        sock = socket.create_connection(self.address, PATIENCE, source and (source, 0))
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.sendall(first)
        return sock

    def tls(self, label, context=None, source=None, first=b"", session=None):
        """A connection to <label>.DOMAIN with a finished handshake."""
        return Tls(self.connect(source, first), f"{label}.{DOMAIN}", context or self.world.context(), session)

    def stop(self):
        self.process.stdin.close()
        status = self.process.wait(PATIENCE)
        assert status == 0, f"the plane ended with status {status}"


class Tls:
    """TLS whose every byte and every ending can be seen."""

    def __init__(self, sock, name, context, session=None):
        self.sock = sock
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.object = context.wrap_bio(self.incoming, self.outgoing, server_hostname=name, session=session)
        self.pump(self.object.do_handshake)

    def flush(self):
        if data := self.outgoing.read():
            self.sock.sendall(data)

    def pump(self, step, *arguments):
        while True:
            try:
                out = step(*arguments)
                self.flush()
                return out
            except ssl.SSLWantReadError:
                self.flush()
                if piece := self.sock.recv(1 << 16):
                    self.incoming.write(piece)
                else:
                    self.incoming.write_eof()

    def sendall(self, data):
        for at in range(0, len(data), 1 << 16):
            self.object.write(data[at:at + (1 << 16)])
            self.flush()

    def recv(self, size):
        """b"" only at a close_notify; a connection that just ends raises ssl.SSLEOFError."""
        try:
            return self.pump(self.object.read, size)
        except ssl.SSLZeroReturnError:
            return b""
        except ssl.SSLError as error:
            if error.reason == "UNEXPECTED_EOF_WHILE_READING":  # as some Pythons tell it
                raise ssl.SSLEOFError(*error.args) from error
            raise

    def end(self):
        """Says close_notify and closes our direction, without waiting for anything."""
        with contextlib.suppress(ssl.SSLWantReadError):
            self.object.unwrap()
        self.flush()
        self.sock.shutdown(socket.SHUT_WR)

    def close(self):
        self.sock.close()
