$ $TESTS/make-vm hello
$ dstack events
  DATE  boot.progress      configuration read
  DATE  app.ready          app ready
$ dstack events hello --json
  {"schema":"dstack.event/1","at":"DATE","event":"boot.progress","payload":"configuration read"}
  {"schema":"dstack.event/1","at":"DATE","event":"app.ready","payload":"app ready"}
$ dstack events -f hello
  DATE  boot.progress      configuration read
  DATE  app.ready          app ready
! hello is not running: no more events
