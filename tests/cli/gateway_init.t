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
# What cannot be is refused before anything is written.
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
