$ umask 077; dstack kms init kms --development --listen 127.0.0.1:0 --custodian alice --custodian bob --custodian carol --threshold 2 --shares-to shares >/dev/null 2>&1; cd shares; for name in alice bob carol; do mv *-$name.json $name.json; done; ls
  alice.json
  bob.json
  carol.json
# A share goes to no KMS that nobody vouches for, nor to one that is not known.
$ dstack kms run kms -- sh -c 'dstack kms unseal --share shares/alice.json "$DSTACK_KMS_URL"' 2>err; grep '^dstack: error' err | sed 's/:[0-9]*: /:PORT: /'
  dstack: error: https://127.0.0.1:PORT: the evidence is that of a simulated TEE: no hardware vouches for it
$ dstack kms run kms -- sh -c 'dstack kms unseal --share shares/alice.json --allow-simulated --mr 00 "$DSTACK_KMS_URL"' 2>err; sed -n '/^dstack: error/,$p' err | grep -v '^{' | sed -E 's/:[0-9]+: /:PORT: /; s/[0-9a-f]{40,}/HEX/'
  dstack: error: https://127.0.0.1:PORT: this is another KMS than --mr says
    It is
      mr_aggregated  HEX
      app id         HEX
      compose hash   HEX
      OS image       HEX
      TCB            UpToDate
      SIMULATED: no hardware vouches for it
    Only a KMS that you know may get a share: give --policy FILE (of a KMS), or --mr with its mr_aggregated
# A policy that leaves the decision to a webhook does not say which KMS it is. --mr counts beside one that does.
$ dstack kms run kms -- dstack kms status kms --json 2>/dev/null | python3 -c 'import json,sys; d=json.load(sys.stdin)["self"]; r=d["registers"]; print("[[image]]\nname = \"played\"\nhash = \"%s\"\nmrtd = [\"%s\"]\nrtmr1 = [\"%s\"]\nrtmr2 = [\"%s\"]" % (d["osImageHash"], r["mrtd"], r["rtmr1"], r["rtmr2"]))' >>kms/policy.toml; (printf 'rules = "webhook"\nwebhook = { url = "http://127.0.0.1:1/" }\n'; cat kms/policy.toml) >hook.toml; dstack kms unseal --share shares/alice.json --policy hook.toml https://127.0.0.1:1
! dstack: error: hook.toml: rules = "webhook" leaves it to somebody who is not asked here which systems may be a KMS: give --mr with the mr_aggregated of yours instead
? 2
$ dstack kms run kms -- sh -c 'dstack kms unseal --share shares/alice.json --policy kms/policy.toml --mr 00 "$DSTACK_KMS_URL"' 2>err; grep '^dstack: error' err | sed 's/:[0-9]*: /:PORT: /'
  dstack: error: https://127.0.0.1:PORT: this is another KMS than --mr says
$ mr=$(dstack kms run kms -- dstack kms status kms --json 2>/dev/null | python3 -c 'import json,sys; print(json.load(sys.stdin)["self"]["mrAggregated"])'); export mr; dstack kms run kms -- sh -c 'dstack kms unseal --share shares/alice.json --policy kms/policy.toml "$DSTACK_KMS_URL"; dstack kms unseal --share shares/bob.json --policy kms/policy.toml --mr $mr "$DSTACK_KMS_URL"' 2>/dev/null
  alice's share is in: 1 of 2 shares are in (alice)
  bob's share is in: 2 of 2 shares are in (alice, bob); the root is open
# Any two of three open it; the same one twice is one.
$ mr=$(dstack kms run kms -- dstack kms status kms --json 2>/dev/null | python3 -c 'import json,sys; print(json.load(sys.stdin)["self"]["mrAggregated"])'); echo "$mr" | wc -c
  65
$ mr=$(dstack kms run kms -- dstack kms status kms --json 2>/dev/null | python3 -c 'import json,sys; print(json.load(sys.stdin)["self"]["mrAggregated"])'); export mr; dstack kms run kms -- sh -c 'for name in alice alice carol; do dstack kms unseal --share shares/$name.json --allow-simulated --mr $mr "$DSTACK_KMS_URL"; done; curl -sk "$DSTACK_KMS_URL/health"; echo; dstack kms unseal --share shares/bob.json --allow-simulated --mr $mr "$DSTACK_KMS_URL"' 2>err; grep -E '^dstack: (error|warning: the KMS)' err | sed 's/:[0-9]*: /:PORT: /'
  alice's share is in: 1 of 2 shares are in (alice)
  alice's share is in: 1 of 2 shares are in (alice)
  carol's share is in: 2 of 2 shares are in (alice, carol); the root is open
  OK
  dstack: warning: the KMS is attested by a simulated TEE: whoever runs it can read the share
  dstack: warning: the KMS is attested by a simulated TEE: whoever runs it can read the share
  dstack: warning: the KMS is attested by a simulated TEE: whoever runs it can read the share
  dstack: error: https://127.0.0.1:PORT: the root is open: no share is wanted
# A share that was changed does not even leave.
$ python3 -c 'import json; bob=json.load(open("shares/bob.json")); bob["share"]=json.load(open("shares/alice.json"))["share"]; json.dump(bob, open("lie.json", "w"))'; chmod 600 lie.json; mr=$(dstack kms run kms -- dstack kms status kms --json 2>/dev/null | python3 -c 'import json,sys; print(json.load(sys.stdin)["self"]["mrAggregated"])'); export mr; dstack kms run kms -- sh -c 'dstack kms unseal --share lie.json --allow-simulated --mr $mr "$DSTACK_KMS_URL"' 2>err; echo $?; grep '^dstack: error' err
  3
  dstack: error: lie.json: the share of custodian 'bob' (2) does not fit what the dealer committed to
$ dstack kms unseal --share shares/alice.json
! dstack: error: WHERE is missing
? 2
$ dstack kms unseal https://127.0.0.1:1
! dstack: error: --share is missing: which share is to be sent
? 2
$ dstack kms unseal --share shares/alice.json https://127.0.0.1:1
! dstack: error: https://127.0.0.1:1: 127.0.0.1: connect to 127.0.0.1:1: Connection refused
? 1
$ dstack kms unseal kms
! dstack: error: a KMS of this machine is opened by --passphrase-file; shares go to its URL
? 2
