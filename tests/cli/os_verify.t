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

# The documents by which others measure an image, computed again; measured-image has them from the
# specification, apart from dstack's code.
$ $TESTS/measured-image images/dstack-0.0.2
$ dstack os verify images/dstack-0.0.2 --measure
  VERIFIED  dstack-0.0.2
  os image hash  10f84af61eeb22b793c06d4828c01584722d516226e60358c8fc4f98bc4a3785
  measurement.tdx.cbor, as the image's files give it:
    version                   4
    cmdline                   console=ttyS0 init=/init dstack.rootfs_hash=1f747aa28ebf6c022f4efe60a53605f535565a209815d1a6798bc69459cb4797 dstack.rootfs_size=8192
    cmdline_sha384            706e741ff6273ad577efc8e49983a5068687661bb70a2dfa1cffa8c0106fb06f90545c376708c02b02e74e295840f141
    kernel_authenticode       58f1c0e0895759a2392b7905ce422e11d63418532a42947788c0b79ab39dfd5edf2051884e53b8e193025c6c64fc1a75
    kernel_header_normalized  false
    initrd_sha384             310291254f98ab1d23493a3571ead889710d07df938ef6d87f33720d4d911e8a00181d681d300bd0c89faf646eb46f28
    ovmf                      pre202505
    mrtd_single_pass          8626aa7a8d3975af441659ec63a3d0171a03788e7b4027a45491128ec1b633b81ef57ab76a173973b3f7b37d4893e2fc
    mrtd_two_pass             395804a63bdb4ceb68e4f75e9f155a306a96255a11c5163916ea3818ca8bb1efc96abdd4fa5ccbbd81da04dda479fe0b
    td_hob                    80100904000609020b021010
  measurement.snp.cbor, as the image's files give it:
    version                   3
    cmdline                   console=ttyS0 init=/init dstack.rootfs_hash=1f747aa28ebf6c022f4efe60a53605f535565a209815d1a6798bc69459cb4797 dstack.rootfs_size=8192
    ovmf_hash                 223f22741ea21203967be0f8853bbe044eb9d973913a7060db543e90da6a17bfe8aeda5c0df44704aa3be44f54f3e1f1
    kernel_hash               5d4807e846dd855c976376dcb996ea639b222022eb7a1e265bf592de4083a806
    initrd_hash               9752c38a9065f7646ffaac3621d1fa2f7dbe726c7e12e511eac7fdb14d4e2a24
    hashes_table_gpa          8457216
    reset_eip                 8433668
    ovmf_sections             [{"gpa":8388608,"size":36864,"type":1},{"gpa":8441856,"size":4096,"type":2},{"gpa":8445952,"size":4096,"type":3},{"gpa":8450048,"size":4096,"type":4},{"gpa":8454144,"size":4096,"type":16}]
  Checked: every file against sha256sum.txt, that against digest.txt, the root file system
  against the hash on the kernel command line.
  Not checked: where the image comes from. Compare the hash, or give it with --hash.
$ dstack os verify images/dstack-0.0.2 --measure --json
  {
    "schema": "dstack.os.verify/1",
    "verified": true,
    "name": "dstack-0.0.2",
    "directory": "images/dstack-0.0.2",
    "version": "0.0.1",
    "os_image_hash": "10f84af61eeb22b793c06d4828c01584722d516226e60358c8fc4f98bc4a3785",
    "rootfs_hash": "1f747aa28ebf6c022f4efe60a53605f535565a209815d1a6798bc69459cb4797",
    "git_revision": "0123456789ab",
    "cmdline": "console=ttyS0 init=/init dstack.rootfs_hash=1f747aa28ebf6c022f4efe60a53605f535565a209815d1a6798bc69459cb4797 dstack.rootfs_size=8192",
    "is_dev": false,
    "size_bytes": 3170742,
    "measurements": {
      "measurement.tdx.cbor": {
        "version": 4,
        "cmdline": "console=ttyS0 init=/init dstack.rootfs_hash=1f747aa28ebf6c022f4efe60a53605f535565a209815d1a6798bc69459cb4797 dstack.rootfs_size=8192",
        "cmdline_sha384": "706e741ff6273ad577efc8e49983a5068687661bb70a2dfa1cffa8c0106fb06f90545c376708c02b02e74e295840f141",
        "kernel_authenticode": "58f1c0e0895759a2392b7905ce422e11d63418532a42947788c0b79ab39dfd5edf2051884e53b8e193025c6c64fc1a75",
        "kernel_header_normalized": false,
        "initrd_sha384": "310291254f98ab1d23493a3571ead889710d07df938ef6d87f33720d4d911e8a00181d681d300bd0c89faf646eb46f28",
        "ovmf": "pre202505",
        "mrtd_single_pass": "8626aa7a8d3975af441659ec63a3d0171a03788e7b4027a45491128ec1b633b81ef57ab76a173973b3f7b37d4893e2fc",
        "mrtd_two_pass": "395804a63bdb4ceb68e4f75e9f155a306a96255a11c5163916ea3818ca8bb1efc96abdd4fa5ccbbd81da04dda479fe0b",
        "td_hob": "80100904000609020b021010"
      },
      "measurement.snp.cbor": {
        "version": 3,
        "cmdline": "console=ttyS0 init=/init dstack.rootfs_hash=1f747aa28ebf6c022f4efe60a53605f535565a209815d1a6798bc69459cb4797 dstack.rootfs_size=8192",
        "ovmf_hash": "223f22741ea21203967be0f8853bbe044eb9d973913a7060db543e90da6a17bfe8aeda5c0df44704aa3be44f54f3e1f1",
        "kernel_hash": "5d4807e846dd855c976376dcb996ea639b222022eb7a1e265bf592de4083a806",
        "initrd_hash": "9752c38a9065f7646ffaac3621d1fa2f7dbe726c7e12e511eac7fdb14d4e2a24",
        "hashes_table_gpa": 8457216,
        "reset_eip": 8433668,
        "ovmf_sections": [
          {
            "gpa": 8388608,
            "size": 36864,
            "type": 1
          },
          {
            "gpa": 8441856,
            "size": 4096,
            "type": 2
          },
          {
            "gpa": 8445952,
            "size": 4096,
            "type": 3
          },
          {
            "gpa": 8450048,
            "size": 4096,
            "type": 4
          },
          {
            "gpa": 8454144,
            "size": 4096,
            "type": 16
          }
        ]
      }
    }
  }
$ $TESTS/measured-image images/dstack-0.0.3 3; dstack os verify images/dstack-0.0.3 --measure | sed -n 3,5p
  measurement.tdx.cbor, as the image's files give it:
    version                   3
    cmdline_sha384            706e741ff6273ad577efc8e49983a5068687661bb70a2dfa1cffa8c0106fb06f90545c376708c02b02e74e295840f141
$ dstack os verify images/dstack-0.0.1 --measure
  VERIFIED  dstack-0.0.1
  os image hash  8b85ab6739ece207a44fcca106e1ca9b60fc56fc4dcfdcb947e2dd36eb93da32
  No measurement documents: the image is older than they are.
  Checked: every file against sha256sum.txt, that against digest.txt, the root file system
  against the hash on the kernel command line.
  Not checked: where the image comes from. Compare the hash, or give it with --hash.
