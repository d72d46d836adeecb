# A BootInfo as webhooks get it, and a policy for it.
$ h() { printf "$1%.0s" $(seq $2); }; printf '{"teeVariant":"dstack-tdx","mrAggregated":"%s","osImageHash":"%s","mrSystem":"%s","appId":"%s","composeHash":"%s","instanceId":"","deviceId":"%s","keyProviderInfo":"","tcbStatus":"UpToDate","advisoryIds":[]}' $(h e1 32) $(h f1 32) $(h e2 32) $(h a1 20) $(h c1 32) $(h d1 32) >app.json; printf '[[image]]\nhash = "%s"\n[kms]\nmr_aggregated = "any"\n[[app]]\nid = "%s"\ncompose = ["%s"]\nepoch = 3\n' $(h F1 32) $(h A1 20) $(h C1 32) >policy.toml
$ dstack kms policy explain policy.toml --boot-info app.json
  ALLOWED
  ~
  role                   app
  TEE                    dstack-tdx
  app id                 a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1
  compose hash           c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1
  OS image hash          f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1
  aggregated MR          e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1
  device id              d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1
  TCB status             UpToDate
  key epoch              3
  ~
  ok   the app id has 20 bytes  [caller.app-id]
  ok   the instance id has 20 bytes, or there is none  [caller.instance-id]
  ok   hardware vouches for the caller, or simulated evidence counts  [evidence.simulated]
  ok   the TEE gets keys  [evidence.tee]
  ok   the TCB status is accepted  [evidence.tcb]
  ok   every advisory is accepted  [evidence.advisories]
  ok   the OS image is listed  [image.listed]
  ok   the app is registered  [app.registered]
  ok   the compose hash is one of the app's  [app.compose-hash]
  ok   the app may run on this device  [app.device]
  ok   the keys of the app's epoch are still given out  [app.epoch]
! a BootInfo holds no registers: whether the image is what it is called was not asked (--attestation does)
$ dstack kms policy explain policy.toml --boot-info app.json --role kms
  REFUSED: KMS is not allowed to boot on this device (seen d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1)
  ~
  role                   kms
  TEE                    dstack-tdx
  app id                 a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1
  compose hash           c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1
  OS image hash          f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1
  aggregated MR          e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1
  device id              d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1
  TCB status             UpToDate
  ~
  ok   the app id has 20 bytes  [caller.app-id]
  ok   the instance id has 20 bytes, or there is none  [caller.instance-id]
  ok   hardware vouches for the caller, or simulated evidence counts  [evidence.simulated]
  ok   the TEE gets keys  [evidence.tee]
  ok   the TCB status is accepted  [evidence.tcb]
  ok   every advisory is accepted  [evidence.advisories]
  ok   the OS image is listed  [image.listed]
  ok   the system is one that may be a KMS  [kms.mr-aggregated]
  NO   a KMS may run on this device  [kms.device]
         expected  nothing
         seen      d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1
! a BootInfo holds no registers: whether the image is what it is called was not asked (--attestation does)
? 3
$ sed 's/"composeHash":"c1/"composeHash":"c2/; s/UpToDate/OutOfDate/' app.json >other.json; dstack kms policy explain policy.toml --boot-info other.json
  REFUSED: TCB status is not allowed (seen OutOfDate)
  ~
  role                   app
  TEE                    dstack-tdx
  app id                 a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1
  compose hash           c2c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1
  OS image hash          f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1
  aggregated MR          e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1e1
  device id              d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1
  TCB status             OutOfDate
  ~
  ok   the app id has 20 bytes  [caller.app-id]
  ok   the instance id has 20 bytes, or there is none  [caller.instance-id]
  ok   hardware vouches for the caller, or simulated evidence counts  [evidence.simulated]
  ok   the TEE gets keys  [evidence.tee]
  NO   the TCB status is accepted  [evidence.tcb]
         expected  UpToDate
         seen      OutOfDate
  ok   every advisory is accepted  [evidence.advisories]
  ok   the OS image is listed  [image.listed]
  ok   the app is registered  [app.registered]
  NO   the compose hash is one of the app's  [app.compose-hash]
         expected  c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1
         seen      c2c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1
  ok   the app may run on this device  [app.device]
  ok   the keys of the app's epoch are still given out  [app.epoch]
