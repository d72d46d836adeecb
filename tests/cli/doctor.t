# What it finds depends on the machine; that every check is there does not.
$ dstack doctor --json | grep -o '"name": "[^"]*"'
  "name": "qemu"
  "name": "kvm"
  "name": "tdx"
  "name": "vsock"
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
