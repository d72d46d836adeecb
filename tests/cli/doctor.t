# What it finds depends on the machine; that every check is there does not.
$ dstack doctor --json | grep -o '"name": "[^"]*"'
  "name": "qemu"
  "name": "kvm"
  "name": "tdx"
  "name": "snp"
  "name": "vsock"
  "name": "memory"
  "name": "limits"
  "name": "dstack-vm"
  "name": "dstack-guest"
  "name": "dstack-init"
  "name": "OS image"
  "name": "space for vms"
  "name": "space for images"
  "name": "VMs"
$ DSTACK_QEMU=/nonexistent/qemu dstack doctor > out
? 1
$ grep -c 'FAIL  qemu' out
  1

# Asked about TDX, offline: every piece is looked at, and a recording gives the same answers.
$ dstack doctor --tee tdx --offline --record facts.json > out || true
$ grep -c '^.....  *processor \|^.....  *quote service ' out
  2
$ grep -o '"schema": "[^"]*"' facts.json
  "schema": "dstack.host-facts/1"
$ dstack doctor --tee tdx --facts facts.json > again || true
$ head -n $(wc -l < again) out | tr -s ' ' | diff - <(tr -s ' ' < again)
$ dstack doctor --offline --record - | grep -c '"origin": "dstack '
  1

# Recorded machines. The TEE is the one a deploy would take unless it is said.
$ dstack doctor --facts $TESTS/../vectors/host/tdx-ready.json
  ok    processor      INTEL(R) XEON(R) PLATINUM 8568Y+ (family 6, model 207)
  ok    firmware       TDX is on, 32 private key ids
  ok    kernel         Linux 6.17.0-5-generic, kvm_intel knows TDX
  ok    kvm            /dev/kvm opens and the processor virtualises
  ok    kvm_intel.tdx  Y
  ok    tdx module     version 1.5.24, KVM offers TDX VMs
  ok    keys           31 TDX VMs at once (misc.capacity)
  ok    sgx            /dev/sgx_enclave and /dev/sgx_provision are there
  ok    qemu           /usr/bin/qemu-system-x86_64 (version 10.1.0), knows tdx-guest
  ok    quote service  somebody listens on vsock port 4050
  ok    pccs           https://127.0.0.1:8081 answers
  ok    vsock          /dev/vhost-vsock opens
  ok    memory         495G available of 503.3G
  ok    numa           node 0: CPUs 0-47,96-143, 251.7G; node 1: CPUs 48-95,144-191, 251.7G
  ok    hugepages      node 0: 64 of 64 pages of 1G free; node 1: 64 of 64 pages of 1G free
  ok    limits         locked memory: no limit, open files: 1048576
  ok    iommu          142 groups, /dev/iommu is there
  ok    gpus           0000:18:00.0 (10de:2335, node 0, vfio-pci); 0000:9a:00.0 (10de:2335, node 1, vfio-pci)
  ok    swtpm          /usr/bin/swtpm
$ dstack doctor --facts $TESTS/../vectors/host/snp-ready.json --json | grep '"tee"'
    "tee": "sim",
$ dstack doctor --tee snp --facts $TESTS/../vectors/host/snp-ready.json
  ok    processor        AMD EPYC 9654 96-Core Processor (family 25, model 17)
  ok    firmware         SEV-SNP is on (sev_snp in /proc/cpuinfo)
  ok    kernel           Linux 6.11.0-19-generic, kvm_amd knows SEV-SNP
  ok    kvm              /dev/kvm opens and the processor virtualises
  ok    kvm_amd.sev_snp  Y
  ok    vm type          KVM offers SEV-SNP VMs
  ok    sev device       /dev/sev opens
  ok    keys             99 SEV-SNP VMs at once (misc.capacity)
  ok    qemu             /usr/bin/qemu-system-x86_64 (version 10.0.2), knows sev-snp-guest
  ok    encryption bit   bit 51, 1 address bits less (asked QEMU)
  ok    kds              https://kdsintf.amd.com answers
  ok    vsock            /dev/vhost-vsock opens
  ok    memory           735.7G available of 754.4G
  ok    numa             node 0: CPUs 0-191, 754.4G
  ok    hugepages        node 0: 8 of 8 pages of 1G free
  ok    limits           locked memory: no limit, open files: 1048576
  ok    iommu            96 groups, /dev/iommu is there
  ok    gpus             none
  ok    swtpm            /usr/bin/swtpm
