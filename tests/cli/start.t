$ dstack start nobody
! dstack: error: no VM 'nobody'
? 1
$ $TESTS/make-vm hello
$ dstack start --dry-run hello
! would start hello
# The image is gone: nothing is left running.
$ dstack start hello
! dstack: error: start hello: image dstack-0.0.1: open $WORK/.local/share/dstack/images/dstack-0.0.1/metadata.json: No such file or directory
? 1
$ dstack ps -a
  NAME   ID            STATUS  TEE        APP ID        STARTED               URLS
  hello  0123456789ab  failed  simulated  111111111111  DATE  http://127.0.0.1:8080
