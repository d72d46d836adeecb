# tests/integration/gateway sets policies; here is what is refused before anybody is asked.
$ dstack gateway init gw --domain apps.test >/dev/null; dstack gateway policy gw 5d0c --open 0
! dstack: error: --open 0: no port (want 1 to 65535, perhaps with :pp)
? 2
$ dstack gateway policy gw 5d0c --open 8080:tcp
! dstack: error: --open 8080:tcp: no port (want 1 to 65535, perhaps with :pp)
? 2
$ dstack gateway policy gw 5d0c --all --none
! dstack: error: --open, --all, --none and --clear: give one of them
? 2
$ dstack gateway policy gw 5d0c --open 443:pp
! dstack: error: no gateway runs from gw ('dstack gateway run gw' starts it)
? 1
