$ dstack os rm
! dstack: error: IMAGE is missing
? 2
$ $TESTS/mini-image .local/share/dstack/images/dstack-0.0.1
$ $TESTS/make-vm hello
$ dstack os rm --yes dstack-0.0.1
! dstack: error: dstack-0.0.1 is used by hello
!   remove those VMs first
? 3
$ dstack rm --yes -q hello
  0123456789ab
$ dstack os rm dstack-0.0.1
! would delete $WORK/.local/share/dstack/images/dstack-0.0.1
! dstack: error: say --yes to delete
? 2
$ dstack os rm --yes ../../..
! dstack: error: image name: "../../.." is no plain name (letters, digits, "_.-", up to 64)
? 2
$ dstack os rm --yes dstack-0.0.1
  removed dstack-0.0.1
$ dstack os list -q
