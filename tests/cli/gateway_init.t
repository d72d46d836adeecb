# Settings are written once, with a word on each; nothing else is made.
$ dstack gateway init gw --domain "*.Apps.Example.com." --dev-ca
  settings          gw/gateway.toml
  apps at           https://<id>-<port>.apps.example.com
  ~
  Next:
    dstack gateway run gw
! dstack: warning: a development gateway: evidence of a simulated TEE counts, so who registers has proven nothing
$ ls -A gw; stat -c '%a %n' gw gw/gateway.toml; grep -E '^(development|listen|name|authority|enabled)' gw/gateway.toml
  gateway.toml
  700 gw
  600 gw/gateway.toml
  development = true
  listen = "127.0.0.1:8010"
  names = ["localhost", "127.0.0.1"]
  name = "apps.example.com"
  names = "wildcard"
  authority = "development"
  enabled = true
  listen_port = 51820
  listen = ["127.0.0.1:8443"]
  listen = ""
$ dstack gateway init gw --domain example.com
! dstack: error: gw/gateway.toml is there already: change it, or move it away
? 3
# With a KMS of one's own that is tried out here, its policy learns who the gateway is.
$ umask 077; echo 'correct horse battery staple' >words; dstack kms init kms --development --passphrase-file words >/dev/null 2>&1; dstack gateway init two --domain example.com --kms kms --no-wireguard --json | sed -E 's/[0-9a-f]{40,}/HEX/'
  {
    "schema": "dstack.gateway.init/1",
    "directory": "two",
    "settings": "two/gateway.toml",
    "domains": [
      "example.com"
    ],
    "app_id": "HEX",
    "compose_hash": "HEX",
    "policies": [
      "kms/policy.toml"
    ],
    "next": [
      "dstack gateway run two"
    ]
  }
$ dstack kms policy check kms/policy.toml | grep -iE 'gateway|app ' | sed -E 's/[0-9a-f]{8,}/HEX/g'
  gateway      HEX
$ grep -E '^(kms_urls|enabled)' two/gateway.toml; grep -c gateway_app_id kms/policy.toml
  kms_urls = ["https://127.0.0.1:8000"]
  enabled = false
  1
# One of several has a number, with addresses of its own in one network.
$ dstack gateway init node --domain example.com --node 2 --etcd http://10.0.0.1:2379 --etcd http://10.0.0.2:2379 >/dev/null; grep -E '^(etcd|node|address|clients|reserved) ' node/gateway.toml
  address = "10.8.64.1/16"           # ours, with the network of all nodes
  clients = "10.8.64.0/18"           # what VMs get
  reserved = ["10.8.64.1/32"]
  etcd = ["http://10.0.0.1:2379", "http://10.0.0.2:2379"]
  node = 2                 # 1 to 16
# What cannot be is refused before anything is written.
$ dstack gateway init three --domain example.com --node 5
! dstack: error: --node 5: want 1 to 4; networks for more are written into gateway.toml
? 2
$ dstack gateway init three --domain example.com --etcd 10.0.0.1:2379
! dstack: error: settings: [cluster]: line 121: '10.0.0.1:2379' is no member of etcd (want http://HOST:PORT or https://HOST:PORT)
? 2
$ dstack gateway init three --domain example.com --dev-ca --etcd http://10.0.0.1:2379
! dstack: error: nodes of a cluster need certificates of one authority: a development CA is one node's own
? 2
$ dstack gateway init three
! dstack: error: --domain is missing: below which name are apps reached?
? 2
$ dstack gateway init three --domain 'a b'
! dstack: error: --domain: 'a b' is no domain
? 2
$ dstack gateway init three --domain example.com --dev-ca --acme https://ca.example/dir
! dstack: error: certificates come from --acme or from --dev-ca, not from both
? 2
$ dstack gateway init three --domain example.com --listen 443
! dstack: error: --listen 443: no port
? 2
$ dstack gateway init three --domain example.com --dns route53=x
! dstack: error: --dns route53=x: want cloudflare=TOKEN-FILE or hook=PROGRAM; others are written into gateway.toml
? 2
$ dstack gateway init three --domain example.com --kms http://kms
! dstack: error: --kms: KMS URL 'http://kms': a KMS is asked over https only
? 2
$ ls three
! ls: cannot access 'three': No such file or directory
? 2
