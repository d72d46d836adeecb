# Registers are predicted from an image's files; what was not said is said to be assumed.
$ dstack measure
! dstack: error: there is no guest OS image yet
!   'dstack os build' makes one
? 1
$ $TESTS/tdx-image images/dstack-0.0.1
$ dstack measure images/dstack-0.0.1
  image          dstack-0.0.1
  os image hash  a081e334a666f942e10fbdfd4e81e334655b5e9990b36a946f5324bbd77eefca
  QEMU           9.1.0  ASSUMED: --qemu takes the host's
                 2 CPUs, 2G of memory, 5 PCI slots, hotplug on, PCI hole QEMU's own, 0 GPUs, 0 NVSwitches, 0 NUMA nodes
                 pages single-pass, PIC off, kernel header written by QEMU
  MRTD           3a3ef0fd576d26e125a1d2c6e6e00f6dbe1968b0257d40315f6fddfb5d568de863255a39cfcdb9d05ac1440d10f40c60
  RTMR0          75607ad68d8765230c7afb1d2aa94802e42850715cb350ec48a20af6f8fb7147fab0aabbc09dead40f325a7e4cedc3a7
  RTMR1          34292cd02be4494e4c4473d952cf5374e2535e30b8551ffa8653d901c8380253202d914cd4fab3d552b1118a8d25e373
  RTMR2          4976f17af7fabbdcb22230fa644862753abd71e7d1d8e26de0fbf3c816396a55f570a559390c8ab8296a9d42ca290dd0
  mr_system      7b401561298690db3b3e785d3c76cadb23006cc5c3a96eff2fee684fed84499d
                 of an app without a key provider
  mr_aggregated  SHA-256 of MRTD, RTMR0 to RTMR3 and, unless all are zero,
                 MRCONFIGID, MROWNER, MROWNERCONFIG; RTMR3 is the app's: --rtmr3
