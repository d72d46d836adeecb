# Certificates of a domain; the gateway attests the keys of the first two.
$ make() { openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 90 -subj /CN=x -addext "subjectAltName=DNS:$2" -keyout /dev/null -out $1 2>/dev/null; }; mkdir seen; make seen/old.pem '*.example.org'; make seen/new.pem '*.example.org'; make theirs.pem 'login.example.org'; make other.pem example.net; $TESTS/make-acme-info seen/old.pem seen/new.pem >info.json
$ dstack gateway ct-check example.org --acme-info info.json --certificates seen --offline --allow-simulated
  ALL KNOWN: 2 of 2 certificates have one of 2 attested keys
! dstack: warning: keys are attested by a simulated TEE: they are nobody's secret
# One that was issued for another key, and one for another domain that is nobody's business here.
$ cp theirs.pem other.pem seen; dstack gateway ct-check example.org --acme-info info.json --certificates seen --offline --allow-simulated 2>/dev/null | sed 's/key [0-9a-f]*/key KEY/'
  UNKNOWN: login.example.org, valid DATE to DATE, key KEY: seen/theirs.pem
  NOT ALL KNOWN: 2 of 3 certificates have one of 2 attested keys
$ dstack gateway ct-check example.org --acme-info info.json --certificates seen --offline --allow-simulated --json | sed 's/"key_sha256": "[0-9a-f]*"/"key_sha256": "KEY"/'
  {
    "schema": "dstack.gateway.ct-check/1",
    "domain": "example.org",
    "simulated": true,
    "attested_keys": 2,
    "other_keys": [],
    "known": 2,
    "unknown": [
      {
        "source": "seen/theirs.pem",
        "names": [
          "login.example.org"
        ],
        "subject": "/CN=x",
        "not_before": "DATE",
        "not_after": "DATE",
        "key_sha256": "KEY"
      }
    ]
  }
$ dstack gateway ct-check example.org --acme-info info.json --certificates seen --since 2999-01-01 --offline --allow-simulated | tail -n 1
  ALL KNOWN: 0 of 0 certificates have one of 2 attested keys
! dstack: warning: keys are attested by a simulated TEE: they are nobody's secret
! dstack: warning: no certificate for the domain was found at all
# A key counts only when its own quote vouches for it.
$ $TESTS/make-acme-info seen/old.pem swapped seen/new.pem unquoted theirs.pem >lies.json; dstack gateway ct-check example.org --acme-info lies.json --certificates seen --offline --allow-simulated 2>&1 | sed 's/[0-9a-f]\{128\}/DATA/g; s/[0-9a-f]\{64\}/KEY/'
  dstack: warning: the gateway lists a key that no quote vouches for: KEY: not so: the quote vouches for the certificate's key (seen DATA, want DATA)
  dstack: warning: the gateway lists a key that no quote vouches for: KEY: no quote
  dstack: warning: keys are attested by a simulated TEE: they are nobody's secret
  UNKNOWN: *.example.org, valid DATE to DATE, key KEY: seen/new.pem
  UNKNOWN: login.example.org, valid DATE to DATE, key KEY: seen/theirs.pem
  NOT ALL KNOWN: 1 of 3 certificates have one of 1 attested keys
# What scripts go by: an unknown key, and one that could not be checked here.
$ dstack gateway ct-check example.org --acme-info info.json --certificates seen --offline --allow-simulated >/dev/null 2>&1
? 3
$ HOME=$WORK/elsewhere dstack gateway ct-check example.org --acme-info info.json --certificates seen/new.pem --offline --allow-simulated 2>&1 | sed 's/[0-9a-f]\{64\}/KEY/'
  dstack: warning: a key of the gateway could not be checked: KEY: no simulated TEE ever ran on this machine: its root and collateral have to be given
  dstack: warning: a key of the gateway could not be checked: KEY: no simulated TEE ever ran on this machine: its root and collateral have to be given
  dstack: warning: keys are attested by a simulated TEE: they are nobody's secret
  UNCHECKED: *.example.org, valid DATE to DATE, key KEY: seen/new.pem
  NOT ALL KNOWN: 0 of 1 certificates have one of 0 attested keys
$ HOME=$WORK/elsewhere dstack gateway ct-check example.org --acme-info info.json --certificates seen/new.pem --offline --allow-simulated >/dev/null 2>&1
? 1
# And not at all when the simulated TEE is not to be believed, or the gateway is another app.
$ rm seen/theirs.pem; dstack gateway ct-check example.org --acme-info info.json --certificates seen --offline 2>/dev/null | tail -n 1
  NOT ALL KNOWN: 0 of 2 certificates have one of 0 attested keys
$ dstack gateway ct-check example.org --acme-info info.json --certificates seen --offline --allow-simulated --app-id 00112233445566778899aabbccddeeff00112233 2>/dev/null | tail -n 1
  NOT ALL KNOWN: 0 of 2 certificates have one of 0 attested keys
# A search service as crt.sh is.
$ mkdir site; cp seen/new.pem site/5; cp theirs.pem site/7; $TESTS/ct-search site dstack gateway ct-check example.org --acme-info info.json --logs URL --offline --allow-simulated 2>/dev/null | sed 's/key [0-9a-f]*/key KEY/; s/127.0.0.1:[0-9]*/ADDRESS/'
  UNKNOWN: login.example.org, valid DATE to DATE, key KEY: http://ADDRESS/?d=7
  NOT ALL KNOWN: 1 of 2 certificates have one of 2 attested keys
$ $TESTS/ct-search site dstack gateway ct-check example.org --acme-info info.json --logs URL --since 2026-01-08 --offline --allow-simulated 2>&1
  dstack: warning: keys are attested by a simulated TEE: they are nobody's secret
  ALL KNOWN: 0 of 0 certificates have one of 2 attested keys
  dstack: warning: no certificate for the domain was found at all
# What is no list of keys, and no certificate.
$ echo '{}' >empty.json; dstack gateway ct-check example.org --acme-info empty.json --certificates seen
! dstack: error: empty.json: 'account_uri' is missing
? 4
$ echo nonsense >seen/x.pem; dstack gateway ct-check example.org --acme-info info.json --certificates seen
! dstack: error: seen/x.pem: certificate: error:0680009B:asn1 encoding routines::too long; error:06800066:asn1 encoding routines::bad object header; error:0688010A:asn1 encoding routines::nested asn1 error
? 4
$ dstack gateway ct-check example.org --acme-info nothing.json --certificates seen
! dstack: error: open nothing.json: No such file or directory
? 1
$ dstack gateway ct-check
! dstack: error: DOMAIN is missing
? 2
$ dstack gateway ct-check example.org --since yesterday
! dstack: error: --since: 'yesterday' is no date: wanted YYYY-MM-DD
? 2
