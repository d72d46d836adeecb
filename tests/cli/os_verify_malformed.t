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