! a BootInfo holds no registers: whether the image is what it is called was not asked (--attestation does)
? 3
$ dstack kms policy explain policy.toml --boot-info other.json -q
  REFUSED: TCB status is not allowed (seen OutOfDate)
? 3
$ dstack kms policy explain policy.toml --boot-info other.json --json | python3 -c 'import json,sys; d=json.load(sys.stdin); print(d["allowed"], d["epoch"], d["reason"]); print([c["id"] for c in d["checks"] if c["outcome"] == "failed"])'
  False 3 TCB status is not allowed (seen OutOfDate)
  ['evidence.tcb', 'app.compose-hash']
! a BootInfo holds no registers: whether the image is what it is called was not asked (--attestation does)
# A webhook that must agree is not asked.
$ { echo 'webhook = { url = "http://u:pw@127.0.0.1:1" }'; cat policy.toml; } >hook.toml; dstack kms policy explain hook.toml --boot-info app.json | head -n 1
  ALLOWED
! a BootInfo holds no registers: whether the image is what it is called was not asked (--attestation does)
! webhook http://***@127.0.0.1:1 must agree; it was not asked
# Nor is a contract that decides alone: what holds in any case is said.
$ h() { printf "$1%.0s" $(seq $2); }; printf 'rules = "chain"\n[chain]\nrpc = "https://u:pw@node/KEY"\ncontract = "0x%s"\nchain_id = 8453\n' $(h d3 20) >chain.toml; dstack kms policy explain chain.toml --boot-info app.json | grep -vE '^ok .*(caller|evidence)' | tail -n 2
  ~
  ok   the keys of the app's epoch are still given out  [app.epoch]
! a BootInfo holds no registers: whether the image is what it is called was not asked (--attestation does)
! contract 0xd3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3 on chain 8453 through https://node decides the rest; it was not asked
$ sed 's/"a1/"/' app.json >short.json; dstack kms policy explain policy.toml --boot-info short.json
! dstack: error: short.json: appId has 19 bytes (want 20)
? 4
$ dstack kms policy explain policy.toml
! dstack: error: who asks? give one of --attestation and --boot-info
? 2
$ dstack kms policy explain policy.toml --boot-info app.json --attestation app.json
! dstack: error: who asks? give one of --attestation and --boot-info
? 2
# Evidence is verified first. That of this machine's simulated TEE is judged, and the policy says whether it counts.
$ dstack simulate --directory s -- curl -sf --unix-socket s/dstack.sock -d '{}' http://localhost/Attest >att.json 2>/dev/null
$ dstack kms policy explain policy.toml --attestation att.json --offline | grep -E '^(REFUSED|TEE|TCB|NO|note)'
  REFUSED: simulated evidence is not allowed (seen simulated)
  TEE                    dstack-tdx (SIMULATED)
  TCB status             UpToDate
  NO   hardware vouches for the caller, or simulated evidence counts  [evidence.simulated]
  NO   the OS image is listed  [image.listed]
  NO   the app is registered  [app.registered]
  NO   the OS image is one this policy can check  [image.known]
$ printf '[evidence]\nsimulated = true\n' >sim.toml; dstack kms policy explain sim.toml --attestation att.json --offline | grep -E '^(REFUSED|ok)'
  REFUSED: OS image is not allowed (seen 574a0dc39864fa0a1a95e46eac1e96ece2f466883f1f2ad7810d7c210c6d73f3)
  ok   the app id has 20 bytes  [caller.app-id]
  ok   the instance id has 20 bytes, or there is none  [caller.instance-id]
  ok   hardware vouches for the caller, or simulated evidence counts  [evidence.simulated]
  ok   the TEE gets keys  [evidence.tee]
  ok   the TCB status is accepted  [evidence.tcb]
  ok   every advisory is accepted  [evidence.advisories]
  ok   the keys of the app's epoch are still given out  [app.epoch]
$ echo hello >none; dstack kms policy explain policy.toml --attestation none
! dstack: error: none: this is no quote, report, attestation, certificate or JSON that dstack knows
? 4
