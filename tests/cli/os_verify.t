$ dstack os verify
! dstack: error: there is no guest OS image yet
!   'dstack os build' makes one
? 1
$ $TESTS/mini-image images/dstack-0.0.1
$ dstack os verify images/dstack-0.0.1
  VERIFIED  dstack-0.0.1
  os image hash  8b85ab6739ece207a44fcca106e1ca9b60fc56fc4dcfdcb947e2dd36eb93da32
  Checked: every file against sha256sum.txt, that against digest.txt, the root file system
  against the hash on the kernel command line.
  Not checked: where the image comes from. Compare the hash, or give it with --hash.
$ dstack os verify images/dstack-0.0.1 --json
  {
    "schema": "dstack.os.verify/1",
    "verified": true,
    "name": "dstack-0.0.1",
    "directory": "images/dstack-0.0.1",
    "version": "0.0.1",
    "os_image_hash": "8b85ab6739ece207a44fcca106e1ca9b60fc56fc4dcfdcb947e2dd36eb93da32",
    "rootfs_hash": "1f747aa28ebf6c022f4efe60a53605f535565a209815d1a6798bc69459cb4797",
    "git_revision": "0123456789ab",
    "cmdline": "console=ttyS0 init=/init dstack.rootfs_hash=1f747aa28ebf6c022f4efe60a53605f535565a209815d1a6798bc69459cb4797 dstack.rootfs_size=8192",
    "is_dev": false,
    "size_bytes": 3146510
  }
$ dstack os verify images/dstack-0.0.1 --hash 00
! dstack: error: dstack-0.0.1 has the OS image hash 8b85ab6739ece207a44fcca106e1ca9b60fc56fc4dcfdcb947e2dd36eb93da32, want 00
? 3
$ dstack os verify images/nosuch
! dstack: error: there is no image directory images/nosuch
? 1
