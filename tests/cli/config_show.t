$ dstack config show
  SETTING               VALUE
  image
  qemu
  vm.cpus               2
  vm.memory             2G
  vm.disk               20G
  vm.tee                auto
  vm.max_cpus           512
  vm.max_memory         16384G
  deploy.wait_timeout   10m
  registry.mirror
  registry.insecure
  debian.mirror         http://deb.debian.org
  pccs.url              https://api.trustedservices.intel.com
  pccs.timeout          30s
  pccs.max_age          24h
  kds.url               https://kdsintf.amd.com
  key_provider.address  127.0.0.1:3443
$ mkdir -p .config/dstack; printf '[vm]\ncpus = 4\n' > .config/dstack/dstack.toml
$ DSTACK_VM_MEMORY=3G dstack config show --origin
  SETTING               FROM                                                        VALUE
  image                 built-in
  qemu                  built-in
  vm.cpus               $WORK/.config/dstack/dstack.toml:2  4
  vm.memory             DSTACK_VM_MEMORY                                            3G
  vm.disk               built-in                                                    20G
  vm.tee                built-in                                                    auto
  vm.max_cpus           built-in                                                    512
  vm.max_memory         built-in                                                    16384G
  deploy.wait_timeout   built-in                                                    10m
  registry.mirror       built-in
  registry.insecure     built-in
  debian.mirror         built-in                                                    http://deb.debian.org
  pccs.url              built-in                                                    https://api.trustedservices.intel.com
  pccs.timeout          built-in                                                    30s
  pccs.max_age          built-in                                                    24h
  kds.url               built-in                                                    https://kdsintf.amd.com
  key_provider.address  built-in                                                    127.0.0.1:3443
$ dstack config show vm.cpus --json
  {
    "schema": "dstack.config.show/1",
    "settings": [
      {
        "key": "vm.cpus",
        "value": "4",
        "origin": "$WORK/.config/dstack/dstack.toml:2",
        "environment": "DSTACK_VM_CPUS",
        "help": "Virtual CPUs of a new VM"
      }
    ]
  }
$ dstack config show vm.cpu
! dstack: error: there is no setting 'vm.cpu', did you mean vm.cpus?
? 2
$ printf 'nonsense = 1\n' > .config/dstack/dstack.toml
$ dstack config show
! dstack: error: $WORK/.config/dstack/dstack.toml:1: unknown key 'nonsense'
? 2
$ dstack --config nosuch.toml config show
! dstack: error: configuration: open nosuch.toml: No such file or directory
? 2
