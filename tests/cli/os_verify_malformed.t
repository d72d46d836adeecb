# Image directories that are wrong in one place each; the place is named.
$ $TESTS/mini-image good; bad() { rm -rf bad; cp -r good bad; }; declare -f bad > bad.sh
$ . ./bad.sh; bad; rm bad/metadata.json; dstack os verify ./bad
! dstack: error: bad: metadata.json is missing
? 3
$ . ./bad.sh; bad; rm bad/sha256sum.txt; dstack os verify ./bad
! dstack: error: bad: sha256sum.txt: open bad/sha256sum.txt: No such file or directory
? 4
$ . ./bad.sh; bad; rm bad/bzImage; dstack os verify ./bad
! dstack: error: bad: bzImage is missing
? 3
$ . ./bad.sh; bad; printf x >> bad/bzImage; dstack os verify ./bad
! dstack: error: bad: bzImage has SHA-256 8fa330e9ebb89870f52c58301237a5888896f662f48a116dc59e7825042340c5, sha256sum.txt says 6923dd1bc0460082c5d55a831908c24a282860b7f1cd6c2b79cf1bc8857c639c
? 3
$ . ./bad.sh; bad; echo 0000 > bad/digest.txt; dstack os verify ./bad
! dstack: error: bad: digest.txt: sha256sum.txt hashes to 8b85ab6739ece207a44fcca106e1ca9b60fc56fc4dcfdcb947e2dd36eb93da32, not 0000
? 3
$ . ./bad.sh; bad; echo 'not a line' >> bad/sha256sum.txt; dstack os verify ./bad
! dstack: error: bad: digest.txt: sha256sum.txt hashes to c7bf74b1ab18c1146c2256a97b1d5d8d06a12820d9dd618a3db49b6092a5d5c2, not 8b85ab6739ece207a44fcca106e1ca9b60fc56fc4dcfdcb947e2dd36eb93da32
? 3
$ . ./bad.sh; bad; echo '{' > bad/metadata.json; $TESTS/seal bad; dstack os verify ./bad
! dstack: error: bad: metadata.json: JSON: syntax error at byte 3
? 4
$ . ./bad.sh; bad; sed -i 's,"bzImage","../bzImage",' bad/metadata.json; $TESTS/seal bad; dstack os verify ./bad
! dstack: error: bad: metadata.json: "kernel": "../bzImage" is no plain name (letters, digits, "_.-", up to 64)
? 4
$ . ./bad.sh; bad; sed -i 's/dstack.rootfs_hash=[0-9a-f]*//' bad/metadata.json; $TESTS/seal bad; dstack os verify ./bad
! dstack: error: bad: cmdline: the kernel command line has no dstack.rootfs_hash=
? 4
$ . ./bad.sh; bad; truncate -s 1M bad/rootfs.img.parted.verity; dstack os verify ./bad
! dstack: error: bad: rootfs.img.parted.verity: partition "dstack-rootfs" from sector 2048 to 4095 does not fit
? 4
$ . ./bad.sh; bad; printf 'Z' | dd of=bad/rootfs.img.parted.verity bs=1 seek=1048600 conv=notrunc status=none; dstack os verify ./bad
! dstack: error: bad: rootfs.img.parted.verity: its root hash is 6e16c774272ac8c62f1f6e89140eb5fcc217e7a8520656b06e90d912c0a2d4bf, the kernel command line wants 1f747aa28ebf6c022f4efe60a53605f535565a209815d1a6798bc69459cb4797
? 3
$ . ./bad.sh; bad; printf 'Z' | dd of=bad/rootfs.img.parted.verity bs=1 seek=512 conv=notrunc status=none; dstack os verify ./bad
! dstack: error: bad: rootfs.img.parted.verity: no GPT signature
? 4
$ . ./bad.sh; bad; rm bad/rootfs.img.parted.verity; ln -s ../good/rootfs.img.parted.verity bad/; dstack os verify ./bad
! dstack: error: bad: rootfs.img.parted.verity is not a file
? 3

