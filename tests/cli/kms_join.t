$ umask 077; echo 'correct horse battery staple' >words; dstack kms init one --development --passphrase-file words --listen 127.0.0.1:0 >/dev/null 2>&1; dstack kms join https://127.0.0.1:1 two
! dstack: error: who can open the root here? Give --passphrase-file FILE, or --custodian NAME for each, --threshold T and --shares-to DIRECTORY
? 2
$ dstack kms join https://127.0.0.1:1 two --passphrase-file words
! dstack: error: --policy is missing: which systems this KMS takes a root from. The policy of the other KMS will do, if it allows itself
? 2
# The image that a simulated TEE plays, into the policy of the first.
$ dstack kms run one --passphrase-file words -- dstack kms status one --json 2>/dev/null | python3 -c 'import json,sys; d=json.load(sys.stdin)["self"]; r=d["registers"]; print("[[image]]\nname = \"played\"\nhash = \"%s\"\nmrtd = [\"%s\"]\nrtmr1 = [\"%s\"]\nrtmr2 = [\"%s\"]" % (d["osImageHash"], r["mrtd"], r["rtmr1"], r["rtmr2"]))' >>one/policy.toml; dstack kms policy check one/policy.toml >/dev/null && echo good
  good
$ dstack kms run one --passphrase-file words -- sh -c 'dstack kms join "$DSTACK_KMS_URL" two --passphrase-file words --policy one/policy.toml --development --listen 127.0.0.1:0' 2>err | sed -E 's/[0-9a-f]{64,}/HEX/'; ls two
  key provider id   HEX
  cluster           HEX
  opened by         a passphrase
  audit.jsonl
  kms.lock
  kms.toml
  policy.toml
  root
  vault.lock
$ cmp <(dstack kms status one) <(dstack kms status two) && echo the same root; grep -o '"event":"[a-z]*"' one/replication.jsonl; grep -o '"event":"GetKmsKey","peer":"127.0.0.1","role":"kms"' one/audit.jsonl
  the same root
  "event":"opened"
  "event":"joined"
  "event":"GetKmsKey","peer":"127.0.0.1","role":"kms"
$ dstack kms join https://127.0.0.1:1 two --passphrase-file words
! dstack: error: two has a root already: a KMS joins only once
? 3
$ dstack kms join http://127.0.0.1:1 three --passphrase-file words --policy one/policy.toml 2>err; echo $?; tail -n 1 err
  2
  dstack: error: KMS URL 'http://127.0.0.1:1': a KMS is asked over https only
$ dstack kms join https://127.0.0.1:1 three --passphrase-file words 2>err; echo $?; tail -n 1 err
  2
  dstack: error: --policy is missing: which systems this KMS takes a root from. The policy of the other KMS will do, if it allows itself
