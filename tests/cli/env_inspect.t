# The published blob (spec guest 19).
$ echo 8f40c5adb68f25624ae5b214ea767a6ec94d829d3d7b5e1ad1ba6f3e2138285f000102030405060708090a0bff915747ad11a80eb22ef0b13379003d2052921da5b0e12d1a6ca8c3849ff0bdf313a566ca5e69ccd0cef60e1f5c92b625 >blob; echo 4f3cf0a19a0444674c8e51222afd395b8df9fad2ba3cd7956f640a4b3c046db6 >env.key
$ dstack env inspect blob
  ephemeral key  8f40c5adb68f25624ae5b214ea767a6ec94d829d3d7b5e1ad1ba6f3e2138285f
  nonce          000102030405060708090a0b
  sealed         49 bytes
$ dstack env inspect blob --secret-key-file env.key --show-values --json
  {
    "schema": "dstack.env.inspect/1",
    "file": "blob",
    "ephemeral_public_key": "8f40c5adb68f25624ae5b214ea767a6ec94d829d3d7b5e1ad1ba6f3e2138285f",
    "nonce": "000102030405060708090a0b",
    "sealed_bytes": 49,
    "variables": {
      "A": "1"
    }
  }
$ dstack env inspect blob --show-values
! dstack: error: --show-values needs --secret-key-file
? 2
$ printf '%064d' 7 >other.key; dstack env inspect blob --secret-key-file other.key
! dstack: error: blob: decryption failed
? 3
$ echo 00 | dstack env inspect -
! dstack: error: -: 1 bytes (want at least 60)
? 4
$ dstack env inspect missing
! dstack: error: open missing: No such file or directory
? 1
