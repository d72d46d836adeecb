$ dstack help | head -n 3
  Run Docker Compose apps in confidential VMs that prove what they run
  ~
  Usage: dstack COMMAND
$ dstack help os
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
$ dstack help stop
  Shut VMs down; their data stays
  ~
  Usage: dstack stop [OPTIONS] [VM...]
  ~
  Examples:
    dstack stop hello
        Stop one VM
    dstack stop -t 2m db web
        Give databases time to finish
  ~
  Arguments:
    VM...                       Names or ids; may be left out when there is only
                                one
  ~
  Options:
    -t, --timeout TIME          How long the guest may take before it is ended
                                [default: 30s]
    -n, --dry-run               Only say what would be done
  ~
  Common options:
    -q, --quiet                 Only what was asked for: ids, no progress
    -v, --verbose               More detail on stderr
        --no-input              Never ask; fail where an answer would be needed
        --color WHEN            Colours on terminals: auto, always, never
                                [default: auto]
        --config FILE           Read this configuration file instead of the usual
                                ones [DSTACK_CONFIG]
    -h, --help                  Show this help
  ~
  The guest is asked to shut down; its containers get their stop signals and the
  disk is closed. A guest that does not answer in time is ended. Nothing is
  deleted: 'dstack start' continues with the same data.
$ dstack help app init | head -n 3
  Write a commented compose.yaml to start from
  ~
  Usage: dstack app init [OPTIONS] [FILE]
$ dstack help exit-codes
  What each exit status means
  ~
  A script can tell "the answer is no" from "could not find out".
  ~
    0    done, or true
    1    could not do it, or could not decide: files, network, timeouts; trying again may help
    2    wrong command line or configuration
    3    the answer is no: bytes do not match what they should be, or a rule forbids it
    4    input that does not follow its format, or that dstack cannot work with
    6    a difference was found (diagnose; diff --exit-code, kms policy diff --exit-code)
    8    the time to wait ran out; the VM keeps running (deploy --wait-timeout)
    9    another dstack command is changing the same VM; its process is named
    70   a mistake in dstack itself: please report it
    128+n  ended by signal n (130 is Ctrl-C)
  ~
  With --json a failure is one line on stderr,
  {"error":{"code":"…","message":"…"}}, and stdout stays empty.
$ dstack help exit-code
! dstack: error: no help for 'exit-code'
!   did you mean 'dstack help exit-codes'?
? 2
$ dstack help simulated | head -n 5
  What a simulated TEE is and is not
  ~
  A confidential VM needs a processor with a trusted execution environment (TEE),
  such as Intel TDX. Without one, dstack simulates it, so that the same app, the
  same boot and the same tools work on any machine.
