# The root of a KMS is made once, whole, and the policy beside it grants nothing.
$ echo 'correct horse battery staple' >words; chmod 600 words; dstack kms init kms --passphrase-file words --domain kms.example.com | sed -E 's/[0-9a-f]{64,}/HEX/'
  key provider id   HEX
  k256 public key   HEX
  cluster           HEX
  opened by         a passphrase
  settings          kms/kms.toml
  policy            kms/policy.toml (grants nothing yet)
  ~
  Next:
    dstack kms run kms --passphrase-file words
$ ls -A kms kms/root; stat -c '%a %n' kms kms/root kms/root/* kms/kms.toml
  kms:
  kms.toml
  policy.toml
  root
  vault.lock
  ~
  kms/root:
  public.json
  sealed.json
  700 kms
  700 kms/root
  600 kms/root/public.json
  600 kms/root/sealed.json
  600 kms/kms.toml
$ grep -E '^(development|listen|domains|self_authorization)' kms/kms.toml; grep -vE '^(#|$)' kms/policy.toml
  development = false
  listen = "127.0.0.1:8000"
  domains = ["kms.example.com"]
  self_authorization = true
  [evidence]
  simulated = false             # evidence of a simulated TEE proves nothing
  tee = ["dstack-tdx"]          # also: "dstack-amd-sev-snp"
  tcb = ["UpToDate"]            # as the vendor judges the platform
  advisories = []               # accepted ones; ["*"] is any
  [kms]
  mr_aggregated = []
  devices = []
$ dstack kms init kms --passphrase-file words
! dstack: error: kms is already bootstrapped: it has a root, and a second one is never made beside it
? 3
# Custodians: fewer than the threshold learn nothing; the shares are one file each.
$ dstack kms init two --custodians 3 --threshold 2 --shares-to shares --listen 0.0.0.0:9000 | sed -E 's/[0-9a-f]{64,}/HEX/; s/[0-9a-f]{16}-/ID-/g'
  key provider id   HEX
  k256 public key   HEX
  cluster           HEX
  opened by         any 2 of custodian-1, custodian-2, custodian-3
  share             shares/ID-custodian-1.json
  share             shares/ID-custodian-2.json
  share             shares/ID-custodian-3.json
  settings          two/kms.toml
  policy            two/policy.toml (grants nothing yet)
  ~
  Next:
    dstack kms run two
    dstack kms unseal --share shares/ID-custodian-1.json --policy two/policy.toml https://127.0.0.1:9000
    dstack kms unseal --share shares/ID-custodian-2.json --policy two/policy.toml https://127.0.0.1:9000
! dstack: warning: any 2 of the files in shares open the root
! dstack: warning: hand each share to its custodian and delete it here
$ ls shares | sed -E 's/[0-9a-f]{16}-/ID-/'; stat -c %a shares shares/*
  ID-custodian-1.json
  ID-custodian-2.json
  ID-custodian-3.json
  700
  600
  600
  600
$ grep -c '"share"' shares/*-custodian-1.json two/root/*.json | sed -E 's/[0-9a-f]{16}-/ID-/'
  shares/ID-custodian-1.json:1
  two/root/public.json:0
  two/root/sealed.json:0
$ dstack kms init three --custodian alice --custodian bob --threshold 1 --shares-to shares3 --share-passphrase-file words --json 2>err | sed -E 's/[0-9a-f]{16,}/HEX/g'; cat err
  {
    "schema": "dstack.kms.init/1",
    "directory": "three",
    "cluster": "HEX",
    "key_provider_id": "HEX",
    "k256_public_key": "HEX",
    "development": false,
    "provider": "quorum",
    "threshold": 1,
    "shares": [
      {
        "custodian": "alice",
        "file": "shares3/HEX-alice.json"
      },
      {
        "custodian": "bob",
        "file": "shares3/HEX-bob.json"
      }
    ],
    "settings_kept": false,
    "policy_kept": false,
    "next": [
      "dstack kms run three",
      "dstack kms unseal --share shares3/HEX-alice.json --policy three/policy.toml https://127.0.0.1:8000"
    ]
  }
  dstack: warning: a threshold of 1: each file in shares3 alone opens the root
  dstack: warning: hand each share to its custodian and delete it here
# For trying things out, and it says so.
$ dstack kms init dev --development --passphrase-file - <words | tail -n 2
  Next:
    dstack kms run dev --passphrase-file -
! dstack: warning: a development KMS: its policy takes simulated evidence, so it proves nothing. Keep no keys of worth in it
$ head -n 2 dev/policy.toml; grep -E '^(development|self_authorization)' dev/kms.toml
  # DEVELOPMENT POLICY: SIMULATED EVIDENCE IS ALLOWED. Whoever can reach this KMS can make up a VM that
  # gets every key of the apps named below, and any system may take over its root. Never put keys of
  development = true
  self_authorization = false
# What makes no sense.
$ dstack kms init new
! dstack: error: who can open the root? Give --passphrase-file FILE, or --custodians N --threshold T --shares-to DIRECTORY
? 2
$ dstack kms init new --custodians 3 --threshold 2 --shares-to new/shares
! dstack: error: --shares-to new/shares is inside new: shares and what they open belong apart
? 2
$ dstack kms init new --custodians 3 --threshold 4 --shares-to s
! dstack: error: a threshold of 4 for 3 shares (want 1 to 3)
? 2
$ dstack kms init new --custodians 3 --shares-to s
! dstack: error: --threshold is missing: how many of the custodians open the root
? 2
$ dstack kms init new --custodians 2 --threshold 2 --shares-to s --passphrase-file words
! dstack: error: the root is opened by a passphrase or by custodians, not by both
? 2
$ echo short >short; chmod 600 short; dstack kms init new --passphrase-file short
! dstack: error: a passphrase of 5 bytes can be guessed (want 12 at least)
? 2
$ chmod 644 words; dstack kms init new --passphrase-file words; chmod 600 words
! dstack: error: words can be read by others: chmod 600 words
$ dstack kms init new --passphrase-file words --domain 'a b'
! dstack: error: --domain: 'a b' is no domain: letters, digits and inner hyphens only
? 2
$ ls -d new
! ls: cannot access 'new': No such file or directory
? 2
# Settings that were prepared are kept, and have to be ones.
$ mkdir own; printf 'listen = "127.0.0.1:7000"\n' >own/kms.toml; dstack kms init own --passphrase-file words | grep settings; cat own/kms.toml
  settings          own/kms.toml (kept)
  listen = "127.0.0.1:7000"
$ mkdir bad; printf 'listn = 1\n' >bad/kms.toml; dstack kms init bad --passphrase-file words
! dstack: error: bad/kms.toml: line 1: unknown key 'listn'; did you mean 'listen'?
? 2
$ mkdir old; touch old/root-ca.key; dstack kms init old --passphrase-file words
! dstack: error: old holds root-ca.key of another KMS: use another directory, or move that away first
? 3
