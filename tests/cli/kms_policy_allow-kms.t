$ touch policy.toml; mr=$(printf 'e1%.0s' $(seq 32)); device=$(printf 'd1%.0s' $(seq 32)); dstack kms policy allow-kms policy.toml --mr-aggregated $mr --device $device; cat policy.toml
  wider    + kms.mr_aggregated: e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1
  wider    + kms.devices: d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1
  [kms]
  mr_aggregated = ["e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1"]
  devices = ["d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1"]
$ mr=$(printf 'e2%.0s' $(seq 32)); dstack kms policy allow-kms policy.toml --mr-aggregated $mr; cat policy.toml
  wider    + kms.mr_aggregated: e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2
  [kms]
  mr_aggregated = ["e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2e2", "e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1"]
  devices = ["d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1"]
$ dstack kms policy allow-kms policy.toml
! dstack: error: which KMS? give --mr-aggregated, --device, --attestation or --boot-info
? 2
$ dstack kms policy allow-kms policy.toml --device 00
! dstack: error: device id '00' is not 32 bytes of hex
? 2
# From evidence.
$ dstack simulate --directory s -- curl -sf --unix-socket s/dstack.sock -d '{}' http://localhost/Attest >att.json 2>/dev/null; dstack kms policy allow-kms policy.toml --attestation att.json --offline | cut -c 1-30
  wider    + kms.mr_aggregated:
  wider    + kms.devices: 374708
$ dstack kms policy explain policy.toml --role kms --attestation att.json --offline | grep kms
  role                   kms
  ok   the system is one that may be a KMS  [kms.mr-aggregated]
  ok   a KMS may run on this device  [kms.device]
