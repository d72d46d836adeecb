$ $TESTS/mini-image images/dstack-0.0.1 tdvf; echo '# images' >policy.toml
# What the files determine; the kernel's register is only known for the simulated TEE.
$ dstack kms policy allow-image policy.toml images/dstack-0.0.1
  wider    + image d663d9b43a668f93b8404b06e8a3daade5da154e0eb13912f76e195c0c21b38f (dstack-0.0.1)
! dstack: warning: RTMR1 (the kernel as firmware measures it) is not computed for TDX hardware; until the policy states it, VMs of this image get no keys: give --rtmr1, or --attestation of a VM you trust
$ dstack kms policy check policy.toml -q | grep image
  policy.toml:3: warning: image dstack-0.0.1 states no rtmr1: it cannot be checked, and gets no keys
$ dstack kms policy allow-image policy.toml images/dstack-0.0.1 --simulated; cat policy.toml
  wider    + image d663d9b43a668f93b8404b06e8a3daade5da154e0eb13912f76e195c0c21b38f (dstack-0.0.1): rtmr1: 1eeb6482aa8e9f78d63bfcc444355072a3fbcfa80a234dfe66e86de8fe768831fc5e909fd47f40c2f803b321778f52f8
  # images
  ~
  [[image]]
  name = "dstack-0.0.1"
  hash = "d663d9b43a668f93b8404b06e8a3daade5da154e0eb13912f76e195c0c21b38f"
  rtmr1 = ["1eeb6482aa8e9f78d63bfcc444355072a3fbcfa80a234dfe66e86de8fe768831fc5e909fd47f40c2f803b321778f52f8"]
  mrtd = ["7b4b7ce00db4dd61e121d9a851838f5528dd2ab673e3d0a61fa71509db2c31b0e9b5ea27f854985ec086a948500f7935"]
  rtmr2 = ["4976f17af7fabbdcb22230fa644862753abd71e7d1d8e26de0fbf3c816396a55f570a559390c8ab8296a9d42ca290dd0"]
$ dstack kms policy allow-image policy.toml images/dstack-0.0.1 --simulated
! policy.toml: everything is there already
$ dstack kms policy check policy.toml -q | grep image
  policy.toml:3: warning: image dstack-0.0.1 states no rtmr0: the host may give the VM tables of its own (ACPI)
$ dstack kms policy allow-image policy.toml images/dstack-0.0.1 --rtmr1 00
! dstack: error: --rtmr1: 1 bytes of hex (want 48)
? 2
$ dstack kms policy allow-image policy.toml images/dstack-0.0.1 --rtmr1 $(printf 'AB%.0s' $(seq 48)) --dry-run
  wider    + image d663d9b43a668f93b8404b06e8a3daade5da154e0eb13912f76e195c0c21b38f (dstack-0.0.1): rtmr1: abababababababababababababababababababababababababababababababababababababababababababababababab
! policy.toml: nothing was changed
$ dstack kms policy allow-image policy.toml $(printf 'f1%.0s' $(seq 32))
! dstack: error: the registers of image f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1 cannot be computed from its hash
!   name an image of 'dstack os list', or a directory
? 2
$ dstack kms policy allow-image policy.toml images/nosuch
! dstack: error: there is no image directory images/nosuch
? 1
# Evidence of a VM of another image teaches nothing.
$ dstack simulate --directory s -- curl -sf --unix-socket s/dstack.sock -d '{}' http://localhost/Attest >att.json 2>/dev/null; dstack kms policy allow-image policy.toml images/dstack-0.0.1 --attestation att.json --offline
! dstack: error: att.json: a VM of image 574a0dc39864fa0a1a95e46eac1e96ece2f466883f1f2ad7810d7c210c6d73f3, not d663d9b43a668f93b8404b06e8a3daade5da154e0eb13912f76e195c0c21b38f
? 3
$ printf x >>images/dstack-0.0.1/bzImage; dstack kms policy allow-image policy.toml images/dstack-0.0.1
! dstack: error: --image images/dstack-0.0.1: bzImage has SHA-256 8fa330e9ebb89870f52c58301237a5888896f662f48a116dc59e7825042340c5, sha256sum.txt says 6923dd1bc0460082c5d55a831908c24a282860b7f1cd6c2b79cf1bc8857c639c
? 3
