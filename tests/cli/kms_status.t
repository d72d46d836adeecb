$ umask 077; echo 'correct horse battery staple' >words; dstack kms init kms --development --passphrase-file words --listen 127.0.0.1:0 >/dev/null 2>&1; hide() { sed -E 's/[0-9a-f]{64,}/HEX/g'; }; dstack kms status kms | hide
  state             not running
  opened by         passphrase
  key provider id   HEX
  k256 public key   HEX
  cluster           HEX
  epoch             0
$ dstack kms run kms --passphrase-file words -- dstack kms status kms 2>/dev/null | sed -E 's/[0-9a-f]{64,}/HEX/g'
  state             serving
  opened by         passphrase
  key provider id   HEX
  k256 public key   HEX
  cluster           HEX
  epoch             0
  mr_aggregated     HEX
  device            HEX
  OS image          HEX
  attested by       a simulated TEE: no hardware vouches for it
  policy            $WORK/kms/policy.toml (HEX)
  audit log         1 lines, head HEX
$ dstack kms run kms --passphrase-file words -- dstack kms status kms --json 2>/dev/null | python3 -c 'import json,sys; d=json.load(sys.stdin); print(d["schema"], d["sealed"], d["provider"], d["epoch"], sorted(d["self"]))'
  dstack.kms.status/1 False passphrase 0 ['advisoryIds', 'appId', 'attested_at', 'composeHash', 'deviceId', 'instanceId', 'keyProviderInfo', 'mrAggregated', 'mrSystem', 'osImageHash', 'registers', 'simulated', 'tcbStatus', 'teeVariant']
$ dstack kms status .
! dstack: error: . has no root: make one with 'dstack kms init', or take one over from another KMS
? 1
