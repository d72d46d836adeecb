$ mkdir demo; printf 'services:\n  web:\n    image: hello:1\n' > demo/compose.yaml
$ dstack app hash --no-pin demo/compose.yaml
  compose hash  97bf08fd8efe8f68b45feb474cbcc10a52b0e8cf0e86191041a1a8d124fad6b2
  app id        97bf08fd8efe8f68b45feb474cbcc10a52b0e8cf
! dstack: warning: --no-pin: tags are not resolved; the compose hash does not say which images run, and a registry can change them
$ dstack app hash --no-pin demo --json
  {
    "schema": "dstack.app.hash/1",
    "name": "demo",
    "app_id": "97bf08fd8efe8f68b45feb474cbcc10a52b0e8cf",
    "compose_hash": "97bf08fd8efe8f68b45feb474cbcc10a52b0e8cf0e86191041a1a8d124fad6b2"
  }
! dstack: warning: --no-pin: tags are not resolved; the compose hash does not say which images run, and a registry can change them
$ dstack app hash --no-pin - -q < demo/compose.yaml
  90722440c850bc69b5aff9d1d45993f53a42b2a303187ab03f0e981fa1039f2a
! dstack: warning: --no-pin: tags are not resolved; the compose hash does not say which images run, and a registry can change them
# Given bytes are hashed as they are.
$ printf '%s' '{"docker_compose_file":"services:\n  web:\n    image: nginx:1.27\n","gateway_enabled":false,"kms_enabled":false,"manifest_version":2,"name":"demo","no_instance_id":false,"public_logs":true,"public_sysinfo":true,"public_tcbinfo":true,"runner":"docker-compose","secure_time":false}' > app-compose.json
$ dstack app hash app-compose.json; sha256sum app-compose.json
  compose hash  8c1680e5d0563b96649d94cb544120550a3573a2a39c874c98ce881df4b179ce
  app id        8c1680e5d0563b96649d94cb544120550a3573a2
  8c1680e5d0563b96649d94cb544120550a3573a2a39c874c98ce881df4b179ce  app-compose.json
$ dstack app hash nosuch.yaml
! dstack: error: open nosuch.yaml: No such file or directory
? 1
$ dstack app hash nosuch.yaml --json
! {"error":{"code":"not_found","message":"open nosuch.yaml: No such file or directory"}}
? 1
# The KMS whose keys the app takes and the names of its encrypted variables are measured.
$ printf 'services:\n  web:\n    image: hello:1\n    environment:\n      T: ${TOKEN}\n' > secret.yaml; dstack app hash secret.yaml --no-pin 2>&1 | tail -n 1
  dstack: error: secret.yaml:5:10: variable TOKEN is not set; set it in the project's .env file, give a default (${TOKEN:-value}), or write $$TOKEN to leave it to the container
$ dstack app hash secret.yaml --no-pin --allow-env TOKEN --key-provider kms -q 2>/dev/null | wc -w
  1
$ dstack app hash demo --no-pin --kms-root $(printf "aa%.0s" $(seq 91)) 2>&1 | tail -n 1
  dstack: error: --kms-root is for --key-provider kms
