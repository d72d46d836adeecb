$ dstack update
! dstack: error: VM is missing
? 2
$ $TESTS/make-vm hello
$ dstack update hello nosuch.yaml
! dstack: error: open nosuch.yaml: No such file or directory
? 1
$ printf 'services:\n  web:\n    image: hello:1\n    ports:\n      - "8080:8080"\n' > compose.yaml
$ dstack update hello --no-pin --dry-run
! dstack: warning: --no-pin: tags are not resolved; the compose hash does not say which images run, and a registry can change them
! gateway_enabled: (absent) -> false
! kms_enabled: (absent) -> false
! local_key_provider_enabled: (absent) -> false
! ~
! app id        1111111111111111111111111111111111111111  stays
! compose hash  dcb74462d3066cbb16916ff8b4a3002adf60e5739f274b73477f5baa86f1d68b  now
!               b439f66f45e1abc563216084981195ad8d2698750e54c205405c2c44a50185bc  after
! measurements  MRTD, RTMR0, RTMR1, RTMR2 stay (same OS image and machine);
!               RTMR3 changes with the compose hash
