"""Answers over HTTP, WebSocket, gRPC, and HTTPS with a key and certificate that only this VM has."""

import asyncio
import concurrent.futures
import http.client
import http.server
import json
import socket
import ssl
import tempfile
import threading

import grpc
import websockets

PAGE = b"talk: a page, WebSocket at /socket\n"


def tls_key() -> dict:
    """From the guest agent: a fresh key, its certificate with a quote in it (RA-TLS)."""
    connection = http.client.HTTPConnection("dstack")
    connection.sock = socket.socket(socket.AF_UNIX)
    connection.sock.connect("/var/run/dstack.sock")
    wanted = {"subject": "talk", "usage_ra_tls": True, "usage_server_auth": True}
    connection.request("POST", "/GetTlsKey", json.dumps(wanted), {"Content-Type": "application/json"})
    return json.load(connection.getresponse())


class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", str(len(PAGE)))
        self.end_headers()
        self.wfile.write(PAGE)

    def log_message(self, *_):
        pass


def serve_https() -> None:
    key = tls_key()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.NamedTemporaryFile("w", dir="/dev/shm") as file:  # ssl reads files; this is memory
        file.write(key["key"] + "".join(key["certificate_chain"]))
        file.flush()
        context.load_cert_chain(file.name)
    server = http.server.ThreadingHTTPServer(("", 8443), Page)
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    server.serve_forever()


def serve_grpc() -> grpc.Server:
    def say(request: bytes, context: grpc.ServicerContext) -> bytes:
        return b"you said " + request

    method = grpc.unary_unary_rpc_method_handler(say)
    server = grpc.server(concurrent.futures.ThreadPoolExecutor(4))
    server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler("example.Talk", {"Say": method})])
    server.add_insecure_port("0.0.0.0:50051")
    server.start()
    return server


async def talk(connection, path=None) -> None:
    async for message in connection:
        await connection.send("you said " + message)


async def page(path, headers):
    return None if path == "/socket" else (http.HTTPStatus.OK, [], PAGE)


async def main() -> None:
    grpc_server = serve_grpc()
    threading.Thread(target=serve_https, daemon=True).start()
    async with websockets.serve(talk, "0.0.0.0", 8080, process_request=page):
        await asyncio.Event().wait()
    grpc_server.stop(None)


asyncio.run(main())
