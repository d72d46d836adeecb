$ dstack ps
  NAME  ID  STATUS  TEE  APP ID  STARTED  URLS
$ dstack ps -a -q
$ dstack ps --json
  {
    "schema": "dstack.ps/1",
    "vms": []
  }
# A directory left by a command that was killed is no VM.
$ mkdir -p .local/state/dstack/vms/.new-aaaaaaaaaaaa
$ $TESTS/make-vm hello
$ $TESTS/make-vm shop cafecafecafe
$ dstack ps
  NAME  ID  STATUS  TEE  APP ID  STARTED  URLS
! 2 not running: dstack ps -a
$ dstack ps -a
  NAME   ID            STATUS   TEE        APP ID        STARTED               URLS
  hello  0123456789ab  stopped  simulated  111111111111  DATE  http://127.0.0.1:8080
  shop   cafecafecafe  stopped  simulated  111111111111  DATE  http://127.0.0.1:8080
$ dstack ps -a -q
  0123456789ab
  cafecafecafe
$ dstack ps -a --no-trunc
  NAME   ID            STATUS   TEE        APP ID                                    STARTED               URLS
  hello  0123456789ab  stopped  simulated  1111111111111111111111111111111111111111  DATE  http://127.0.0.1:8080
  shop   cafecafecafe  stopped  simulated  1111111111111111111111111111111111111111  DATE  http://127.0.0.1:8080
$ dstack ps -a --json | head -n 12
  {
    "schema": "dstack.ps/1",
    "vms": [
      {
        "id": "ID",
        "name": "hello",
        "status": "stopped",
        "running": false,
        "simulated": true,
        "app_name": "hello",
        "app_id": "1111111111111111111111111111111111111111",
        "instance_id": "3333333333333333333333333333333333333333",
# A damaged VM is shown, not hidden.
$ echo broken > .local/state/dstack/vms/cafecafecafe/vm.json
$ dstack ps -a
  NAME          ID            STATUS   TEE        APP ID        STARTED               URLS
  cafecafecafe  cafecafecafe  damaged  simulated                DATE
  hello         0123456789ab  stopped  simulated  111111111111  DATE  http://127.0.0.1:8080
! dstack: warning: cafecafecafe: vm.json: JSON: syntax error at byte 1
