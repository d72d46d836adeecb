# That two real builds are the same is tested with the image of the VM tests (tests/vm/os_build).
$ dstack os reproduce --recipe nowhere
! dstack: error: recipe: open nowhere/packages.lock: No such file or directory
? 1
$ ls .local/share/dstack
$ dstack os reproduce images/nosuch
! dstack: error: there is no image directory images/nosuch
? 1
$ $TESTS/measured-image images/dstack-0.0.2; dstack os reproduce images/dstack-0.0.2 --recipe nowhere
! dstack: error: dstack-0.0.2 was built with --sev-firmware: this build must be too
? 2
$ dstack os reproduce --jobs none
! dstack: error: --jobs: 'none' is not a whole number
? 2
