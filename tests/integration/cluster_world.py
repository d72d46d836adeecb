"""Several gateways on one machine as if they were several: a network namespace for each node, with an
etcd member and a gateway in it, one for each VM, a network for the world and one for etcd."""
import base64
import contextlib
import ctypes
import json
import os
import pathlib
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import threading
import urllib.request

from kms_world import wait

APART = "DSTACK_TEST_APART"
CLONE_NEWNET = 0x40000000
WORLD, STORE = "192.0.2", "198.51.100"


def run(*words, data=None, fine=True):
    done = subprocess.run(list(map(str, words)), input=data, capture_output=True, text=True, check=False)
    if fine and done.returncode != 0:
        raise RuntimeError(f"{' '.join(map(str, words))}: {done.stderr}")
    return done.stdout if fine else done.returncode


def skip(name, why):
    print(f"{name}: skipped: {why}")
    sys.exit(77)


def apart(name, script):
    """Starts the script again in a network namespace of its own, or says why that cannot be."""
    if APART not in os.environ:
        missing = [tool for tool in ("etcd", "pebble", "pebble-challtestsrv", "openssl", "wg", "ip", "unshare") if shutil.which(tool) is None]
        if os.geteuid() != 0 or missing or not pathlib.Path("/dev/net/tun").exists():
            skip(name, f"needs root, /dev/net/tun and {', '.join(missing) or 'nothing else'}")
        if run("unshare", "-n", "true", fine=False) != 0:
            skip(name, "no network namespaces here")
        os.execvpe("unshare", ["unshare", "-n", sys.executable, script], {**os.environ, APART: "1"})
    run("ip", "link", "set", "lo", "up")
    if run("ip", "link", "add", "probe", "type", "wireguard", fine=False) == 0:
        run("ip", "link", "del", "probe")
    elif shutil.which("wireguard-go") is None:
        skip(name, "neither the kernel nor wireguard-go has it")
    for bridge, network in (("world", WORLD), ("store", STORE)):
        run("ip", "link", "add", bridge, "type", "bridge")
        run("ip", "address", "add", f"{network}.1/24", "dev", bridge)
        run("ip", "link", "set", bridge, "up")


def inside(space, work):
    """What work() gives, done by a thread in that namespace: sockets made there stay there."""
    out = []

    def there():
        libc = ctypes.CDLL(None, use_errno=True)
        with open(f"/run/netns/{space}", "rb") as file:
            if libc.setns(file.fileno(), CLONE_NEWNET) != 0:
                raise OSError(ctypes.get_errno(), "setns")
        out.append(work())

    thread = threading.Thread(target=there)
    thread.start()
    thread.join()
    return out[0]


