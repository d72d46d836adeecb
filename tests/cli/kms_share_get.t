# A custodian's share, from a KMS that holds it ready, sealed to the custodian's key.
$ umask 077; for name in alice bob mallory; do dstack kms share key $name.key >$name.pub; done; dstack kms init kms --development --listen 127.0.0.1:0 --custodian alice=$(cat alice.pub) --custodian bob=$(cat bob.pub) --threshold 2 --shares-to made >/dev/null 2>&1; cp -r made kms/shares; mkdir got
$ echo 'mr=$(dstack kms status kms --json | python3 -c "import json,sys; print(json.load(sys.stdin)[\"self\"][\"mrAggregated\"])"); dstack kms share get "$DSTACK_KMS_URL" "$@" 2>&1; echo "status $?"' >get; echo 'dstack kms run kms -- bash ./get "$@" 2>/dev/null | sed -E "s/127.0.0.1:[0-9]+/KMS/; s/[0-9a-f]{40,}/HEX/; s/[0-9a-f]{16}-/ID-/"' >with
$ bash ./with --share-key-file bob.key
  dstack: error: https://KMS: the evidence is that of a simulated TEE: no hardware vouches for it
  status 3
$ bash ./with --share-key-file bob.key --allow-simulated --mr 00
  dstack: error: https://KMS: this is another KMS than --mr says
    It is
      mr_aggregated  HEX
      app id         HEX
      compose hash   HEX
      OS image       HEX
      TCB            UpToDate
      SIMULATED: no hardware vouches for it
    Only a KMS that you know may get a share: give --policy FILE (of a KMS), or --mr with its mr_aggregated
  status 3
$ sed -i 's/share get/share get --allow-simulated --mr $mr/' get; bash ./with --share-key-file mallory.key
  dstack: error: https://KMS: none of its 2 shares is sealed to the key in mallory.key (its public key is HEX)
  status 1
$ bash ./with --share-key-file bob.key --to got
  dstack: warning: the KMS is attested by a simulated TEE: whoever runs it can read its root
  got/ID-bob.json
  status 0
$ cmp got/*-bob.json made/*-bob.json; stat -c %a got/*-bob.json; dstack kms share show got/*-bob.json --share-key-file bob.key | tail -n 1
  600
  share       fits what the dealer committed to
$ bash ./with --share-key-file alice.key --to got --json
  dstack: warning: the KMS is attested by a simulated TEE: whoever runs it can read its root
  {
    "schema": "dstack.kms.share.get/1",
    "file": "got/ID-alice.json",
    "custodian": "alice",
    "cluster": "HEX",
    "threshold": 2,
    "mr_aggregated": "HEX"
  }
  status 0
# A share that is not sealed is not shown to anybody.
$ rm kms/shares/*; dstack kms init other --development --custodian alice --threshold 1 --shares-to open >/dev/null 2>&1; cp open/* kms/shares; bash ./with --share-key-file alice.key
  dstack: error: https://KMS: none of its 0 shares is sealed to the key in alice.key (its public key is HEX)
  status 1
$ dstack kms share get https://127.0.0.1:1
! dstack: error: --share-key-file is missing
? 2
$ dstack kms share get https://127.0.0.1:1 --share-key-file bob.key
! dstack: error: https://127.0.0.1:1: 127.0.0.1: connect to 127.0.0.1:1: Connection refused
? 1
