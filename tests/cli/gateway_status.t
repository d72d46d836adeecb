$ umask 077; echo 'correct horse battery staple' >words; dstack kms init kms --development --passphrase-file words --listen 127.0.0.1:0 >/dev/null 2>&1; dstack gateway init gw --domain apps.test --dev-ca --no-wireguard --kms kms >/dev/null 2>&1; printf '%s\n' '#!/bin/sh' 'exec dstack kms run kms --passphrase-file words -- sh -c '"'"'dstack gateway run gw --kms "$DSTACK_KMS_URL" --listen 127.0.0.1:0 --rpc-listen 127.0.0.1:0 -- "$@"'"'"' sh "$@"' >run; chmod +x run; ls
  gw
  kms
  run
  tools
  words
$ ./run sh -c 'until dstack gateway status gw | grep -q until; do sleep 0.1; done; dstack gateway status gw' 2>/dev/null | sed -E 's/[0-9a-f]{40}/HEX/; s/127.0.0.1:[0-9]+/127.0.0.1:PORT/g'
  registrations     https://127.0.0.1:PORT
  apps at           127.0.0.1:PORT
  reached through   forwarded ports of this machine's VMs only: it is switched off
  connections       0
  app id            HEX
  domain            apps.test, certificate until DATE
  VMs               0
$ ./run dstack gateway status gw --json 2>/dev/null | python3 -c 'import json,sys; d=json.load(sys.stdin); print(d["schema"], d["status"], d["hosts"], d["domains"][0]["config"]["domain"])'
  dstack.gateway.status/1 up [] apps.test
$ dstack gateway status gw
! dstack: error: no gateway runs from gw ('dstack gateway run gw' starts it)
? 1
