# What differs is named, with the input that would make it match. tests/measure/planted has many more.
$ $TESTS/tdx-image images/dstack-0.0.1
$ dstack measure images/dstack-0.0.1 --qemu 8.2.2 --cpus 4 --memory 4G --json | $TESTS/../support/made_quote.py quote.bin log.json
$ dstack diagnose quote.bin --image images/dstack-0.0.1 --qemu 8.2.2 --cpus 4 --memory 4G
  image          dstack-0.0.1
  stated by      options, then defaults: the evidence has no vm_config
  QEMU           8.2.2
                 4 CPUs, 4G of memory, 5 PCI slots, hotplug on, PCI hole QEMU's own, 0 GPUs, 0 NVSwitches, 0 NUMA nodes
                 pages two-pass, PIC on, kernel header written by QEMU
  MRTD   as stated
  RTMR0  as stated
  RTMR1  as stated
  RTMR2  as stated
  Every register is what the image and the stated inputs give.
! the quote itself was not verified: 'dstack verify' judges
$ dstack diagnose quote.bin --image images/dstack-0.0.1 --event-log log.json
  image          dstack-0.0.1
  stated by      defaults: the evidence has no vm_config; QEMU 9.1.0 is assumed
  QEMU           9.1.0
                 2 CPUs, 2G of memory, 5 PCI slots, hotplug on, PCI hole QEMU's own, 0 GPUs, 0 NVSwitches, 0 NUMA nodes
                 pages single-pass, PIC off, kernel header written by QEMU
  MRTD   DIFFERS
         predicted 3a3ef0fd576d26e125a1d2c6e6e00f6dbe1968b0257d40315f6fddfb5d568de863255a39cfcdb9d05ac1440d10f40c60
         quote has 7eb0309c53d0de07eccd64234e89df265b0fcb9f8b210c06317289162dee57fe5d3184cfc6cb5cc5241bb5930c9623a8
         fits when two-pass is on, not off
  RTMR0  DIFFERS in td-hob
         predicted 0b8772e5b0b41b83e6044a68397e02f49fb47066b4fbe4917ea2c45c64f323fdacbb37948f821ebaf8bc9c938ba8a749
         quote has 5b684faf8d02a733945f821d9cdd170802e72103977acf66949c9382500283adc90cbec57f8e7653f8bee1cab83689de
         fits when memory is 4G, not 2G
  RTMR0  DIFFERS in acpi-loader, acpi-rsdp, acpi-tables
         predicted 5779536fdbe26cca0f88b96743fa8803765836031bf99d80dccb23e99304a5354983f8666b6fef9ba0171b2e97cd881c
         quote has 557cc395901d6f9dbc35609ed51753ca7915cf2e9aece2f9cf9003baee61318672aea1a405c9b4f51b337f5e58403971
         fits when qemu is 8.2.2, not 9.1.0
         fits when pic is on, not off
         fits when cpus is 4, not 2
  RTMR1  as stated
  RTMR2  as stated
  Every register is explained by the inputs above.
    dstack measure dstack-0.0.1 --qemu 8.2.2 --cpus 4 --memory 4G
! the quote itself was not verified: 'dstack verify' judges
? 6
$ dstack diagnose quote.bin --image images/dstack-0.0.1 --qemu 8.2.2 --cpus 2 --memory 4G --json | python3 -c 'import json,sys; d=json.load(sys.stdin); print(d["schema"], d["fit"], d["found"]["cpus"], [(f["register"], f["fit"], f["differences"]) for f in d["findings"] if f["differences"]])'
  dstack.diagnose/1 other inputs 4 [('rtmr0', 'other inputs', [{'input': 'cpus', 'stated': '2', 'found': '4'}])]

# Nothing fits: another firmware, by its page of code.
$ cp -r images/dstack-0.0.1 images/other && printf x | dd of=images/other/ovmf.fd bs=1 seek=5000 conv=notrunc status=none
$ dstack diagnose quote.bin --image images/other --qemu 8.2.2 --cpus 4 --memory 4G --event-log log.json
  image          other
  stated by      options, then defaults: the evidence has no vm_config
  QEMU           8.2.2
                 4 CPUs, 4G of memory, 5 PCI slots, hotplug on, PCI hole QEMU's own, 0 GPUs, 0 NVSwitches, 0 NUMA nodes
                 pages two-pass, PIC on, kernel header written by QEMU
  MRTD   DIFFERS
         predicted 12c47fadb9e366c60a2fa459ad495cbea84d31af1e846c7c8fa46d553677cc95930bf832b5f4a65053f0103f1875603d
         quote has 7eb0309c53d0de07eccd64234e89df265b0fcb9f8b210c06317289162dee57fe5d3184cfc6cb5cc5241bb5930c9623a8
         nothing fits: the quote's firmware is none of the files at hand, in neither order of pages
  RTMR0  as stated
  RTMR1  as stated
  RTMR2  as stated
  NOTHING THAT WAS TRIED EXPLAINS THIS QUOTE.
! the quote itself was not verified: 'dstack verify' judges
? 3

# Not for this.
$ dstack diagnose quote.bin
! dstack: error: --image is needed: the evidence carries no measurement document
? 2
$ echo hello >hello && dstack diagnose hello --image images/dstack-0.0.1
! dstack: error: hello: this is no quote, report, attestation, certificate or JSON that dstack knows
? 4
$ dstack diagnose quote.bin --image images/nosuch
! dstack: error: there is no image directory images/nosuch
? 1
$ echo '[{"imr":9}]' >bad.json && dstack diagnose quote.bin --image images/dstack-0.0.1 --event-log bad.json
! dstack: error: bad.json: event 0: 'event_type' is missing
? 4
$ dstack diagnose https://example.com --image images/dstack-0.0.1
! dstack: error: diagnose takes one file, or '-'
? 2
