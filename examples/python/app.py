"""What an app asks of dstack: quotes that answer a nonce, a key of its own, a TLS key.

GET /quote?nonce=TEXT  a quote whose report data is the nonce, with its event log
GET /key               the public half of the secp256k1 key at the path "example"
GET /certificate       the chain of the TLS key, which HTTPS on port 8443 uses
"""

import json
import ssl
import tempfile
import threading
from http.server import BaseHTTPRequestHandler
from socketserver import ThreadingTCPServer
from urllib.parse import parse_qs, urlsplit

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from dstack_sdk import DstackClient


def guest() -> DstackClient:
    """One client a request: its connection is not meant for several threads."""
    return DstackClient(timeout=30)


tls = guest().get_tls_key(
    subject="example", alt_names=["localhost", "127.0.0.1"], usage_ra_tls=True
)


def quote(nonce: str) -> dict:
    answer = guest().get_quote(nonce)
    return {
        "quote": answer.quote,
        "event_log": answer.event_log,
        "report_data": answer.report_data,
        "vm_config": answer.vm_config,
    }


def public_key() -> dict:
    key = guest().get_key("example")
    private = ec.derive_private_key(int.from_bytes(key.decode_key(), "big"), ec.SECP256K1())
    point = private.public_key().public_bytes(
        serialization.Encoding.X962, serialization.PublicFormat.CompressedPoint
    )
    return {"path": "example", "algorithm": "secp256k1", "public_key": point.hex()}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        if url.path == "/quote":
            nonce = parse_qs(url.query).get("nonce", [""])[0]
            if 1 <= len(nonce.encode()) <= 64:
                self.answer(200, "application/json", json.dumps(quote(nonce)))
            else:
                self.answer(400, "text/plain", "nonce: 1 to 64 bytes\n")
        elif url.path == "/key":
            self.answer(200, "application/json", json.dumps(public_key()))
        elif url.path == "/certificate":
            self.answer(200, "application/x-pem-file", "".join(tls.certificate_chain))
        else:
            self.answer(404, "text/plain", "see /quote?nonce=TEXT, /key and /certificate\n")

    def answer(self, status: int, kind: str, text: str) -> None:
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class Server(ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


def tls_context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    # ssl reads files only; /dev/shm is memory.
    with tempfile.NamedTemporaryFile("w", dir="/dev/shm") as file:
        file.write(tls.key + "".join(tls.certificate_chain))
        file.flush()
        context.load_cert_chain(file.name)
    return context


if __name__ == "__main__":
    https = Server(("", 8443), Handler)
    # The handshake belongs to the thread of the connection, not to the accept loop.
    https.socket = tls_context().wrap_socket(
        https.socket, server_side=True, do_handshake_on_connect=False
    )
    threading.Thread(target=https.serve_forever, daemon=True).start()
    print("serving on 8080 and 8443", flush=True)
    Server(("", 8080), Handler).serve_forever()
