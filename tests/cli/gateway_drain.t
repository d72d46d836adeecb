# Which VM is meant is asked from the gateway that runs; tests/integration/gateway drains one.
$ dstack gateway init gw --domain apps.test >/dev/null; dstack gateway drain gw 5d0c
! dstack: error: no gateway runs from gw ('dstack gateway run gw' starts it)
? 1
$ umask 077; echo 'correct horse battery staple' >words; dstack kms init kms --development --passphrase-file words --listen 127.0.0.1:0 >/dev/null 2>&1; dstack gateway init two --domain apps.test --dev-ca --no-wireguard --kms kms >/dev/null 2>&1; dstack kms run kms --passphrase-file words -- sh -c 'dstack gateway run two --kms "$DSTACK_KMS_URL" --listen 127.0.0.1:0 --rpc-listen 127.0.0.1:0 -- dstack gateway drain two 5d0c; echo $?' 2>err; grep -a 'no instance' err
  1
  dstack: error: no instance '5d0c' is registered
$ dstack gateway drain gw
! dstack: error: INSTANCE is missing
? 2