def relay(listener, target):
    """Passes on what connects to the listener, which may be in another namespace, to the host and port
    that target() gives."""

    def pump(source, target):
        with contextlib.suppress(OSError):
            while piece := source.recv(1 << 16):
                target.sendall(piece)
        with contextlib.suppress(OSError):
            target.shutdown(socket.SHUT_WR)

    def accept():
        with contextlib.suppress(OSError):
            while True:
                one, _ = listener.accept()
                try:
                    other = socket.create_connection(target(), 10)
                except OSError:
                    one.close()
                    continue
                for pair in ((one, other), (other, one)):
                    threading.Thread(target=pump, args=pair, daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()


class Space:
    """A namespace with an address in the world."""

    def __init__(self, name, number, stack):
        self.name, self.number, self.address = f"dsc{os.getpid()}{name}", number, f"{WORLD}.{number}"
        run("ip", "netns", "add", self.name)
        stack.callback(run, "ip", "netns", "del", self.name, fine=False)
        self.inside("ip", "link", "set", "lo", "up")
        self.plug("world", "eth0", f"{self.address}/24")

    def plug(self, bridge, interface, address):
        outer = f"{bridge}{self.number}"
        run("ip", "link", "add", outer, "type", "veth", "peer", "name", interface, "netns", self.name)
        run("ip", "link", "set", outer, "master", bridge, "up")
        self.inside("ip", "address", "add", address, "dev", interface)
        self.inside("ip", "link", "set", interface, "up")

    def words(self, *words):
        return ["ip", "netns", "exec", self.name, *map(str, words)]

    def inside(self, *words, **more):
        return run(*self.words(*words), **more)

    def has(self, port):
        """What listens on that port of this machine's loopback is there on this one's, too."""
        relay(inside(self.name, lambda: socket.create_server(("127.0.0.1", port), backlog=64)), lambda: ("127.0.0.1", port))


class Member(Space):
    """A node's machine, with its member of etcd, which takes TLS with certificates alone."""

    all = (1, 2, 3)
    keys = (b"/dstack/gateway/", b"/dstack/gateway0")  # from, and up to

    @classmethod
    def certify(cls, folder):
        """One certificate for members and clients, who trust no other. It has no CommonName: etcd would take that for a user."""
        cls.certificate, cls.key, cls.password = folder / "etcd.pem", folder / "etcd.key", folder / "etcd.password"
        run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", "/O=nodes",
            "-addext", "subjectAltName=" + ",".join(f"IP:{STORE}.{10 + number}" for number in cls.all), "-keyout", cls.key, "-out", cls.certificate)
        cls.password.touch(0o600)
        cls.password.write_text("the nodes' password\n")
        cls.context = ssl.create_default_context(cafile=cls.certificate)
        cls.context.load_cert_chain(cls.certificate, cls.key)

    def __init__(self, number, folder, stack):
        super().__init__(f"n{number}", 10 + number, stack)
        self.node, self.folder, self.process = number, folder, None
        self.plug("store", "eth1", f"{STORE}.{10 + number}/24")
        self.store = f"https://{STORE}.{10 + number}:2379"
        stack.callback(self.kill)

    def start(self):
        url = f"http://{STORE}.{10 + self.node}:2380"
        members = ",".join(f"e{i}=http://{STORE}.{10 + i}:2380" for i in self.all)
        self.process = subprocess.Popen(
            self.words("etcd", "--cert-file", self.certificate, "--key-file", self.key, "--client-cert-auth", "--trusted-ca-file", self.certificate, "--name", f"e{self.node}", "--data-dir", self.folder / f"etcd{self.node}", "--listen-client-urls", self.store,
                       "--advertise-client-urls", self.store, "--listen-peer-urls", url, "--initial-advertise-peer-urls", url, "--initial-cluster", members,
                       "--initial-cluster-state", "new", "--heartbeat-interval", 200, "--election-timeout", 2000, "--logger", "zap", "--log-level", "error"),
            stdout=open(self.folder / f"etcd{self.node}.log", "ab"), stderr=subprocess.STDOUT)

    def healthy(self):
        with contextlib.suppress(OSError):
            return b"true" in urllib.request.urlopen(f"{self.store}/health", timeout=2, context=self.context).read()
        return False

    def ask(self, path, body, token=""):
        request = urllib.request.Request(f"{self.store}/v3/{path}", json.dumps(body).encode(), {"Authorization": token} if token else {})
        return json.load(urllib.request.urlopen(request, timeout=10, context=self.context))

    def close(self):
        """To all but who have the password: root, and a user that may use the gateway's keys."""
        password = self.password.read_text().strip()
        first, beyond = (base64.b64encode(key).decode() for key in self.keys)
        for path, body in (("user/add", {"name": "root", "password": password}), ("user/grant", {"user": "root", "role": "root"}), ("role/add", {"name": "nodes"}),
                           ("role/grant", {"name": "nodes", "perm": {"permType": "READWRITE", "key": first, "range_end": beyond}}),
                           ("user/add", {"name": "gateway", "password": password}), ("user/grant", {"user": "gateway", "role": "nodes"}), ("enable", {})):
            self.ask(f"auth/{path}", body)

    def token(self):
        """Of whoever runs etcd."""
        return self.ask("auth/authenticate", {"name": "root", "password": self.password.read_text().strip()})["token"]

    def everything(self):
        """All keys and values."""
        found = self.ask("kv/range", {"key": "AA==", "range_end": "AA=="}, self.token())["kvs"]
        return [tuple(base64.b64decode(one[part]) for part in ("key", "value")) for one in found]

    def litter(self, count):
        """Records that look like the nodes', more of them than etcd's JSON gateway says at once (4 MiB)."""
        token, value = self.token(), base64.b64encode(os.urandom(300_000)).decode()
        for number in range(count):
            self.ask("kv/put", {"key": base64.b64encode(self.keys[0] + b"1/t/%032x" % number).decode(), "value": value}, token)

    def kill(self):
        if self.process:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait(30)
            self.process = None

    def cut(self, state="down"):
        """Off the network of etcd, or back on it."""
        run("ip", "link", "set", f"store{self.number}", state)


APP = """import http.server
class App(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        body = b"app " * 256
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *_):
        pass
http.server.ThreadingHTTPServer(("", 8080), App).serve_forever()
"""


class Vm(Space):
    """A VM's machine: an app on port 8080, and WireGuard as a registration tells of it."""

    def __init__(self, number, stack):
        super().__init__(f"v{number}", 20 + number, stack)
        self.interface, self.made = f"dscv{number}", False
        self.private = run("wg", "genkey").strip()
        self.public = run("wg", "pubkey", data=self.private).strip()
        self.stack = stack
        self.background(sys.executable, "-c", APP)

    def background(self, *words):
        process = subprocess.Popen(self.words(*words), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.stack.callback(process.wait)
        self.stack.callback(process.kill)

    def join(self, told):
        """As a guest does: each gateway is a peer of its own, with its one address."""
        if not self.made:
            self.made = True
            if self.inside("ip", "link", "add", self.interface, "type", "wireguard", fine=False) != 0:
                self.background("wireguard-go", "-f", self.interface)
                wait(lambda: self.inside("wg", "show", self.interface, fine=False) == 0, "wireguard-go does not come up")
            self.inside("ip", "address", "add", f"{told['client_ip']}/32", "dev", self.interface)
            self.inside("ip", "link", "set", self.interface, "up")
            self.inside("ip", "route", "add", "10.8.0.0/16", "dev", self.interface)
        text = f"[Interface]\nPrivateKey = {self.private}\n"
        for one in told["servers"]:
            text += (f"[Peer]\nPublicKey = {one['pk']}\nAllowedIPs = {one['ip'].split('/')[0]}/32\nEndpoint = {one['endpoint']}\n"
                     "PersistentKeepalive = 2\n")
        self.inside("wg", "syncconf", self.interface, "/dev/stdin", data=text)
        self.address = told["client_ip"]
        for one in told["servers"]:
            self.speak_to(one["ip"].split("/")[0])

    def speak_to(self, gateway):
        """WireGuard begins anew with one that has forgotten its session when there is something to say."""
        self.inside("ping", "-q", "-c", "1", "-w", "30", gateway, fine=False)
