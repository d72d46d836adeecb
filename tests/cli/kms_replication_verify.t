$ cp $TESTS/../fuzz/corpus/kms_replication/three.jsonl log; key=02cc6fd84a087a57a3ddb4ff25b8b0ccbf37c40219cb8c2ad1951303a99433b217; dstack kms replication verify log --k256-pubkey $key
  INTACT: 3 entries of node n; the root keys went to 1 other KMS
  DATE  opened   kms2
  DATE  joined   kms2
    aggregated MR 0101010101010101010101010101010101010101010101010101010101010101
    device id     0707070707070707070707070707070707070707070707070707070707070707  SIMULATED
  DATE  rotated  kms2
$ key=02cc6fd84a087a57a3ddb4ff25b8b0ccbf37c40219cb8c2ad1951303a99433b217; dstack kms replication verify log --k256-pubkey $key --json | head -n 14
  {
    "schema": "dstack.kms.replication.verify/1",
    "intact": true,
    "node": "n",
    "head": "68659f48e9cd4a0cdbb21998d0ece7d9256446e3cc2a9473577adfa2617baaf8",
    "torn_bytes": 0,
    "entries": [
      {
        "time": "DATE",
        "event": "opened",
        "about": "kms2",
        "epoch": 0,
        "spki_sha256": "",
        "who": null
# Another root's key, a changed entry, a missing one.
$ dstack kms replication verify log --k256-pubkey 03e206818ce77f40bdfce29d7b9acd7ea58fa11ae84b59004df31b6783a992924a
! dstack: error: log: line 1: not signed by the root key, or changed since
? 3
$ key=02cc6fd84a087a57a3ddb4ff25b8b0ccbf37c40219cb8c2ad1951303a99433b217; sed '2s/kms2/kms3/' log >changed; dstack kms replication verify changed --k256-pubkey $key
! dstack: error: changed: line 2: not signed by the root key, or changed since
? 3
$ key=02cc6fd84a087a57a3ddb4ff25b8b0ccbf37c40219cb8c2ad1951303a99433b217; sed 2d log >missing; dstack kms replication verify missing --k256-pubkey $key
! dstack: error: missing: line 2: entry 3 follows entry 1: one is missing, or moved
? 3
$ key=02cc6fd84a087a57a3ddb4ff25b8b0ccbf37c40219cb8c2ad1951303a99433b217; head -c -20 log >torn; dstack kms replication verify torn --k256-pubkey $key | head -n 1
  INTACT: 2 entries of node n; the root keys went to 1 other KMS
! dstack: warning: the last line is torn (293 bytes): no part of the log
$ dstack kms replication verify log --k256-pubkey 00
! dstack: error: --k256-pubkey: 1 bytes of hex (want 33)
? 2
$ dstack kms replication verify log
! dstack: error: --k256-pubkey is missing
? 2
$ key=02cc6fd84a087a57a3ddb4ff25b8b0ccbf37c40219cb8c2ad1951303a99433b217; echo hello >other; dstack kms replication verify other --k256-pubkey $key
! dstack: error: other: line 1: not an entry that ends in its signature
? 4
