$ dstack logs
! dstack: error: there is no VM yet
!   'dstack deploy compose.yaml' makes one
? 1
$ $TESTS/make-vm hello
$ dstack logs hello
! dstack: error: hello is not running; the logs of its containers are on its own disk
!   'dstack start hello' starts it, 'dstack logs --console hello' shows its last boot
? 1
$ dstack logs --console hello
  first line
  second line
  third line
$ dstack logs --console --tail 1
  third line
$ dstack logs --tail many hello
! dstack: error: --tail: 'many' is not a whole number
? 2
$ dstack logs helo
! dstack: error: no VM 'helo' (did you mean 'hello'?)
? 1
