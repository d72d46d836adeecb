# A share that is sealed to its custodian's key lies open nowhere, and only the key opens it.
$ dstack kms share key bob.key >bob.pub; wc -c <bob.pub; stat -c '%a %s' bob.key
  65
  600 32
$ dstack kms init kms --custodian alice --custodian bob=$(cat bob.pub) --threshold 2 --shares-to shares 2>&1 >/dev/null; mv shares/*-bob.json bob.json; mv shares/*-alice.json alice.json; grep -c '"share"' alice.json bob.json
  dstack: warning: hand each share to its custodian and delete it here
  alice.json:1
  bob.json:0
$ dstack kms share show bob.json | sed -E 's/[0-9a-f]{64}/HEX/'
  custodian   bob, number 2 of 2
  opens       the root of cluster HEX
  together    any 2 of alice, bob
  protection  sealed to the key HEX
  share       not looked at: it is encrypted
$ dstack kms share show bob.json --share-key-file bob.key | tail -n 1
  share       fits what the dealer committed to
$ dstack kms rotate kms --share alice.json --share bob.json 2>&1 | sed -E 's/[0-9a-f]{64}/HEX/'
  dstack: error: bob.json: the share of custodian 'bob' (2) is sealed to the key HEX
$ dstack kms rotate kms --share alice.json --share bob.json --share-key-file bob.key
  epoch 1 added
! Apps get keys of it when the policy says 'epoch = 1' for them; those of earlier epochs stay.
$ dstack kms share key other.key >other.pub; dstack kms share show bob.json --share-key-file other.key 2>&1 | sed -E 's/[0-9a-f]{64}/HEX/'
  dstack: error: bob.json: the share of custodian 'bob' (2) is sealed to the key HEX
$ dstack kms share key bob.key 2>&1 >/dev/null
  dstack: error: open bob.key: File exists
? 1
$ dstack kms share key json.key --json | sed -E 's/[0-9a-f]{64}/HEX/'
  {
    "schema": "dstack.kms.share.key/1",
    "file": "json.key",
    "public_key": "HEX"
  }
$ dstack kms init two --custodian alice=xy --threshold 1 --shares-to s
! dstack: error: --custodian: key of custodian 'alice': not a hex digit at position 0
? 2
