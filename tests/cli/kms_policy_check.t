# An empty policy is a good one that gives nobody anything.
$ touch empty.toml; dstack kms policy check empty.toml
  rules        file
  evidence     dstack-tdx; TCB UpToDate; advisories none
  images       0
  apps         0, with 0 compose hashes
  KMS          0 systems on 0 devices
  gateway      none
  empty.toml: warning: no [[image]]: no key is given to anybody
  empty.toml: warning: no [[app]]: no app gets keys
  empty.toml: warning: [kms] lists no mr_aggregated: no KMS can join, and none that is asked to prove itself starts
$ dstack kms policy check empty.toml --strict -q
  empty.toml: warning: no [[image]]: no key is given to anybody
  empty.toml: warning: no [[app]]: no app gets keys
  empty.toml: warning: [kms] lists no mr_aggregated: no KMS can join, and none that is asked to prove itself starts
? 3
# What a KMS would refuse is refused here, with its line.
$ printf '[evidence]\nsimulatd = true\n' >bad.toml; dstack kms policy check bad.toml
! dstack: error: policy bad.toml: [evidence]: line 2: unknown key 'simulatd'; did you mean 'simulated'?
? 2
$ printf '[[app]]\nid = "00"\ncompose = []\n' >short.toml; dstack kms policy check short.toml
! dstack: error: policy short.toml: [[app]]: line 2: 'app.id': '00' is not 20 bytes of hex
? 2
$ printf 'a = ' >torn.toml; dstack kms policy check torn.toml
! dstack: error: policy torn.toml: line 1, column 5: Error while parsing key-value pair: encountered end-of-file
? 4
$ dstack kms policy check missing.toml
! dstack: error: open missing.toml: No such file or directory
? 1
# What is wide or has no effect is said.
$ h() { printf "$1%.0s" $(seq $2); }; printf 'gateway_app_id = "any"\nwebhook = { url = "http://u:secret@auth:8000/" }\n[evidence]\nsimulated = true\ntcb = ["UpToDate", "OutOfDate"]\n[[image]]\nname = "old"\nhash = "%s"\n[kms]\nmr_aggregated = "any"\ndevices = []\n[[app]]\nid = "%s"\nname = "shop"\ncompose = ["%s"]\ndevices = []\n' $(h f1 32) $(h a1 20) $(h c1 32) >wide.toml; dstack kms policy check wide.toml
  rules        both, webhook http://***@auth:8000/
  evidence     dstack-tdx, simulated too; TCB UpToDate, OutOfDate; advisories none
  images       1
  apps         1, with 1 compose hashes
  KMS          any system on 0 devices
  gateway      any
  wide.toml: warning: gateway_app_id = "any": apps will take any gateway for theirs
  wide.toml: warning: webhook http://***@auth:8000/ is asked without TLS: whoever is in between can answer for it
  wide.toml: warning: evidence.simulated = true: keys go to VMs no hardware vouches for (development)
  wide.toml: warning: evidence.tcb accepts OutOfDate: platforms with known, unpatched holes get keys
  wide.toml: warning: kms.mr_aggregated = "any": any system of a listed image gets the root keys (development)
  wide.toml: warning: [kms] lists no devices: an empty list allows none ("any" allows all)
  wide.toml:6: warning: image old states no mrtd, rtmr1, rtmr2: it cannot be checked, and gets no keys
  wide.toml:12: warning: app shop has devices = []: an empty list allows none (other servers take it for any)
