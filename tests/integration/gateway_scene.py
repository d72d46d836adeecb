"""What the tests of dstack-gateway share: a gateway that runs beside a development KMS, and clients
with certificates that the KMS signed."""
import base64
import contextlib
import http.client
import json
import os
import pathlib
import signal
import socket
import ssl
import subprocess
import tempfile

from kms_world import Kms, World, dstack

DOMAIN = "apps.test"


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=60)
        self.path = str(path)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(60)
        self.sock.connect(self.path)


def ask(connection, method, path, body=None, headers=None):
    """Status and body; the connection is closed."""
    with contextlib.closing(connection):
        connection.request(method, path, body=body, headers=headers or {})
        answer = connection.getresponse()
        return answer.status, answer.read()


def key(number):
    return base64.b64encode(bytes([number]) * 32).decode()


class Gateway:
    """One gateway, started by `dstack gateway run`."""

    host, rpc_listen, listen, before = "127.0.0.1", "127.0.0.1:0", "127.0.0.1:0", ()  # before: words before the command

    def __init__(self, directory, scene, arguments=("--no-wireguard",)):
        self.dir, self.scene, self.arguments = directory, scene, arguments
        self.log, self.process = scene.world.dir / "gateway.log", None
        self.authority = directory / "dev-ca.pem"

    def start(self, good=True):
        self.process = subprocess.Popen(
            [*self.before, dstack, "gateway", "run", self.dir, "--kms", self.scene.kms.url, "--rpc-listen", self.rpc_listen, "--listen",
             self.listen, "--json", *self.arguments],
            env=self.scene.world.env, cwd=self.scene.world.dir, text=True, stdout=subprocess.PIPE, stderr=open(self.log, "a"),
            stdin=subprocess.DEVNULL)
        text = ""
        for line in self.process.stdout:
            text += line
            if line.rstrip() == "}":
                break
        if not good:
            return self.process.wait(60)
        assert text, f"the gateway did not start: {self.log.read_text()[-3000:]}"
        told = json.loads(text)
        self.scene.world.running.append(self)
        self.port = int(told["url"].rsplit(":", 1)[1])
        self.proxy = int(told["proxy"][0].rsplit(":", 1)[1])
        return self

    def agent_pid(self):
        out = subprocess.run(["ps", "-o", "pid=", "--ppid", str(self.process.pid)], text=True, capture_output=True, check=True)
        return int(out.stdout.split()[0])

    def kill(self):
        self.scene.world.running.remove(self)
        os.kill(self.agent_pid(), signal.SIGKILL)
        self.process.wait(30)

    def stop(self):
        self.scene.world.running.remove(self)
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(60)

    def restart(self):
        self.stop()
        return self.start()

    def rpc(self, method, body=None, who=None):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        if who:
            context.load_cert_chain(who / "cert.pem", who / "key.pem")
        status, raw = ask(http.client.HTTPSConnection(self.host, self.port, timeout=60, context=context),
                          "POST", f"/prpc/{method}?json", json.dumps(body or {}))
        return status, json.loads(raw)

    def good(self, method, body=None, who=None):
        status, answer = self.rpc(method, body, who)
        assert status == 200, f"{method}: {answer}"
        return answer

    def refused(self, text, method, body=None, who=None):
        status, answer = self.rpc(method, body, who)
        assert status == 400 and text in answer["error"], f"{method}: {status} {answer} (want {text})"
        return answer["error"]

    def register(self, who, number, **more):
        return self.good("RegisterCvm", {"client_public_key": key(number), **more}, who)

    def admin(self, method, body=None, good=True):
        status, raw = ask(UnixConnection(self.dir / "admin.sock"), "POST", f"/prpc/Admin.{method}?json", json.dumps(body or {}))
        assert not good or status == 200, f"{method}: {raw}"
        return json.loads(raw)

    def hosts(self):
        return {host["instance_id"]: host for host in self.admin("Status")["hosts"]}

    def settings(self, *changes):
        file = self.dir / "gateway.toml"
        text = file.read_text()
        for old, new in changes:
            assert old in text, old
            text = text.replace(old, new)
        file.write_text(text)

    def https(self, name, path="/", host=None):
        """Over the data plane, trusting its authority: status, body, certificate."""
        context = ssl.create_default_context(cafile=self.authority)
        with socket.create_connection((self.host, self.proxy), timeout=30) as raw:
            with context.wrap_socket(raw, server_hostname=name) as tls:
                certificate = tls.getpeercert(binary_form=True)
                tls.sendall(f"GET {path} HTTP/1.1\r\nHost: {host or name}\r\nConnection: close\r\n\r\n".encode())
                answer = http.client.HTTPResponse(tls)
                answer.begin()
                return answer.status, answer.read(), certificate


class Scene:
    """A development KMS that allows a gateway and some apps."""

    def __init__(self, names):
        self.world = World()
        self.kms = Kms(self.world, "kms", ["--passphrase-file", self.world.passphrase]).open()
        self.apps = {name: self.world.app(name, key_provider="kms") for name in names}
        self.app_id = ""

    def gateway(self, *init, authority=("--dev-ca",), arguments=("--no-wireguard",)):
        made = json.loads(self.world.run("gateway", "init", "gw", "--domain", DOMAIN, *authority, "--kms", self.kms.url, "--json", *init).stdout)
        self.app_id = made["app_id"]
        allowed = {**self.allowed(), made["app_id"]: [made["compose_hash"]]}
        self.kms.allow(allowed, head=f'gateway_app_id = "{made["app_id"]}"\n')
        return Gateway(self.world.dir / "gw", self, arguments)

    def allowed(self):
        return {app_id: [app_hash] for _, app_id, app_hash in self.apps.values()}

    def identity(self, name, of=None, ra_tls=False, app_info=True):
        """A client certificate of an app, as its guest agent gets it."""
        where = pathlib.Path(tempfile.mkdtemp(dir=self.world.dir))
        request = {"subject": "dstack-guest-agent", "usage_client_auth": True, "usage_ra_tls": ra_tls, "with_app_info": app_info}
        answer = self.world.run("simulate", "--app", self.apps[name][0], "--kms", (of or self.kms).url, "--directory", where, "--", "curl", "-sS",
                                "--max-time", "60", "--unix-socket", where / "dstack.sock", "-d", json.dumps(request), "http://localhost/GetTlsKey").stdout
        told = json.loads(answer)
        assert "key" in told, told
        (where / "cert.pem").write_text("".join(told["certificate_chain"]))
        (where / "key.pem").write_text(told["key"])
        return where