$ dstack doctor --tee tdx --facts $TESTS/../vectors/host/vm-without-tee.json
  FAIL  processor      AMD EPYC (family 25, model 1) is not by Intel
                       -> TDX needs an Intel Xeon of the 5th generation or later (some of the 4th)
  FAIL  firmware       no tdx_host_platform in /proc/cpuinfo
                       -> in the firmware: memory encryption (TME), multi-key (TME-MT), TDX, a TDX key split above 0, SEAM loader, SGX; 'modprobe msr' and doctor as root tell which of them is off
  FAIL  kernel         Linux 6.18.44-fc-v782, kvm_intel is not loaded
                       -> modprobe kvm_intel tdx=1
  FAIL  kvm            the processor shows neither vmx nor svm (virtualisation is off in the firmware, or this is a VM without nesting)
                       -> switch virtualisation on in the firmware (VT-x or SVM)
  FAIL  kvm_intel.tdx  kvm_intel has no such parameter
                       -> boot with kvm_intel.tdx=1 nohibernate
  FAIL  tdx module     KVM offers VM types 0x1, without bit 5 (TDX)
                       -> the firmware must load the module (SEAM loader), the kernel initialises it when booted with kvm_intel.tdx=1 nohibernate; 'dmesg | grep virt/tdx' tells why not
  note  keys           how many TDX VMs fit is not visible
                       -> as root after 'modprobe msr', or with Linux 6.16, it is
  FAIL  sgx            /dev/sgx_enclave and /dev/sgx_provision are missing
                       -> quotes are signed by an SGX enclave: SGX on in the firmware
  FAIL  qemu           /usr/bin/qemu-system-x86_64 (version 7.2.22) does not know the object tdx-guest
                       -> QEMU 10.1 or later: Debian's backports have it, or name one by the setting 'qemu'
  FAIL  quote service  vsock port 4050: connect to vsock 1:4050: Connection timed out
                       -> install Intel's tdx-qgs, 'port = 4050' in /etc/qgs.conf, systemctl enable --now qgsd (modprobe vsock_loopback)
  note  pccs           not asked
                       -> ask without --offline to know whether it answers
  note  vsock          open /dev/vhost-vsock: No such file or directory
                       -> not needed: a virtio-serial port is used instead (modprobe vhost_vsock)
  ok    memory         20.5G available of 23.5G
  ok    numa           node 0: CPUs 0-1, 13G
  note  hugepages      no free huge page on any node
                       -> only for --hugepages: boot with default_hugepagesz=1G hugepages=N
  ok    limits         locked memory: 8M, open files: 20000
  note  iommu          no IOMMU groups
                       -> only for GPUs: VT-d or AMD-Vi on in the firmware, boot with intel_iommu=on or amd_iommu=on
  ok    gpus           none
  ok    swtpm          /usr/bin/swtpm
? 1

$ echo '{"schema":"dstack.host-facts/1","kvm":{"opens":3}}' | dstack doctor --facts -
! dstack: error: --facts: stdin: kvm.opens: want true or false
? 4
$ dstack doctor --facts facts.json --record other.json
! dstack: error: --record writes what is found here, --facts judges a recording: one of them
? 2
$ echo mine > mine.json; dstack doctor --offline --record mine.json; cat mine.json
  mine
! dstack: error: --record: mine.json is there and holds something else
