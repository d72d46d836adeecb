# What a custodian got, without the share itself.
$ dstack kms init kms --custodian alice --custodian bob --custodian carol --threshold 2 --shares-to shares >/dev/null 2>&1; dstack kms share show shares/*-bob.json | sed -E 's/[0-9a-f]{64}/HEX/'
  custodian   bob, number 2 of 3
  opens       the root of cluster HEX
  together    any 2 of alice, bob, carol
  protection  none: whoever reads the file has the share
  share       fits what the dealer committed to
$ dstack kms share show shares/*-alice.json --json | sed -E 's/[0-9a-f]{64}/HEX/'
  {
    "schema": "dstack.kms.share.show/1",
    "cluster": "HEX",
    "custodian": "alice",
    "index": 1,
    "threshold": 2,
    "custodians": [
      "alice",
      "bob",
      "carol"
    ],
    "protection": "none",
    "checked": true
  }
# Under a passphrase it is looked at when the passphrase is there.
$ echo 'words of alice' >words; chmod 600 words; dstack kms init two --custodian alice --threshold 1 --shares-to two-shares --share-passphrase-file words >/dev/null 2>&1; dstack kms share show two-shares/*.json | tail -n 2; dstack kms share show two-shares/*.json --share-passphrase-file words | tail -n 1
  protection  a passphrase
  share       not looked at: it is encrypted
  share       fits what the dealer committed to
$ echo 'other words' >words; dstack kms share show two-shares/*.json --share-passphrase-file words 2>&1 | sed -E 's/[0-9a-f]{16}-/ID-/'
  dstack: error: two-shares/ID-alice.json: wrong passphrase for the share of custodian 'alice' (1)
# A changed share does not fit, and neither does another index.
$ sed -E 's/("share": ")0/\11/;t;s/("share": ")./\10/' shares/*-bob.json >changed; dstack kms share show changed
! dstack: error: changed: the share of custodian 'bob' (2) does not fit what the dealer committed to
? 3
$ sed 's/"index": 2/"index": 3/' shares/*-bob.json >moved; dstack kms share show moved
! dstack: error: moved: the share of custodian 'carol' (3) does not fit what the dealer committed to
? 3
$ echo '{}' >empty; dstack kms share show empty
! dstack: error: empty: 'schema' is missing
? 4
