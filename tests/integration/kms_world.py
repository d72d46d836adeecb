"""What the tests of dstack-kms share: a KMS that runs, clients of the simulated TEE, a policy."""
import hashlib
import http.client
import http.server
import json
import os
import pathlib
import re
import shutil
import signal
import ssl
import subprocess
import sys
import tempfile
import threading
import time

build = pathlib.Path(os.environ["DSTACK_BUILD"])
dstack = os.environ.get("DSTACK", str(build / "bin/dstack"))
client_tool = build / "tests/integration/kms_client"
os.umask(0o077)
words = "a passphrase that nobody guesses 4711"


class World:
    """A work directory with a home of its own: settings, simulated TEE, passphrase."""

    def __init__(self):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="dstack-kms-"))
        self.tee = self.dir / "data/dstack/simulated-tee"
        self.env = {"HOME": str(self.dir), "PATH": os.environ["PATH"], "LANG": "C.UTF-8", "TERM": "dumb",
                    "XDG_DATA_HOME": str(self.dir / "data"), "XDG_RUNTIME_DIR": str(self.dir / "run"),
                    "XDG_STATE_HOME": str(self.dir / "state"), "XDG_CACHE_HOME": str(self.dir / "cache"),
                    "XDG_CONFIG_HOME": str(self.dir / "config")}
        for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS"):
            if name in os.environ:
                self.env[name] = os.environ[name]
        self.passphrase = self.dir / "words"
        self.passphrase.touch(mode=0o600)
        self.passphrase.write_text(words + "\n")
        self.running = []

    def run(self, *arguments, good=True, **more):
        done = subprocess.run([dstack, *map(str, arguments)], env=self.env, cwd=self.dir, text=True,
                              capture_output=True, timeout=120, **more)
        assert not good or done.returncode == 0, f"dstack {arguments}: {done.stdout}{done.stderr}"
        return done

    def json(self, *arguments):
        return json.loads(self.run(*arguments, "--json").stdout)

    def tool(self, *arguments):
        done = subprocess.run([client_tool, *map(str, arguments)], env=self.env, cwd=self.dir, text=True,
                              capture_output=True, timeout=60)
        assert done.returncode == 0, f"kms_client {arguments}: {done.stderr}"

    def app(self, name, **members):
        """app-compose.json of an app, and its id."""
        path = self.dir / f"{name}.json"
        path.write_text(json.dumps({"manifest_version": 2, "name": name, "runner": "docker-compose",
                                    "docker_compose_file": "services:\n  a:\n    image: a/b\n", **members}))
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        return path, digest[:40], digest

    def clean(self):
        for kms in list(self.running):
            kms.stop()
        shutil.rmtree(self.dir, ignore_errors=True)


