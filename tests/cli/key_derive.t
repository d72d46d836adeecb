# The keys of the published simulator (spec guest 13.4).
$ echo d6e88992cdeeee35fe70b5db61ab66cdb191fb9b6ec9313757ef162dd7214d5d >app.key
$ dstack key derive --app-key-file app.key --path /test/path --purpose test-purpose
  public key      02c1082e78670feed1c847db81dbd71be37e4d53200a746c0a89f0afa8173cf566
  statement       test-purpose:02c1082e78670feed1c847db81dbd71be37e4d53200a746c0a89f0afa8173cf566
  signature       f50c51735a97072f0c98125ed61fc84e2fdb36e95990b9e57337dadc0e2a9712227f04e07209faecb8891d59ec144a6c13e411dc90b3423f28071bd3fe11978d01
  app public key  02818494263695e8839122dbd88e281d7380622999df4e60a14befa0f2d096fc7c
$ dstack key derive --app-key-file - --path /test/path --purpose test-purpose --algorithm ed25519 --show-secret <app.key
  public key      2149e71e37ed8568f5a240e6966b5d6f6017428069ddf06ed4c04151de4b2304
  statement       test-purpose:2149e71e37ed8568f5a240e6966b5d6f6017428069ddf06ed4c04151de4b2304
  signature       effb33c8bb9beab8058a165af210047acb15a67bb6482819b44655f8b22a150a45e50fdce916374f2f4bd380c83eac6ca8b6a765a4fb7c3f03ab9932342ce53200
  app public key  02818494263695e8839122dbd88e281d7380622999df4e60a14befa0f2d096fc7c
  key             b9fbb7171185c421c58610a2acba8ceae93623ae47815618cbad1e98fc042cb7
$ printf '%064d' 0 | dstack key derive --seed-file - --json
  {
    "schema": "dstack.key.derive/1",
    "path": "",
    "purpose": "",
    "algorithm": "secp256k1",
    "public_key": "03706fa2a5fe1b73eefee45a03333cbec7cffb58c954d2b46a62b1414aae20a665",
    "signature": "b780623bfdfa2a79a9875b5b18005e4d45b0ca3fb2e02d73d1e362a10b9d660301c216c2ea76b614ddcfda367663824a7b0247a87381bf324aff81272a0579aa01",
    "app_public_key": "02bcee9e8af51e8c5453ec3ad2f3172753aca7d7cae7337265c38f3434bad7d9e4"
  }
# It is what GetKey answers.
$ dstack simulate --directory s -- curl -sf --unix-socket s/dstack.sock -d '{"path":"a","purpose":"b"}' http://localhost/GetKey | grep -o "$(dstack key derive --app-key-file app.key --path a --purpose b --show-secret | sed -n 's/^key  *//p')" | wc -l
  1
$ dstack key derive
! dstack: error: give --app-key-file or --seed-file
? 2
$ dstack key derive --app-key-file app.key --seed-file app.key
! dstack: error: give --app-key-file or --seed-file
? 2
$ dstack key derive --app-key-file app.key --algorithm rsa
! dstack: error: --algorithm: Unsupported algorithm
? 2
$ echo 00 | dstack key derive --app-key-file -
! dstack: error: stdin: want 32 bytes, raw or as 64 hex digits
? 4
$ printf '%064d' 0 | dstack key derive --app-key-file -
! dstack: error: -: secp256k1 scalar out of range
? 4
$ dstack key derive --app-key-file missing.key
! dstack: error: open missing.key: No such file or directory
? 1
