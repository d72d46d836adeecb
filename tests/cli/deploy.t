$ dstack deploy
! dstack: error: no compose.yaml in the current directory
!   name a compose file, or make one with 'dstack app init'
? 1
$ dstack deploy nosuch.yaml
! dstack: error: open nosuch.yaml: No such file or directory
? 1
$ printf 'services:\n  web:\n    image: hello:1\n    ports:\n      - "8080:8080"\n' > compose.yaml
$ dstack deploy --name UPPER compose.yaml
! dstack: error: --name: 'UPPER' is no VM name (want 1 to 63 of a-z, 0-9 and -, not - at either end)
? 2
$ dstack deploy --port 99999 compose.yaml
! dstack: error: --port 99999: '99999' is no port (1 to 65535)
? 2
$ dstack deploy --port sctp:1:2 compose.yaml
! dstack: error: --port sctp:1:2: 'sctp' is neither tcp nor udp
? 2
$ dstack deploy --port tcp:localhost:1:2 compose.yaml
! dstack: error: --port tcp:localhost:1:2: 'localhost' is no address in figures
? 2
$ dstack deploy --memory lots compose.yaml
! dstack: error: --memory: 'lots' is not a size such as 512M or 2G
? 2
$ dstack deploy --images nowhere compose.yaml
! dstack: error: nowhere is no OCI image layout: it has no index.json
? 1
# No image of the guest OS yet.
$ dstack deploy --no-pin --name hello
! dstack: warning: --no-pin: tags are not resolved; the compose hash does not say which images run, and a registry can change them
! dstack: error: there is no guest OS image yet
!   'dstack os build' makes one
? 1
$ $TESTS/mini-image .local/share/dstack/images/dstack-0.0.1
$ dstack deploy --no-pin --tee sim --name hello --port 47811:8080 --wait --dry-run
  would create the VM hello and start it
  http://127.0.0.1:47811
! dstack: warning: --no-pin: tags are not resolved; the compose hash does not say which images run, and a registry can change them
! app id       37503afb403ddb63ecd068fdc2a7ac1ad9f376e4
! compose hash 37503afb403ddb63ecd068fdc2a7ac1ad9f376e42453c3e523df7df28c4e82f2
! simulated: asked for; nothing here is confidential
# What a VM takes of this host is checked against it, and kept in its description.
$ dstack deploy --no-pin --tee sim --name hello --net user --net tap:vm0,192.168.7.2/24 --pin-numa --pci-hole64 8G --no-pci-hotplug --dry-run --json 2>/dev/null | sed -n '/"placement"/,/^    }/p'
      "placement": {
        "networks": [
          {
            "mode": "user"
          },
          {
            "mode": "tap",
            "device": "vm0",
            "address": "192.168.7.2/24"
          }
        ],
        "pin_numa": true,
        "pci_hole64_bytes": 8589934592,
        "pci_hotplug": false
      },
$ dstack deploy --no-pin --tee sim --name hello --net bridge:nowhere0,192.168.7.2/24,192.168.7.1 --dry-run 2>&1 | sed '/no-pin/d; s/has .*/has (others)/'
  dstack: error: --net bridge:nowhere0: this host has (others)
$ dstack deploy --no-pin --tee sim --name hello --net bridge:br0 --dry-run 2>&1 | sed /no-pin/d
  dstack: error: --net bridge:br0: the first network needs ADDRESS/PREFIX and GATEWAY, for the guest has no DHCP client
$ dstack deploy --no-pin --tee sim --name hello --net wifi --dry-run 2>&1 | sed /no-pin/d
  dstack: error: --net wifi: there is no such network (want user, bridge:DEVICE or tap:DEVICE, then ,ADDRESS/PREFIX and ,GATEWAY)
$ dstack deploy --no-pin --tee sim --name hello --gpu 1f:1f.7 --dry-run 2>&1 | sed /no-pin/d
  dstack: error: --gpu 1f:1f.7: this host has no GPU there
    'dstack doctor --tee tdx' lists its GPUs
$ dstack deploy --no-pin --tee sim --name hello --memory 15000G --dry-run 2>&1 | sed '/no-pin/d; s/has .*/has (less)/'
  dstack: error: 14.6T of memory, and this host has (less)
$ dstack deploy --no-pin --tee sim --name hello --hugepages --memory 9000M --dry-run 2>&1 | sed '/no-pin/d; s/--hugepages: .* free/--hugepages: (little) free/'
  dstack: error: --hugepages: (little) free on this host, 8.8G wanted
    boot it with default_hugepagesz=1G hugepages=N
$ DSTACK_VM_MAX_CPUS=4 dstack deploy --no-pin --tee sim --name hello --cpus 5 --dry-run 2>&1 | sed /no-pin/d
  dstack: error: 5 CPUs, and this host gives a VM 4 at most (vm.max_cpus)
