$ umask 077; echo 'correct horse battery staple' >words; dstack kms init kms --development --passphrase-file words --listen 127.0.0.1:0 >/dev/null 2>&1; dstack gateway init gw --domain apps.test --dev-ca --no-wireguard --kms kms >/dev/null 2>&1; printf '%s\n' '#!/bin/sh' 'exec dstack kms run kms --passphrase-file words -- sh -c '"'"'dstack gateway run gw --kms "$DSTACK_KMS_URL" --listen 127.0.0.1:0 --rpc-listen 127.0.0.1:0 -- "$@"'"'"' sh "$@"' >run; chmod +x run; ls
  gw
  kms
  run
  tools
  words
# A command runs against it, and its status comes back. Whoever gives it its keys is said.
$ ./run sh -c 'curl -sk "$DSTACK_GATEWAY_URL/health"; echo; curl -sk "$DSTACK_GATEWAY_URL/prpc/Info"; echo; exit 7' 2>err
  OK
  {"base_domain":"apps.test","external_port":443,"app_address_ns_prefix":"_dstack-app-address","version":"0.1.0"}
? 7
$ grep 'so the gateway' err
  dstack: warning: a development arrangement: this machine has no guest agent, so the gateway's keys are attested by a simulated TEE. No hardware vouches for it
$ ./run sh -c 'curl -sk -X POST "$DSTACK_GATEWAY_URL/prpc/RegisterCvm?json" -d "{}"; echo' 2>/dev/null
  {
    "error": "only a VM can register, with a client certificate of its own that the KMS has signed with its app info"
  }
# Without an agent and without a KMS it has no keys.
$ dstack gateway init alone --domain apps.test >/dev/null; dstack gateway run alone
! dstack: error: this machine has no guest agent, and gateway.toml names no KMS
!   run the gateway in a VM, or give 'kms_urls' so that an agent can be played for development
? 2
$ dstack gateway run gw --kms https://127.0.0.1:1
! dstack: error: KMS: app keys: https://127.0.0.1:1: GetTempCaCert: 127.0.0.1: connect to 127.0.0.1:1: Connection refused
? 1
$ dstack gateway run gw --listen nowhere
! dstack: error: --listen nowhere: no port
? 2
$ dstack gateway run gw --rpc-listen 8000
! dstack: error: --rpc-listen 8000: no port
? 2
$ dstack gateway run kms
! dstack: error: $WORK/kms has no gateway.toml: is it the directory of 'dstack gateway init'?
? 1
