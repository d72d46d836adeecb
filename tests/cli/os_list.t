$ dstack os list
  NAME  VERSION  SIZE  OS IMAGE HASH
! no image yet: dstack os build
$ dstack os list -q
$ $TESTS/mini-image .local/share/dstack/images/dstack-0.0.1
$ dstack os list
  NAME          VERSION  SIZE  OS IMAGE HASH
  dstack-0.0.1  0.0.1    3M    8b85ab6739ece207a44fcca106e1ca9b60fc56fc4dcfdcb947e2dd36eb93da32
$ dstack os list -q
  dstack-0.0.1
$ dstack os list --json
  {
    "schema": "dstack.os.list/1",
    "images": [
      {
        "name": "dstack-0.0.1",
        "directory": "$WORK/.local/share/dstack/images/dstack-0.0.1",
        "version": "0.0.1",
        "os_image_hash": "8b85ab6739ece207a44fcca106e1ca9b60fc56fc4dcfdcb947e2dd36eb93da32",
        "rootfs_hash": "1f747aa28ebf6c022f4efe60a53605f535565a209815d1a6798bc69459cb4797",
        "git_revision": "0123456789ab",
        "cmdline": "console=ttyS0 init=/init dstack.rootfs_hash=1f747aa28ebf6c022f4efe60a53605f535565a209815d1a6798bc69459cb4797 dstack.rootfs_size=8192",
        "is_dev": false,
        "size_bytes": 3146510
      }
    ]
  }
$ mkdir .local/share/dstack/images/half; echo '{' > .local/share/dstack/images/half/metadata.json
$ dstack os list
  NAME          VERSION  SIZE  OS IMAGE HASH
  dstack-0.0.1  0.0.1    3M    8b85ab6739ece207a44fcca106e1ca9b60fc56fc4dcfdcb947e2dd36eb93da32
! dstack: warning: half: metadata.json: JSON: syntax error at byte 3
