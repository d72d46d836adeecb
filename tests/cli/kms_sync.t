$ umask 077; echo 'correct horse battery staple' >words; dstack kms init one --development --passphrase-file words --listen 127.0.0.1:0 >/dev/null 2>&1; dstack kms sync https://127.0.0.1:1 one
! dstack: error: no KMS runs from one ('dstack kms run one' starts it)
? 1
$ dstack kms sync http://127.0.0.1:1 one
! dstack: error: KMS URL 'http://127.0.0.1:1': a KMS is asked over https only
? 2
# Two replicas; the second joined before the first added an epoch.
$ dstack kms run one --passphrase-file words -- dstack kms status one --json 2>/dev/null | python3 -c 'import json,sys; d=json.load(sys.stdin)["self"]; r=d["registers"]; print("[[image]]\nname = \"played\"\nhash = \"%s\"\nmrtd = [\"%s\"]\nrtmr1 = [\"%s\"]\nrtmr2 = [\"%s\"]" % (d["osImageHash"], r["mrtd"], r["rtmr1"], r["rtmr2"]))' >>one/policy.toml
$ dstack kms run one --passphrase-file words -- sh -c 'dstack kms join "$DSTACK_KMS_URL" two --passphrase-file words --policy one/policy.toml --development --listen 127.0.0.1:0; dstack kms rotate one; export FIRST=$DSTACK_KMS_URL; dstack kms run two --passphrase-file words -- sh -c "dstack kms sync \$FIRST two; dstack kms sync \$FIRST two --json"' 2>err | tail -n 6
  1 added: the newest epoch is 1
  {
    "schema": "dstack.kms.sync/1",
    "added": 0,
    "epoch": 1
  }
$ grep -o '"event":"[a-z]*","node":"[0-9a-f]*","about":"epoch 1 of' two/replication.jsonl | sed -E 's/[0-9a-f]{16}/NODE/'; grep -o '"event":"synced","reason":"epoch 1"' two/audit.jsonl
  "event":"rotated","node":"NODE","about":"epoch 1 of
  "event":"synced","reason":"epoch 1"