$ dstack measure images/dstack-0.0.1 --qemu 9.2.1 --cpus 4 --memory 4G --hotplug off --events
  image          dstack-0.0.1
  os image hash  a081e334a666f942e10fbdfd4e81e334655b5e9990b36a946f5324bbd77eefca
  QEMU           9.2.1
                 4 CPUs, 4G of memory, 5 PCI slots, hotplug off, PCI hole QEMU's own, 0 GPUs, 0 NVSwitches, 0 NUMA nodes
                 pages single-pass, PIC off, kernel header written by QEMU
  MRTD           3a3ef0fd576d26e125a1d2c6e6e00f6dbe1968b0257d40315f6fddfb5d568de863255a39cfcdb9d05ac1440d10f40c60
  RTMR0          8a2a419b3febbe982e5408ed982642f99bfba72b912e8797bded36f2daa0cc0f1845f35cb92d14f38e9b140aa69e2306
  RTMR1          34292cd02be4494e4c4473d952cf5374e2535e30b8551ffa8653d901c8380253202d914cd4fab3d552b1118a8d25e373
  RTMR2          4976f17af7fabbdcb22230fa644862753abd71e7d1d8e26de0fbf3c816396a55f570a559390c8ab8296a9d42ca290dd0
  mr_system      cbb764901e6128d5746597ea84b93e3e1cf92c58e3db3f2db3ec30b37de55d1c
                 of an app without a key provider
  mr_aggregated  SHA-256 of MRTD, RTMR0 to RTMR3 and, unless all are zero,
                 MRCONFIGID, MROWNER, MROWNERCONFIG; RTMR3 is the app's: --rtmr3
  RTMR0  td-hob              5b684faf8d02a733945f821d9cdd170802e72103977acf66949c9382500283adc90cbec57f8e7653f8bee1cab83689de  memory, firmware
  RTMR0  cfv                 4000421ff6a54e884cafa8dab1fc1b4fb94851f931c2836f445c211fcf8bad9f86b0794eeefb81f0c52971ecc2cbbd58  firmware
  RTMR0  SecureBoot          9dc3a1f80bcec915391dcda5ffbb15e7419f77eab462bbf72b42166fb70d50325e37b36f93537a863769bcf9bedae6fb  the same for all
  RTMR0  PK                  6f2e3cbc14f9def86980f5f66fd85e99d63e69a73014ed8a5633ce56eca5b64b692108c56110e22acadcef58c3250f1b  the same for all
  RTMR0  KEK                 d607c0efb41c0d757d69bca0615c3a9ac0b1db06c557d992e906c6b7dee40e0e031640c7bfd7bcd35844ef9edeadc6f9  the same for all
  RTMR0  db                  08a74f8963b337acb6c93682f934496373679dd26af1089cb4eaf0c30cf260a12e814856385ab8843e56a9acea19e127  the same for all
  RTMR0  dbx                 18cc6e01f0c6ea99aa23f8a280423e94ad81d96d0aeb5180504fc0f7a40cb3619dd39bd6a95ec1680a86ed6ab0f9828d  the same for all
  RTMR0  separator           394341b7182cd227c5c6b07ef8000cdfd86136c4292b8e576573ad7ed9ae41019f5818b4b971c9effc60e1ad9f1289f0  the same for all
  RTMR0  acpi-loader         d4a0fb2d4f3b1beccac01491718679108a44797331e3ba5417c9896dd1e8c13930affb66c528bf0931aefaa8dae28496  QEMU, CPUs, devices, memory below 2816M
  RTMR0  acpi-rsdp           a953507e920538ab0d2f43d1e6c23fd2851b62a32be10c839ecaffcd41dfde07f9b58fecc7322fd748e1f7d95711e9e6  QEMU, CPUs, devices, memory below 2816M
  RTMR0  acpi-tables         e0aa55eeea04274d89d0235a7e20f0886c49ae63d615c359e0f45ce8c4efcab3c29b27950793206c3d1c1a5132cdfd2d  QEMU, CPUs, devices, memory below 2816M
  RTMR0  BootOrder           1dd6f7b457ad880d840d41c961283bab688e94e4b59359ea45686581e90feccea3c624b1226113f824f315eb60ae0a7c  the same for all
  RTMR0  Boot0000            23ada07f5261f12f34a0bd8e46760962d6b4d576a416f1fea1c64bc656b1d28eacf7047ae6e967c58fd2a98bfa74c298  the same for all
  RTMR1  kernel              6a9acc131f3197b003c11e69246fec32ed93c33657d5fa1c246517cff2c6babd2d7d806d8e3658ef539e4f3be3bb07b9  kernel, header as served
  RTMR1  boot-application    77a0dab2312b4e1e57a84d865a21e5b2ee8d677a21012ada819d0a98988078d3d740f6346bfe0abaa938ca20439a8d71  the same for all
  RTMR1  separator           394341b7182cd227c5c6b07ef8000cdfd86136c4292b8e576573ad7ed9ae41019f5818b4b971c9effc60e1ad9f1289f0  the same for all
  RTMR1  exit-boot-services  214b0bef1379756011344877743fdc2a5382bac6e70362d624ccf3f654407c1b4badf7d8f9295dd3dabdef65b27677e0  the same for all
  RTMR1  exit-returned       0a2e01c85deae718a530ad8c6d20a84009babe6c8989269e950d8cf440c6e997695e64d455c4174a652cd080f6230b74  the same for all
  RTMR2  cmdline             706e741ff6273ad577efc8e49983a5068687661bb70a2dfa1cffa8c0106fb06f90545c376708c02b02e74e295840f141  image
  RTMR2  initrd              310291254f98ab1d23493a3571ead889710d07df938ef6d87f33720d4d911e8a00181d681d300bd0c89faf646eb46f28  image
$ dstack measure images/dstack-0.0.1 --qemu 10.2.0 --json | python3 -c 'import json,sys; d=json.load(sys.stdin); print(d["schema"], d["tee"], d["inputs"]["kernel_header"], d["qemu_assumed"], len(d["events"]), d["mrtd"][:16])'
  dstack.measure/1 tdx file False 20 3a3ef0fd576d26e1

# Many machines: files are read once.
$ dstack measure images/dstack-0.0.1 --qemu 8.2.2 --matrix cpus=1,2 memory=2G,4G | cut -c 1-40
  image          dstack-0.0.1
  os image hash  a081e334a666f942e10fbdfd4
  QEMU           8.2.2
                 1 CPUs, 2G of memory, 5 P
                 pages two-pass, PIC on, k
  cpus  memory  MRTD
  1     2G      7eb0309c53d0de07eccd64234e
  1     4G      7eb0309c53d0de07eccd64234e
  2     2G      7eb0309c53d0de07eccd64234e
  2     4G      7eb0309c53d0de07eccd64234e
$ dstack measure images/dstack-0.0.1 --json --matrix cpus=1,2 --matrix qemu=8.2.2,9.1.0,11.1.0 | python3 -c 'import json,sys; d=json.load(sys.stdin); print([(m["inputs"]["cpus"], m["inputs"]["qemu"], m["inputs"]["page_order"], m["inputs"]["pic"]) for m in d["machines"]])'
  [(1, '8.2.2', 'two-pass', True), (1, '9.1.0', 'single-pass', False), (1, '11.1.0', 'single-pass', False), (2, '8.2.2', 'two-pass', True), (2, '9.1.0', 'single-pass', False), (2, '11.1.0', 'single-pass', False)]

