$ dstack restart nobody
! dstack: error: no VM 'nobody'
? 1
$ $TESTS/make-vm hello
$ dstack restart -n hello
! would restart hello
