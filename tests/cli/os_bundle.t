# What verifiers measure an image by: flat, without the root file system, the same bytes each time.
$ $TESTS/measured-image images/dstack-0.0.2; mkdir out again
$ dstack os bundle images/dstack-0.0.2 -o out
  out/mr_10f84af61eeb22b793c06d4828c01584722d516226e60358c8fc4f98bc4a3785.tar.gz
$ dstack os bundle images/dstack-0.0.2 -o again --json
  {
    "schema": "dstack.os.bundle/1",
    "image": "dstack-0.0.2",
    "os_image_hash": "10f84af61eeb22b793c06d4828c01584722d516226e60358c8fc4f98bc4a3785",
    "file": "again/mr_10f84af61eeb22b793c06d4828c01584722d516226e60358c8fc4f98bc4a3785.tar.gz",
    "size_bytes": 2577
  }
$ cmp out/mr_*.tar.gz again/mr_*.tar.gz && tar -tvzf out/mr_*.tar.gz
  -rw-r--r-- 0/0            2564 1970-01-01 00:00 bzImage
  -rw-r--r-- 0/0              65 1970-01-01 00:00 digest.txt
  -rw-r--r-- 0/0               9 1970-01-01 00:00 initramfs.cpio.gz
  -rw-r--r-- 0/0             476 1970-01-01 00:00 measurement.snp.cbor
  -rw-r--r-- 0/0             488 1970-01-01 00:00 measurement.tdx.cbor
  -rw-r--r-- 0/0             446 1970-01-01 00:00 metadata.json
  -rw-r--r-- 0/0           12288 1970-01-01 00:00 ovmf-sev.fd
  -rw-r--r-- 0/0            8192 1970-01-01 00:00 ovmf.fd
  -rw-r--r-- 0/0             486 1970-01-01 00:00 sha256sum.txt
$ cd out && tar -xzf mr_*.tar.gz && sha256sum -c sha256sum.txt && echo "mr_$(sha256sum <sha256sum.txt | cut -d' ' -f1).tar.gz" && ls mr_* && cat digest.txt
  ovmf.fd: OK
  bzImage: OK
  initramfs.cpio.gz: OK
  metadata.json: OK
  measurement.tdx.cbor: OK
  measurement.snp.cbor: OK
  mr_10f84af61eeb22b793c06d4828c01584722d516226e60358c8fc4f98bc4a3785.tar.gz
  mr_10f84af61eeb22b793c06d4828c01584722d516226e60358c8fc4f98bc4a3785.tar.gz
  10f84af61eeb22b793c06d4828c01584722d516226e60358c8fc4f98bc4a3785
$ printf Z >> images/dstack-0.0.2/bzImage; dstack os bundle images/dstack-0.0.2 -o out
! dstack: error: dstack-0.0.2: bzImage has SHA-256 fdca7f7c0390e18aa86420c8b4aa2b073c4233ce0834aa2027496bfdab312aff, sha256sum.txt says 5d4807e846dd855c976376dcb996ea639b222022eb7a1e265bf592de4083a806
? 3
$ dstack os bundle
! dstack: error: there is no guest OS image yet
!   'dstack os build' makes one
? 1
$ dstack os bundle images/nosuch
! dstack: error: there is no image directory images/nosuch
? 1
