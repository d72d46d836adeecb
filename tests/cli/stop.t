$ dstack stop
! dstack: error: there is no VM yet
!   'dstack deploy compose.yaml' makes one
? 1
$ $TESTS/make-vm hello
$ dstack stop
! hello is not running
$ dstack stop hello nobody
! hello is not running
! dstack: error: no VM 'nobody'
? 1
