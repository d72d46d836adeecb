$ umask 077; echo 'correct horse battery staple' >words; dstack kms init kms --development --passphrase-file words --listen 127.0.0.1:0 >/dev/null 2>&1; dstack kms lock kms
! dstack: error: no KMS runs from kms ('dstack kms run kms' starts it)
? 1
# Locked, it answers nobody, until its passphrase comes.
$ dstack kms run kms --passphrase-file words -- sh -c 'dstack kms lock kms && curl -sk "$DSTACK_KMS_URL/prpc/GetMeta" && echo && dstack kms lock kms; dstack kms unseal kms --passphrase-file words && curl -sk "$DSTACK_KMS_URL/health"; echo' 2>err
  sealed: the root is out of memory
  {
    "error": "the KMS is sealed: GET /unseal says what it waits for"
  }
  the root is open
  OK
$ grep '^dstack: error' err
  dstack: error: the KMS is sealed already
$ grep -o '"event":"[a-z]*"' kms/audit.jsonl
  "event":"start"
  "event":"locked"
  "event":"unlocked"
  "event":"stop"
$ dstack kms run kms --passphrase-file words -- dstack kms lock kms --json 2>/dev/null
  {
    "schema": "dstack.kms.lock/1",
    "sealed": true
  }
