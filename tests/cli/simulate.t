# The guest API without a VM: a command runs with the SDKs' variables set, and its status comes back.
$ dstack simulate --directory s -- sh -c 'echo "$DSTACK_SIMULATOR_ENDPOINT"; echo "$TAPPD_SIMULATOR_ENDPOINT"; exit 7'
  $WORK/s/dstack.sock
  $WORK/s/tappd.sock
? 7
$ ls s
# The published simulator's key, and an app's own: the same every time, another for another app.
$ dstack simulate --directory s -- curl -sf --unix-socket s/dstack.sock -d '{"path":"/test/path"}' http://localhost/GetKey | cut -c 1-73
  {"key":"b9fbb7171185c421c58610a2acba8ceae93623ae47815618cbad1e98fc042cb7"
$ printf 'services:\n  web:\n    image: a/b\n' >compose.yaml; ask() { dstack simulate --app "$1" --directory s -- curl -sf --unix-socket s/dstack.sock -d '{}' http://localhost/GetKey 2>err | cut -c 9-72; }; a=$(ask compose.yaml); b=$(ask compose.yaml); printf 'name: other\n' >other.yaml; cat compose.yaml >>other.yaml; c=$(ask other.yaml); [ "$a" = "$b" ] && [ "$a" != "$c" ] && [ ${#a} = 64 ] && echo same and different
  same and different
# Over TCP both APIs share a port.
$ dstack simulate --directory s --listen 127.0.0.1:0 -- sh -c 'echo "$DSTACK_SIMULATOR_ENDPOINT" | sed "s/[0-9]*$/PORT/"; curl -sf -d "{}" "$DSTACK_SIMULATOR_ENDPOINT/Version"; curl -sf -d "{}" "$TAPPD_SIMULATOR_ENDPOINT/prpc/Tappd.Version"; curl -s "$DSTACK_SIMULATOR_ENDPOINT/EmitEvent"'
  http://127.0.0.1:PORT
  {"version":"0.6.0","rev":"unknown"}{"version":"0.6.0","rev":"unknown"}{
    "error": "Service not found: EmitEvent"
  }
# What it answers is evidence of a simulated TEE, and refused unless asked for.
$ dstack simulate --directory s -- curl -sf --unix-socket s/dstack.sock -d '{"report_data":"0102"}' http://localhost/Attest >att.json
$ dstack verify att.json | head -n 1
  REFUSED: simulated root: no hardware vouches for this (--allow-simulated accepts it)
$ dstack verify att.json --allow-simulated --report-data 0102 | head -n 2
  TRUSTED
  SIMULATED: no TEE hardware vouches for this; nothing here is confidential
# An app that wants a KMS gets keys as one would derive them: the second signature is there.
$ echo '{"manifest_version":2,"name":"a","runner":"docker-compose","docker_compose_file":"services: {a: {image: a}}","kms_enabled":true}' >kms.json; dstack simulate --app kms.json --directory s -- curl -sf --unix-socket s/dstack.sock -d '{}' http://localhost/GetKey | python3 -c 'import json,sys; print([len(one) for one in json.load(sys.stdin)["signature_chain"]])'
  [130, 130]
$ dstack simulate --app kms.json --directory s -- curl -sf --unix-socket s/dstack.sock -d '{}' http://localhost/Info | grep -o 'key_provider_info":"{[^,]*'
  key_provider_info":"{\"name\":\"kms\"
$ dstack simulate --directory s --listen nowhere
! dstack: error: --listen nowhere: want ADDRESS:PORT, for example 127.0.0.1:8080
? 2
$ dstack simulate --directory s --listen 127.0.0.1:99999
! dstack: error: --listen 127.0.0.1:99999: '99999' is no port
? 2
$ dstack simulate --directory s --app missing.yaml
! dstack: error: open missing.yaml: No such file or directory
? 1
$ dstack simulate --directory s -- nosuchprogram
! dstack: error: nosuchprogram: the program 'nosuchprogram' is not installed (looked in PATH and sbin)
? 1
# A real KMS: the app must want one, and somebody must be there.
$ dstack simulate --kms https://127.0.0.1:1 --directory s -- true
! dstack: error: --kms: the app's keys come from 'none': key_provider must be kms
? 2
$ dstack simulate --app kms.json --kms https://127.0.0.1:1 --directory s -- true
! dstack: error: app keys: https://127.0.0.1:1: GetTempCaCert: 127.0.0.1: connect to 127.0.0.1:1: Connection refused
? 1