# Measurement documents and what they bind.
$ rm -rf good; $TESTS/measured-image good
$ . ./bad.sh; bad; printf Z | dd of=bad/ovmf-sev.fd bs=1 seek=77 conv=notrunc status=none; dstack os verify ./bad
! dstack: error: bad: ovmf-sev.fd has the launch digest d5d25cabd6c9e22793c017d52214c90484e7cbd26569480ff658c3c7ba11e13f03ce228f3cfa110a4a3f0c54d782085f, measurement.snp.cbor says 223f22741ea21203967be0f8853bbe044eb9d973913a7060db543e90da6a17bfe8aeda5c0df44704aa3be44f54f3e1f1
? 3
$ . ./bad.sh; bad; rm bad/ovmf-sev.fd; dstack os verify ./bad
! dstack: error: bad: ovmf-sev.fd is missing
? 3
$ . ./bad.sh; bad; printf Z | dd of=bad/measurement.tdx.cbor bs=1 seek=90 conv=notrunc status=none; dstack os verify ./bad
! dstack: error: bad: measurement.tdx.cbor has SHA-256 b60475418f83479ed685ebf23f0c891cd5ee2f3acf812d659a9136af7c918e04, sha256sum.txt says ff9ae5316fdb71040f481c949d757c4a8f338419dbf35a20532994973c0bfd5b
? 3
$ . ./bad.sh; bad; sed -i /measurement.tdx/d bad/sha256sum.txt; $TESTS/seal bad; dstack os verify ./bad
! dstack: error: bad: measurement.tdx.cbor is not listed in sha256sum.txt
? 3
$ . ./bad.sh; bad; sed -i /measurement.snp/d bad/sha256sum.txt; $TESTS/seal bad; dstack os verify ./bad
! dstack: error: bad: measurement.snp.cbor is not listed in sha256sum.txt
? 3
$ . ./bad.sh; bad; printf Z | dd of=bad/bzImage bs=1 seek=2000 conv=notrunc status=none; $TESTS/seal bad; dstack os verify ./bad; dstack os verify ./bad --measure
  VERIFIED  bad
  os image hash  55a7fc8cea5009c8ac09ec1b95d42be02d23e6ec7d1a6643b2a7f4ffd52ce15d
  Checked: every file against sha256sum.txt, that against digest.txt, the root file system
  against the hash on the kernel command line.
  Not checked: where the image comes from. Compare the hash, or give it with --hash.
! dstack: error: bad: measurement.tdx.cbor: kernel_authenticode is "58f1c0e0895759a2392b7905ce422e11d63418532a42947788c0b79ab39dfd5edf2051884e53b8e193025c6c64fc1a75", the image's files give "72c05f5e483818fe5fc74ce6e823d7a48ad4d822448e65309891366beaa243c5e4a954f044f71ecf46afbe54d6991677"
? 3
$ . ./bad.sh; bad; printf Z | dd of=bad/ovmf.fd bs=1 seek=2000 conv=notrunc status=none; $TESTS/seal bad; dstack os verify ./bad --measure
! dstack: error: bad: measurement.tdx.cbor: mrtd_single_pass is "8626aa7a8d3975af441659ec63a3d0171a03788e7b4027a45491128ec1b633b81ef57ab76a173973b3f7b37d4893e2fc", the image's files give "73bd9b2ee4793e2312c4c2cafc0da648df2cd771aef13c4b04b9e1131eb553014bffa33e033b1ed696e6841bed8b50ae"
? 3
$ . ./bad.sh; bad; printf Z >> bad/initramfs.cpio.gz; $TESTS/seal bad; dstack os verify ./bad --measure
! dstack: error: bad: measurement.tdx.cbor: kernel_authenticode is "58f1c0e0895759a2392b7905ce422e11d63418532a42947788c0b79ab39dfd5edf2051884e53b8e193025c6c64fc1a75", the image's files give "a0449e58a62f1487daa21a67be49ffed93b25e73bd48be500c391df0535640893f24bb2e74bed47de5f8aa0d59d3a34e"
? 3
$ . ./bad.sh; bad; printf Z >> bad/measurement.tdx.cbor; $TESTS/seal bad; dstack os verify ./bad --measure
! dstack: error: bad: measurement.tdx.cbor: 1 bytes after the end
? 4
$ . ./bad.sh; bad; printf '\5' | dd of=bad/measurement.tdx.cbor bs=1 seek=9 conv=notrunc status=none; $TESTS/seal bad; dstack os verify ./bad --measure
! dstack: error: bad: measurement.tdx.cbor: version 5 (want 3 to 4)
? 4
$ . ./bad.sh; bad; sed -i 's/pre202505/pre202599/' bad/metadata.json; $TESTS/seal bad; dstack os verify ./bad --measure
! dstack: error: bad: firmware of layout 'pre202599': only the registers of 'pre202505' can be predicted
? 4
$ . ./bad.sh; bad; printf 'not a kernel' > bad/bzImage; $TESTS/seal bad; dstack os verify ./bad --measure
! dstack: error: bad: kernel: kernel of 12 bytes has no setup header
? 4
