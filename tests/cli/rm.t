$ dstack rm
! dstack: error: VM is missing
? 2
$ $TESTS/make-vm hello
$ dstack rm hello
! dstack: error: this deletes for good:
!     hello (stopped, app hello) and everything on its disk
!   say --yes to do it
? 2
$ dstack rm --dry-run hello
! would delete hello (stopped, app hello) and everything on its disk
$ dstack rm --yes hello
  removed hello
$ dstack rm --yes hello
! dstack: error: no VM 'hello'
? 1
$ $TESTS/make-vm hello
# Another command holds the VM.
$ flock .local/state/dstack/vms/0123456789ab/op.lock dstack rm --yes hello
! dstack: error: VM hello: 0123456789ab is in use by another process
? 9
$ dstack ps -a -q
  0123456789ab
