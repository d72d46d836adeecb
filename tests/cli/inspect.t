$ dstack inspect
! dstack: error: there is no VM yet
!   'dstack deploy compose.yaml' makes one
? 1
$ $TESTS/make-vm hello
$ dstack inspect
  name          hello
  id            0123456789ab
  status        stopped
  TEE           simulated: nothing here is confidential
  app           hello
  app id        1111111111111111111111111111111111111111
  instance id   3333333333333333333333333333333333333333
  compose hash  2222222222222222222222222222222222222222222222222222222222222222
  OS image      abababababababababababababababababababababababababababababababab (dstack-0.0.1)
  machine       2 CPUs, 2G memory, 20G disk
  port          http://127.0.0.1:8080 -> 8080 in the VM
  restart       no
  created       DATE
  started       DATE
  app-compose   $WORK/.local/state/dstack/vms/0123456789ab/share/app-compose.json
  console       $WORK/.local/state/dstack/vms/0123456789ab/console.log
  ended         exited with status 0
$ dstack inspect 0123 --json | head -n 8
  {
    "schema": "dstack.inspect/1",
    "id": "ID",
    "name": "hello",
    "status": "stopped",
    "running": false,
    "simulated": true,
    "app_name": "hello",
$ dstack inspect 1111 | head -n 1
  name          hello
$ $TESTS/make-vm shop cafecafecafe
$ dstack inspect
! dstack: error: which VM? There are hello, shop
? 2
$ dstack inspect nobody --json
! {"error":{"code":"not_found","message":"no VM 'nobody'"}}
? 1
