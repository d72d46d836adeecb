"""A real ACME server on loopback (Debian's pebble, DNS by its challtestsrv), and what proves names
to it."""
import contextlib
import http.server
import json
import os
import secrets
import socket
import ssl
import subprocess
import threading
import time
import urllib.request

MAC_KEY = secrets.token_urlsafe(48)


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def openssl(*words, data=None):
    return subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True, input=data).stdout


def wait_for(port):
    for _ in range(200):
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", port)).close()
            return
        time.sleep(0.05)
    raise RuntimeError(f"nobody listens on {port}")


class Proofs:
    """Serves what a session asks for: HTTP, TLS-ALPN-01, and TXT records through challtestsrv."""

    def __init__(self, folder, management):
        self.folder, self.management = folder, management
        self.files, self.contexts = {}, {}
        proofs = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def log_message(self, *_):
                pass

            def do_GET(self):
                body = proofs.files.get((self.headers["Host"].split(":")[0], self.path))
                self.send_response(200 if body else 404)
                self.end_headers()
                self.wfile.write((body or "").encode())

        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.http.serve_forever, daemon=True).start()
        self.tls = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self.serve_tls, daemon=True).start()

    def serve_tls(self):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.set_alpn_protocols(["acme-tls/1"])

        def choose(sock, name, _):
            if name not in self.contexts:
                return ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME
            sock.context = self.contexts[name]
            return None

        context.sni_callback = choose
        while True:
            connection, _ = self.tls.accept()
            connection.settimeout(5)
            with contextlib.suppress(OSError):
                context.wrap_socket(connection, server_side=True).close()

    def tell_dns(self, what, body):
        urllib.request.urlopen(f"http://127.0.0.1:{self.management}/{what}", json.dumps(body).encode()).read()

    def set_up(self, proof):
        if proof["kind"] == "dns-01":
            self.tell_dns("set-txt", {"host": proof["dns"]["name"] + ".", "value": proof["dns"]["value"]})
        elif proof["kind"] == "http-01":
            self.files[(proof["domain"], proof["http"]["path"])] = proof["http"]["body"]
        else:
            path = self.folder / f"alpn-{proof['domain']}.pem"
            path.write_text(proof["tls"]["certificate"] + proof["tls"]["key"])
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.set_alpn_protocols(["acme-tls/1"])
            context.load_cert_chain(path)
            self.contexts[proof["domain"]] = context

    def clear(self):
        self.files.clear()
        self.contexts.clear()


@contextlib.contextmanager
def pebble(folder, proofs, dns, external=False, strict=True, port=None, **environment):
    """A server of its own, with those variables; gives its directory's URL and its root."""
    port, management = port or free_port(), free_port()
    config = {"listenAddress": f"127.0.0.1:{port}", "managementListenAddress": f"127.0.0.1:{management}", "certificate": str(folder / "server.pem"), "privateKey": str(folder / "server.key"),
              "httpPort": proofs.http.server_address[1], "tlsPort": proofs.tls.getsockname()[1], "ocspResponderURL": "", "externalAccountBindingRequired": external}
    if external:
        config["externalAccountMACKeys"] = {"kid-1": MAC_KEY}
    path = folder / f"pebble-{port}.json"
    path.write_text(json.dumps({"pebble": config}))
    variables = {"PATH": os.environ["PATH"], "PEBBLE_VA_NOSLEEP": "1", "PEBBLE_AUTHZREUSE": "0", **environment}
    words = ["pebble", "-config", str(path), "-dnsserver", f"127.0.0.1:{dns}", *(["-strict"] if strict else [])]
    with open(folder / f"pebble-{port}.log", "wb") as log, subprocess.Popen(words, env=variables, stdout=log, stderr=log) as process:
        try:
            wait_for(port)
            context = ssl.create_default_context(cafile=folder / "server.pem")
            root = urllib.request.urlopen(f"https://127.0.0.1:{management}/roots/0", context=context).read()
            yield f"https://127.0.0.1:{port}/dir", root
        finally:
            process.terminate()


def names_in(chain):
    text = openssl("x509", "-noout", "-ext", "subjectAltName", data=chain.encode()).decode()
    return sorted(word.strip().removeprefix("DNS:") for word in text.splitlines()[1].split(","))


@contextlib.contextmanager
def challenge_dns():
    """A DNS server that answers 127.0.0.1 and the TXT records it is told; gives its two ports."""
    dns, management = free_port(), free_port()
    words = ["pebble-challtestsrv", "-http01", "", "-https01", "", "-tlsalpn01", "", "-dns01", f"127.0.0.1:{dns}", "-management", f"127.0.0.1:{management}", "-defaultIPv6", ""]
    with subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as resolver:
        try:
            wait_for(management)
            yield dns, management
        finally:
            resolver.terminate()


def server_certificate(folder):
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", "/CN=pebble", "-addext", "subjectAltName=IP:127.0.0.1",
            "-keyout", folder / "server.key", "-out", folder / "server.pem")
