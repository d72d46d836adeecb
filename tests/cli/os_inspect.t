$ dstack os inspect
! dstack: error: there is no guest OS image yet
!   'dstack os build' makes one
? 1
$ $TESTS/mini-image .local/share/dstack/images/dstack-0.0.1
$ dstack os inspect
  name           dstack-0.0.1
  version        0.0.1
  os image hash  8b85ab6739ece207a44fcca106e1ca9b60fc56fc4dcfdcb947e2dd36eb93da32
  rootfs hash    1f747aa28ebf6c022f4efe60a53605f535565a209815d1a6798bc69459cb4797
  source         0123456789ab
  size           3M
  kernel         bzImage
  initrd         initramfs.cpio.gz
  rootfs         rootfs.img.parted.verity
  firmware       ovmf.fd
  command line   console=ttyS0 init=/init dstack.rootfs_hash=1f747aa28ebf6c022f4efe60a53605f535565a209815d1a6798bc69459cb4797 dstack.rootfs_size=8192
  directory      $WORK/.local/share/dstack/images/dstack-0.0.1
  As the image says of itself; 'dstack os verify' checks it.
$ dstack os inspect dstack-0.0.2
! dstack: error: there is no image 'dstack-0.0.2'
!   did you mean 'dstack-0.0.1'?
? 1
