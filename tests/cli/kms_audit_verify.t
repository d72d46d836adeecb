$ cp $TESTS/../fuzz/corpus/kms_audit/three.jsonl log; dstack kms audit verify log
  INTACT: 3 records, DATE to DATE
  allowed 2, refused 1
  head e97bf4560e7d8229e3d2e10220e1c00d10a47ca9f2c515db87ddfaa0a4fe4b1d
$ dstack kms audit verify log --json
  {
    "schema": "dstack.kms.audit.verify/1",
    "intact": true,
    "records": 3,
    "allowed": 2,
    "refused": 1,
    "first": "DATE",
    "last": "DATE",
    "head": "e97bf4560e7d8229e3d2e10220e1c00d10a47ca9f2c515db87ddfaa0a4fe4b1d",
    "time_backwards": 0,
    "torn_bytes": 0
  }
# The hash is that of the line's own bytes: anybody can compute it.
$ tail -n 1 log | sed 's/,"hash":"[0-9a-f]*"}$/}/' | tr -d '\n' | sha256sum | cut -c 1-64
  e97bf4560e7d8229e3d2e10220e1c00d10a47ca9f2c515db87ddfaa0a4fe4b1d
# The first line that was changed is named.
$ sed '2s/app not registered/a good reason/' log >changed; dstack kms audit verify changed
! dstack: error: changed: line 2: changed: its hash is 7a0e5d8f564ec72919ac3d6fc30cec80546533849d00b474c57301a887b271ca, not 2d4d481898ef9357353cd97d6c49fb5a83893254d91a0078d1e3109362c63abe
? 3
$ sed 2d log >missing; dstack kms audit verify missing
! dstack: error: missing: line 2: record 3 follows record 1: what was between is missing
? 3
$ { sed -n 1p log; sed -n 3p log; sed -n 2p log; } >moved; dstack kms audit verify moved
! dstack: error: moved: line 2: record 3 follows record 1: what was between is missing
? 3
# A line that a crash cut short is no part of it, and said.
$ head -c -20 log >torn; dstack kms audit verify torn
  INTACT: 2 records, DATE to DATE
  allowed 1, refused 1
  head 2d4d481898ef9357353cd97d6c49fb5a83893254d91a0078d1e3109362c63abe
! dstack: warning: the last line is torn: 1093 bytes of it were written before the KMS stopped; they are no part of the chain
$ head -c -1 log >unended; dstack kms audit verify unended
  INTACT: 3 records, DATE to DATE
  allowed 2, refused 1
  head e97bf4560e7d8229e3d2e10220e1c00d10a47ca9f2c515db87ddfaa0a4fe4b1d
# A log in two files, and a head that was noted.
$ head -n 1 log >a; tail -n 2 log >b; dstack kms audit verify a b | head -n 1; dstack kms audit verify b
  INTACT: 3 records, DATE to DATE
! dstack: error: b: line 1: record 2 follows record 0: what was between is missing
? 3
$ head=$(head -n 2 log | tail -n 1 | grep -o '[0-9a-f]*"}$' | cut -c 1-64); dstack kms audit verify log --contains $head | head -n 1; dstack kms audit verify a --contains $head | sed "s/$head/HEAD/"
  INTACT: 3 records, DATE to DATE
! dstack: error: no record has the hash 2d4d481898ef9357353cd97d6c49fb5a83893254d91a0078d1e3109362c63abe: the log was cut or replaced
$ dstack kms audit verify log --contains 00
! dstack: error: --contains: 1 bytes of hex (want 32)
? 2
$ echo hello >other; dstack kms audit verify other
! dstack: error: other: line 1: not a record that ends in its hash
? 4
$ touch empty; dstack kms audit verify empty
  INTACT: no records yet
$ dstack kms audit verify nosuch
! dstack: error: open nosuch: No such file or directory
? 1