$ DSTACK_VM_MAX_MEMORY=1G dstack deploy --no-pin --tee sim --name hello --memory 2G --dry-run 2>&1 | sed /no-pin/d
  dstack: error: 2G of memory, and this host gives a VM 1G at most (vm.max_memory)
$ dstack deploy --no-pin --name hello --tee snp 2>&1 | sed '/no-pin/d; s/(.*)/(why)/'
  dstack: error: --tee snp: this machine has no SEV-SNP (why)
    'dstack doctor --tee snp' says what is missing
$ dstack deploy --no-pin --name hello --tee tdx 2>&1 | sed 's/(.*)/(why)/'
  dstack: warning: --no-pin: tags are not resolved; the compose hash does not say which images run, and a registry can change them
  dstack: error: --tee tdx: this machine has no TDX (why)
    'dstack doctor --tee tdx' says what is missing
$ python3 -c 'import socket,subprocess; s=socket.socket(); s.bind(("127.0.0.1",27812)); s.listen(); exit(subprocess.call(["dstack","deploy","--no-pin","-q","--port","27812:8080"]))'
! dstack: warning: --no-pin: tags are not resolved; the compose hash does not say which images run, and a registry can change them
! dstack: error: port 127.0.0.1:27812 is taken (listen on 127.0.0.1:27812: Address already in use)
!   let dstack choose a free one: --port auto:8080
? 1
$ DSTACK_QEMU=/nonexistent/qemu dstack deploy --no-pin --port auto:8080
! dstack: warning: --no-pin: tags are not resolved; the compose hash does not say which images run, and a registry can change them
! dstack: error: the QEMU of the setting 'qemu', /nonexistent/qemu, cannot be run
? 1
$ printf x >> .local/share/dstack/images/dstack-0.0.1/bzImage
$ dstack deploy --no-pin --name hello --port 47811:8080
! dstack: warning: --no-pin: tags are not resolved; the compose hash does not say which images run, and a registry can change them
! dstack: error: dstack-0.0.1: bzImage has SHA-256 8fa330e9ebb89870f52c58301237a5888896f662f48a116dc59e7825042340c5, sha256sum.txt says 6923dd1bc0460082c5d55a831908c24a282860b7f1cd6c2b79cf1bc8857c639c
? 3
$ ls .local/state/dstack/vms
# Keys of a KMS: what is wrong before anything is asked of one, and one that is not there.
$ printf 'TOKEN=x\n' > secrets.env
$ dstack deploy --no-pin --env-file secrets.env
! dstack: error: --kms-dir and --env-file need the address of the KMS: --kms URL
? 2
$ dstack deploy --no-pin --key-provider kms
! dstack: warning: --no-pin: tags are not resolved; the compose hash does not say which images run, and a registry can change them
! dstack: error: the app's keys come from a KMS: say which with --kms URL
? 2
$ dstack deploy --no-pin --key-provider local --kms https://127.0.0.1:1
! dstack: error: --kms is for --key-provider kms, not local
? 2
$ dstack deploy --no-pin --kms http://127.0.0.1:1
! dstack: error: --kms: KMS URL 'http://127.0.0.1:1': a KMS is asked over https only
? 2
$ dstack deploy --no-pin --gateway https://127.0.0.1:9202
! dstack: error: --gateway: a gateway knows apps by the certificates of their KMS
!   say which KMS it is with --kms URL
? 2
$ dstack deploy --no-pin --gateway http://127.0.0.1:9202
! dstack: error: --gateway: gateway URL 'http://127.0.0.1:9202': a gateway is asked over https only
? 2
$ dstack deploy --no-pin --kms https://127.0.0.1:1,https://127.0.0.2:1/prpc
! dstack: error: KMS: https://127.0.0.1:1: GetTempCaCert: 127.0.0.1: connect to 127.0.0.1:1: Connection refused; https://127.0.0.2:1: GetTempCaCert: 127.0.0.2: connect to 127.0.0.2:1: Connection refused
? 1
$ dstack deploy --no-pin --kms https://127.0.0.1:1 --kms-root beef
! dstack: error: --kms-root: 'beef' is neither a file nor the key of a KMS root (182 hex digits)
? 2
$ dstack deploy --no-pin --kms https://127.0.0.1:1 --kms-dir nosuch
! dstack: error: --kms-dir: $WORK/nosuch has no root: make one with 'dstack kms init', or take one over from another KMS
? 1
$ echo '9x=1' > bad.env; dstack deploy --no-pin --kms https://127.0.0.1:1 --env-file bad.env
! dstack: error: bad.env: '9x' is no variable name
? 4