# The app's part, where it is known.
$ echo '{"manifest_version":2,"name":"a","runner":"docker-compose","docker_compose_file":"services: {}"}' >app.json
$ dstack measure images/dstack-0.0.1 --qemu 9.1.0 --compose app.json --rtmr3 $(printf 'ab%.0s' $(seq 48)) | tail -n 3
                 of an app without a key provider
  mr_config_id   01d7a0882002dcbc762b35daa743e84ea63e7e7f456d84ec2e7152774471d68f5d000000000000000000000000000000
  mr_aggregated  6b37ba5f7f13cfa9e56925a6b6e79175ec06409349e28fa0baa53d19f8db4ac0
$ printf '{"app_id":"%s","compose_hash":"%s","key_provider":"kms","version":3}' 9085fa0948c9caba1bbdfb7dabb2df59b0180be7 9085fa0948c9caba1bbdfb7dabb2df59b0180be72fb11d2f3a205dcf20a7661f >config.json
$ dstack measure images/dstack-0.0.1 --qemu 9.1.0 --mr-config config.json | grep mr_config_id
  mr_config_id   0353bea9849a86260c6743ffbb7295b0cf9970b48d4746c17d0ab2bb7a00e33e23000000000000000000000000000000

# Other TEEs.
$ dstack measure images/dstack-0.0.1 --tee snp
! dstack: error: dstack-0.0.1 has no SEV firmware (bios-sev in its metadata.json)
? 4
$ dstack measure images/dstack-0.0.1 --tee sim --cpus 4 --memory 4G
  image          dstack-0.0.1
  os image hash  a081e334a666f942e10fbdfd4e81e334655b5e9990b36a946f5324bbd77eefca
  SIMULATED      no TEE hardware reports these
  MRTD           3a3ef0fd576d26e125a1d2c6e6e00f6dbe1968b0257d40315f6fddfb5d568de863255a39cfcdb9d05ac1440d10f40c60
  RTMR0          e112e37274710d61fdbc3d67b30c823fcc4caa239ffa691f66e12fe438d26afcbd15199f9048b30f34efa8af316ffbf8
  RTMR1          64d20a764cc890c4efa4d28a7da4fb7082683ac76cb20624fcdf5b85fc2714d5cbedf9d3f336be26bd4d64c45cbf5fba
  RTMR2          4976f17af7fabbdcb22230fa644862753abd71e7d1d8e26de0fbf3c816396a55f570a559390c8ab8296a9d42ca290dd0

# What cannot be predicted is refused by its name.
$ dstack measure images/dstack-0.0.1 --cpus 0
! dstack: error: --cpus: cpus: 0 (want 1 to 4096)
? 2
$ dstack measure images/dstack-0.0.1 --qemu 8.2
! dstack: error: --qemu: qemu: '8.2' is not a QEMU version (want three numbers, as in 9.2.1)
? 2
$ dstack measure images/dstack-0.0.1 --qemu 7.2.0
! dstack: error: QEMU 7.2.0: TDX guests need 8.0.0 or later
? 4
$ dstack measure images/dstack-0.0.1 --qemu 99.0.0
! dstack: error: ACPI tables: machine: QEMU 99.0.0: ACPI tables are known for 8.0.0 to 11.1
? 4
$ dstack measure images/dstack-0.0.1 --memory 8M
! dstack: error: TD HOB: 8388608 bytes of memory (the firmware itself takes 8519680)
? 2
$ dstack measure images/dstack-0.0.1 --gpus 200
! dstack: error: ACPI tables: machine: no PCI slots are left for 200 root ports beside 5 devices
? 4
$ dstack measure images/dstack-0.0.1 --matrix colour=red
! dstack: error: --matrix: there is no input 'colour' (there are cpus, memory, qemu, two-pass, pic, kernel-header, hotplug, pci-hole64, nics, volumes, slots, gpus, nvswitches, hugepages, numa-nodes, node-gpus)
? 2
$ dstack measure images/dstack-0.0.1 images/dstack-0.0.2
! dstack: error: one image at a time: images/dstack-0.0.1 and images/dstack-0.0.2
? 2
$ dstack measure images/dstack-0.0.1 --compose app.json --mr-config config.json
! dstack: error: give --compose or --mr-config, not both
? 2
$ $TESTS/mini-image images/dstack-0.0.2 && dstack measure images/dstack-0.0.2
! dstack: error: ovmf.fd: firmware of 8 bytes has no GUID table
? 4
$ echo kernel >images/dstack-0.0.1/bzImage && dstack measure images/dstack-0.0.1
! dstack: error: bzImage: kernel of 7 bytes has no setup header
? 4
$ sed -i s/pre202505/stable202511/ images/dstack-0.0.1/metadata.json && dstack measure images/dstack-0.0.1
! dstack: error: dstack-0.0.1: firmware of layout 'stable202511': only the registers of 'pre202505' can be predicted
? 4
