# Nothing, a group alone, and unknown words: help or advice on stderr, status 2.
$ dstack 2>&1 >/dev/null | head -n 3
  Run Docker Compose apps in confidential VMs that prove what they run
  ~
  Usage: dstack COMMAND
$ dstack >/dev/null 2>&1
? 2
$ dstack app
! Make, pack and inspect app bundles
! ~
! Usage: dstack app COMMAND
! ~
! Commands:
!   init          Write a commented compose.yaml to start from
!   pack          Pack an app, and its images if wanted, into one file
!   hash          Print the compose hash and app id of an app
!   inspect       Show what is in an app bundle or app-compose.json
! ~
! 'dstack app COMMAND --help' says more about one of them.
? 2
$ dstack --version
  dstack 0.1.0
$ dstack deply
! dstack: error: 'dstack deply' is not a command
!   did you mean 'dstack deploy'?
? 2
$ dstack os biuld
! dstack: error: 'dstack os biuld' is not a command
!   did you mean 'dstack os build'?
? 2
$ dstack frobnicate
! dstack: error: 'dstack frobnicate' is not a command
!   see dstack --help
? 2
$ dstack ps --al
! dstack: error: unknown option --al, did you mean --all?
!   see dstack ps --help
? 2
$ dstack ps extra
! dstack: error: 'extra' is one argument too many
!   see dstack ps --help
? 2
$ dstack stop --timeout
! dstack: error: --timeout needs a value
!   see dstack stop --help
? 2
$ dstack stop --timeout soon
! dstack: error: --timeout: 'soon' is not understood (want for example 90s, 5m or 250ms)
? 2
$ dstack deploy --restart sometimes
! dstack: error: --restart: 'sometimes' is none of no, on-failure, always
? 2
$ dstack --json ps --frob
! {"error":{"code":"usage","message":"unknown option --frob\nsee dstack ps --help"}}
? 2
$ dstack --color never ps
  NAME  ID  STATUS  TEE  APP ID  STARTED  URLS
$ dstack --frob ps
! dstack: error: unknown option --frob
!   see dstack --help
? 2
$ dstack -h | head -n 1
  Run Docker Compose apps in confidential VMs that prove what they run
$ dstack os -h
  Build, list and check guest OS images
  ~
  Usage: dstack os COMMAND
  ~
  Commands:
    build         Build the guest OS image from Debian packages
    list          List guest OS images
    inspect       Show what an image says about itself
    verify        Check every file of an image against its hashes
    bundle        Pack what verifiers measure an image by
    reproduce     Build an image again and compare every byte
    rm            Delete guest OS images
  ~
  'dstack os COMMAND --help' says more about one of them.
