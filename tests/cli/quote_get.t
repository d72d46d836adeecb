# Only a running VM can be asked.
$ dstack quote get
! dstack: error: there is no VM yet
!   'dstack deploy compose.yaml' makes one
? 1
$ dstack quote get nobody
! dstack: error: no VM 'nobody'
? 1
$ dstack quote get nobody --nonce 0x
! dstack: error: no VM 'nobody'
? 1