$ dstack kms policy check wide.toml --json
  {
    "schema": "dstack.kms.policy.check/1",
    "file": "wide.toml",
    "rules": "both",
    "webhook": "http://***@auth:8000/",
    "chain": null,
    "gateway_app_id": "any",
    "evidence": {
      "simulated": true,
      "tee": [
        "dstack-tdx"
      ],
      "tcb": [
        "UpToDate",
        "OutOfDate"
      ],
      "advisories": []
    },
    "kms": {
      "mr_aggregated": "any",
      "devices": []
    },
    "images": [
      {
        "name": "old",
        "hash": "f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1",
        "registers": {}
      }
    ],
    "apps": [
      {
        "id": "a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1",
        "name": "shop",
        "compose": [
          "c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1"
        ],
        "devices": [],
        "epoch": 0
      }
    ],
    "warnings": [
      {
        "line": 0,
        "text": "gateway_app_id = \"any\": apps will take any gateway for theirs"
      },
      {
        "line": 0,
        "text": "webhook http://***@auth:8000/ is asked without TLS: whoever is in between can answer for it"
      },
      {
        "line": 0,
        "text": "evidence.simulated = true: keys go to VMs no hardware vouches for (development)"
      },
      {
        "line": 0,
        "text": "evidence.tcb accepts OutOfDate: platforms with known, unpatched holes get keys"
      },
      {
        "line": 0,
        "text": "kms.mr_aggregated = \"any\": any system of a listed image gets the root keys (development)"
      },
      {
        "line": 0,
        "text": "[kms] lists no devices: an empty list allows none (\"any\" allows all)"
      },
      {
        "line": 6,
        "text": "image old states no mrtd, rtmr1, rtmr2: it cannot be checked, and gets no keys"
      },
      {
        "line": 12,
        "text": "app shop has devices = []: an empty list allows none (other servers take it for any)"
      }
    ]
  }
# A contract, read through a node that is better not asked in the clear. Of its address only the host is shown.
$ h() { printf "$1%.0s" $(seq $2); }; printf 'rules = "chain"\n[chain]\nrpc = "http://u:secret@node:8545/v3/secret"\ncontract = "0x%s"\nchain_id = 8453\nconfirmations = 12\n' $(h D3 20) >chain.toml; dstack kms policy check chain.toml
  rules        chain, contract 0xd3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3 on chain 8453 through http://node:8545
  evidence     dstack-tdx; TCB UpToDate; advisories none
  images       0
  apps         0, with 0 compose hashes
  KMS          0 systems on 0 devices
  gateway      none
  chain.toml: warning: no [[image]]: no key is given to anybody
  chain.toml: warning: chain http://node:8545 is asked without TLS: whoever is in between can answer for it
$ dstack kms policy check chain.toml --json | python3 -c 'import json,sys; d=json.load(sys.stdin); print(d["rules"], d["webhook"], d["chain"])'
  chain None {'rpc': 'http://node:8545', 'contract': '0xd3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3', 'chain_id': 8453, 'confirmations': 12}
$ sed 's/"0xD3/"0x/' chain.toml >bad.toml; dstack kms policy check bad.toml
! dstack: error: policy bad.toml: chain: line 4: 'chain.contract' is '0xD3D3D3D3D3D3D3D3D3D3D3D3D3D3D3D3D3D3D3' (want 0x and 40 hex digits)
? 2
$ dstack kms policy
! Say who gets keys, and see what that means
! ~
! Usage: dstack kms policy COMMAND
! ~
! Commands:
!   check         Read a policy file as a KMS would, and warn
!   explain       Say what a policy answers somebody, rule by rule
!   diff          Show what a changed policy lets through or refuses
!   allow-app     Register an app in a policy, or a version of it
!   allow-image   List an OS image in a policy
!   allow-kms     Let a system be a KMS: it gets the root keys
! ~
! 'dstack kms policy COMMAND --help' says more about one of them.
? 2
$ dstack kms policy chekc wide.toml
! dstack: error: 'dstack kms policy chekc' is not a command
!   did you mean 'dstack kms policy check'?
? 2
$ dstack help kms policy
  Say who gets keys, and see what that means
  ~
  Usage: dstack kms policy COMMAND
  ~
  Commands:
    check         Read a policy file as a KMS would, and warn
    explain       Say what a policy answers somebody, rule by rule
    diff          Show what a changed policy lets through or refuses
    allow-app     Register an app in a policy, or a version of it
    allow-image   List an OS image in a policy
    allow-kms     Let a system be a KMS: it gets the root keys
  ~
  'dstack kms policy COMMAND --help' says more about one of them.
$ dstack __complete 3 dstack kms policy a
  allow-app	Register an app in a policy, or a version of it
  allow-image	List an OS image in a policy
  allow-kms	Let a system be a KMS: it gets the root keys
$ dstack __complete 2 dstack kms p
  policy	Say who gets keys, and see what that means