class Kms:
    """One KMS, started by `dstack kms run`."""

    def __init__(self, world, name, init=()):
        self.world, self.dir, self.log = world, world.dir / name, world.dir / f"{name}.log"
        if init:
            world.run("kms", "init", self.dir, "--development", "--listen", "127.0.0.1:0", *init)
        self.process = self.url = self.me = None

    def start(self, *arguments):
        self.process = subprocess.Popen(
            [dstack, "kms", "run", self.dir, "--listen", "127.0.0.1:0", *map(str, arguments)],
            env=self.world.env, cwd=self.world.dir, text=True, stdout=subprocess.PIPE,
            stderr=open(self.log, "a"), stdin=subprocess.DEVNULL)
        self.world.running.append(self)
        line = self.process.stdout.readline()
        match = re.match(r"(sealed|serving) at https://(127\.0\.0\.1):(\d+)$", line.strip())
        assert match, f"{self.dir.name} did not start: {line}{self.log.read_text()[-2000:]}"
        self.state, self.host, self.port = match[1], match[2], int(match[3])
        self.url = f"https://{self.host}:{self.port}"
        return self

    def open(self):
        return self.start("--passphrase-file", self.world.passphrase)

    def agent_pid(self):
        """Of dstack-kms, the child of `dstack kms run`."""
        out = subprocess.run(["ps", "-o", "pid=", "--ppid", str(self.process.pid)], text=True,
                             capture_output=True, check=True).stdout
        return int(out.split()[0])

    def kill(self):
        os.kill(self.agent_pid(), signal.SIGKILL)
        self.process.wait(30)
        self.world.running.remove(self)

    def stop(self):
        if self in self.world.running:
            self.world.running.remove(self)
            self.process.send_signal(signal.SIGTERM)
            try:
                return self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.process.kill()
                raise
        return None

    def connection(self, identity=None):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        if identity:
            context.load_cert_chain(identity / "cert.pem", identity / "key.pem")
        return http.client.HTTPSConnection(self.host, self.port, timeout=60, context=context)

    def request(self, method, path, body=None, identity=None, headers=None):
        connection = self.connection(identity)
        try:
            connection.request(method, path, body=body, headers=headers or {})
            answer = connection.getresponse()
            return answer.status, answer.read(), answer.headers
        finally:
            connection.close()

    def rpc(self, name, body=None, identity=None):
        """Status and JSON of a call."""
        status, raw, _ = self.request("POST", f"/prpc/{name}?json", json.dumps(body or {}), identity)
        return status, json.loads(raw)

    def good(self, name, body=None, identity=None):
        status, answer = self.rpc(name, body, identity)
        assert status == 200, f"{name}: {answer}"
        return answer

    def refused(self, name, text, body=None, identity=None, status=400):
        got, answer = self.rpc(name, body, identity)
        assert got == status and text in answer["error"], f"{name}: {got} {answer} (want {text})"
        return answer["error"]

    def identity(self, app, kind="good"):
        """A client certificate of that app from the temporary CA of this KMS."""
        where = pathlib.Path(tempfile.mkdtemp(dir=self.world.dir))
        (where / "ca.json").write_text(json.dumps(self.good("GetTempCaCert")))
        self.world.tool("certificate", self.world.tee, where / "ca.json", app, kind, where)
        return where

    def status(self):
        return self.world.json("kms", "status", self.dir)

    def allow(self, apps, image=True, head="", evidence="simulated = true", kms='mr_aggregated = "any"\ndevices = "any"'):
        """Writes the policy: these apps, and the image that the simulated TEE plays."""
        me = self.me = self.me or self.status()["self"]
        text = head + f"\n[evidence]\n{evidence}\n[kms]\n{kms}\n"
        if image:
            text += f'[[image]]\nname = "played"\nhash = "{me["osImageHash"]}"\n'
            for register in ("mrtd", "rtmr1", "rtmr2"):
                text += f'{register} = ["{me["registers"][register]}"]\n'
        for app_id, hashes in apps.items():
            text += f'[[app]]\nid = "{app_id}"\ncompose = {json.dumps(hashes)}\n'
        self.write_policy(text)

    def write_policy(self, text):
        fresh = self.dir / ".policy.new"
        fresh.write_text(text)
        fresh.rename(self.dir / "policy.toml")
        want = hashlib.sha256(text.encode()).hexdigest()
        wait(lambda: self.status()["policy"]["sha256"] == want, f"{self.dir.name} did not take its policy")

    def audit(self):
        return [json.loads(line) for line in (self.dir / "audit.jsonl").read_text().splitlines()]


def wait(holds, what, seconds=20):
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, what
        time.sleep(0.05)


class Webhook(threading.Thread):
    """An authorisation webhook that answers as `behave` says; `asked` has what it was asked."""

    def __init__(self, behave=None):
        super().__init__(daemon=True)
        self.asked, self.behave = [], behave or (lambda path, body: (200, json.dumps(
            {"isAllowed": True, "gatewayAppId": "gw", "reason": ""})))
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                outer.asked.append((self.path, json.loads(body)))
                status, text = outer.behave(self.path, body)
                self.send_response(status)
                if status == 307:
                    self.send_header("Location", text)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                try:
                    self.wfile.write(text.encode())
                except OSError:
                    pass  # who asked had enough

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        self.start()

    def run(self):
        self.server.serve_forever()

    def down(self):
        self.server.shutdown()
        self.server.server_close()


class EthereumNode(Webhook):
    """A node with a DstackKms contract, by JSON-RPC: `results` by method and contract function."""
    functions = {"1e079198": "isAppAllowed", "e067ec9d": "isKmsAllowed", "95f51931": "gatewayAppId"}

    def __init__(self):
        super().__init__(self.answer)
        self.results = {"eth_chainId": "0x2105", "eth_blockNumber": "0x64", "isAppAllowed": self.verdict(True),
                        "isKmsAllowed": self.verdict(True), "gatewayAppId": "0x" + self.word(32) + self.text("gw")}

    @staticmethod
    def word(number):
        return f"{number:064x}"

    @classmethod
    def text(cls, text):
        raw = text.encode()
        return cls.word(len(raw)) + (raw + bytes(-len(raw) % 32)).hex()

    @classmethod
    def verdict(cls, allowed, reason=""):
        return "0x" + cls.word(int(allowed)) + cls.word(64) + cls.text(reason)

    def calls(self):
        """The function, block and calldata of each call so far."""
        out = []
        for _, request in self.asked:
            if request["method"] == "eth_call":
                call, block = request["params"]
                out.append((self.functions[call["data"][2:10]], block, call["data"]))
        return out

    def answer(self, _, body):
        request = json.loads(body)
        method = request["method"]
        result = self.results[self.functions[request["params"][0]["data"][2:10]] if method == "eth_call" else method]
        answer = {"jsonrpc": "2.0", "id": request["id"]}
        answer["error" if isinstance(result, dict) else "result"] = result
        return 200, json.dumps(answer)
