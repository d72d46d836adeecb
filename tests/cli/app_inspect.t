$ printf 'services:\n  web:\n    image: hello:1\n' > compose.yaml
$ dstack app pack compose.yaml --app-name demo --no-pin -q -o demo.bundle
  97bf08fd8efe8f68b45feb474cbcc10a52b0e8cf0e86191041a1a8d124fad6b2  demo.bundle
! dstack: warning: --no-pin: tags are not resolved; the compose hash does not say which images run, and a registry can change them
$ dstack app inspect demo.bundle
  name          demo
  app id        97bf08fd8efe8f68b45feb474cbcc10a52b0e8cf
  compose hash  97bf08fd8efe8f68b45feb474cbcc10a52b0e8cf0e86191041a1a8d124fad6b2
  runner        docker-compose
  key provider  none
  SERVICE  IMAGE
  web      hello:1
$ dstack app inspect demo.bundle --json | head -n 8
  {
    "schema": "dstack.app.inspect/1",
    "name": "demo",
    "app_id": "97bf08fd8efe8f68b45feb474cbcc10a52b0e8cf",
    "compose_hash": "97bf08fd8efe8f68b45feb474cbcc10a52b0e8cf0e86191041a1a8d124fad6b2",
    "runner": "docker-compose",
    "key_provider": "none",
    "services": [
$ dstack app inspect compose.yaml
! dstack: error: compose.yaml: app-compose: JSON: syntax error at byte 1
? 4
