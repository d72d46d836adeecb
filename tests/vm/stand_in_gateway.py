"""A gateway as far as a VM sees one: stand_in_gateway.py PORT TLS.json ROOT.pem ANSWER.json LOG. Takes
registrations of certificates that chain to the root, answers each with the same document, and appends
request and client to LOG, one JSON a line."""
import http.server
import json
import ssl
import sys
import tempfile

port, tls_file, root_file, answer_file, log_file = sys.argv[1:]


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        client = ssl.DER_cert_to_PEM_cert(self.connection.getpeercert(True))
        with open(log_file, "a", encoding="utf-8") as log:
            log.write(json.dumps({"target": self.path, "body": json.loads(body), "client": client}) + "\n")
        with open(answer_file, "rb") as file:
            answer = file.read()
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        pass


context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.verify_mode = ssl.CERT_REQUIRED
context.load_verify_locations(root_file)
with open(tls_file, encoding="utf-8") as file:
    tls = json.load(file)
with tempfile.NamedTemporaryFile("w", suffix=".pem") as pem:
    pem.write("\n".join([tls["key"], *tls["certificate_chain"]]))
    pem.flush()
    context.load_cert_chain(pem.name)
server = http.server.ThreadingHTTPServer(("127.0.0.1", int(port)), Handler)
server.socket = context.wrap_socket(server.socket, server_side=True)
server.serve_forever()
