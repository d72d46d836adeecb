# An epoch is added with what opens the root; the root stays.
$ echo 'correct horse battery staple' >words; chmod 600 words; dstack kms init kms --passphrase-file words >/dev/null; dstack kms rotate kms --passphrase-file words
  epoch 1 added
! Apps get keys of it when the policy says 'epoch = 1' for them; those of earlier epochs stay.
$ dstack kms rotate kms --passphrase-file - --json <words | sed -E 's/[0-9a-f]{64}/HEX/'
  {
    "schema": "dstack.kms.rotate/1",
    "cluster": "HEX",
    "epoch": 2,
    "created_at": "DATE"
  }
$ echo 'another horse battery staple' >wrong; chmod 600 wrong; dstack kms rotate kms --passphrase-file wrong
! dstack: error: wrong passphrase, or kms/root/sealed.json was changed: decryption failed
? 3
$ dstack kms rotate kms
! dstack: error: the root in kms is opened by a passphrase: give --passphrase-file
? 2
$ dstack kms rotate nowhere --passphrase-file words
! dstack: error: nowhere has no root: make one with 'dstack kms init', or take one over from another KMS
? 1
# Custodians: any two, not one, and a false share is named.
$ dstack kms init two --custodian alice --custodian bob --custodian carol --threshold 2 --shares-to shares --share-passphrase-file words >/dev/null 2>&1; dstack kms rotate two --share shares/*-carol.json --share shares/*-alice.json --share-passphrase-file words
  epoch 1 added
! Apps get keys of it when the policy says 'epoch = 1' for them; those of earlier epochs stay.
$ dstack kms rotate two --share shares/*-bob.json --share-passphrase-file words
! dstack: error: 1 of the 2 shares that open the root in two
? 3
$ dstack kms rotate two --share shares/*-bob.json --share shares/*-bob.json --share-passphrase-file words
! dstack: error: 1 of the 2 shares that open the root in two
? 3
$ dstack kms rotate two --passphrase-file words
! dstack: error: the root in two is opened by any 2 of alice, bob, carol: give --share for each of them
? 2
$ dstack kms init open --custodian alice --custodian bob --threshold 2 --shares-to open-shares >/dev/null 2>&1; cd open-shares; sed -E -i 's/("share": ")0/\11/;t;s/("share": ")./\10/' *-bob.json; dstack kms rotate ../open --share *-alice.json --share *-bob.json 2>&1 | sed -E 's/[0-9a-f]{16}-/ID-/'
  dstack: error: ID-bob.json: the share of custodian 'bob' (2) does not fit what the dealer committed to
# A KMS that runs adds it itself.
$ dstack kms init run --development --listen 127.0.0.1:0 --passphrase-file words >/dev/null 2>&1; dstack kms run run --passphrase-file words -- sh -c 'dstack kms rotate run; dstack kms rotate run --passphrase-file words' 2>err; grep '^dstack: error' err
  epoch 1 added
  dstack: error: a KMS runs from run: it adds the epoch itself, give nothing to open the root with
