$ umask 077; echo 'correct horse battery staple' >words; dstack kms init kms --development --passphrase-file words --listen 127.0.0.1:0 >/dev/null 2>&1; ls kms
  kms.toml
  policy.toml
  root
  vault.lock
# A command runs against it, and its status comes back. The KMS attests itself, and says by what.
$ dstack kms run kms --passphrase-file words -- sh -c 'curl -sk "$DSTACK_KMS_URL/health"; echo; curl -sk "$DSTACK_KMS_URL/prpc/GetMeta" | grep -o "\"is_dev\":[a-z]*"; exit 7' 2>err
  OK
  "is_dev":true
? 7
$ grep warning err
  dstack: warning: a development arrangement: this machine has no guest agent, so the KMS attests itself through a simulated TEE. No hardware vouches for it
$ curl --help >/dev/null && dstack kms run kms --passphrase-file words -- sh -c 'curl -sk "$DSTACK_KMS_URL/prpc/GetAppKey?json" -d "{\"api_version\":1}"' 2>/dev/null
  {
    "error": "App not allowed: No attestation provided"
  }
# The passphrase may come over standard input; without it the KMS starts sealed.
$ dstack kms run kms --passphrase-file - -- sh -c 'curl -sk "$DSTACK_KMS_URL/health"; echo' <words 2>/dev/null
  OK
$ dstack kms run kms -- sh -c 'curl -sk "$DSTACK_KMS_URL/health"; curl -sk "$DSTACK_KMS_URL/prpc/GetMeta"; echo' 2>/dev/null
  sealed
  {
    "error": "the KMS is sealed: GET /unseal says what it waits for"
  }
$ umask 077; echo 'another passphrase' >other; dstack kms run kms --passphrase-file other -- true 2>err; echo $?; tail -n 1 err
  3
  dstack: error: wrong passphrase, or $WORK/kms/root/sealed.json was changed: decryption failed
$ chmod 644 other; dstack kms run kms --passphrase-file other -- true 2>err; echo $?; tail -n 1 err
  2
  dstack: error: $WORK/other can be read by others: chmod 600 $WORK/other
$ dstack kms run kms --passphrase-file words --listen nowhere
! dstack: warning: a development arrangement: this machine has no guest agent, so the KMS attests itself through a simulated TEE. No hardware vouches for it
! dstack: error: --listen: 'nowhere' is no address (want ADDRESS:PORT, such as 127.0.0.1:8000)
? 2
$ dstack kms run missing
! dstack: error: $WORK/missing has no kms.toml: is it the directory of 'dstack kms init'?
? 1
$ dstack kms run kms --agent nonsense -- true 2>err; echo $?; tail -n 1 err
  2
  dstack: error: guest agent 'nonsense' (want unix:/path or http://ADDRESS:PORT)
$ echo 'unknown = 1' >>kms/kms.toml; dstack kms run kms --passphrase-file words
! dstack: error: $WORK/kms/kms.toml: [limits]: line 64: unknown key 'unknown'
? 2
