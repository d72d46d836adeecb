# A certificate of the simulator: decoded, not judged.
$ dstack simulate --directory s -- curl -sf --unix-socket s/dstack.sock -d '{"subject":"web.example","usage_ra_tls":true,"with_app_info":true,"not_before":1700000000,"not_after":1800000000}' http://localhost/GetTlsKey | python3 -c 'import json,sys; sys.stdout.write(json.load(sys.stdin)["certificate_chain"][0])' >leaf.pem
$ dstack ra-tls show leaf.pem | sed 's/^\(report data *\).*/\1HASH/; s/([0-9]* bytes)/(N bytes)/g'
  subject                /CN=web.example
  valid from             DATE
  valid to               DATE
  extensions             .9 (N bytes), .4 (N bytes), .8 (N bytes), .1 (N bytes), .2 (N bytes)
  usage                  app:custom
  attestation            dstack-tdx
  report data            HASH
  binds this key         yes
  app id                 5bb4ff9a3837357f19dc176407a5709c62eb6c56
  compose hash           f1c2a1a1d0095a1bd4e5abdd3b584825c01e7c78f50db36cec0cf6f6895ac21a
  instance id            90036adb8321ad8db21bfafe440003cd53eb2492
  key provider           none
  stated app id          5bb4ff9a3837357f19dc176407a5709c62eb6c56
  stated compose hash    f1c2a1a1d0095a1bd4e5abdd3b584825c01e7c78f50db36cec0cf6f6895ac21a
  stated instance id     90036adb8321ad8db21bfafe440003cd53eb2492
  stated OS image hash   574a0dc39864fa0a1a95e46eac1e96ece2f466883f1f2ad7810d7c210c6d73f3
  stated key provider    {"name":"none","id":""}
  SIMULATED: no TEE hardware vouches for this
! decoded, not verified: 'dstack verify' judges
$ dstack ra-tls show - --json <leaf.pem | grep -E '"(schema|verified|simulated|binds_this_key|usage|stated_app_id)"'
    "schema": "dstack.ratls.show/1",
    "verified": false,
    "simulated": true,
      "usage": "app:custom",
      "binds_this_key": "yes",
      "stated_app_id": "5bb4ff9a3837357f19dc176407a5709c62eb6c56",
$ dstack ra-tls show missing.example:1
! dstack: error: missing.example:1: https://missing.example:1/: Could not resolve host: missing.example
? 1
$ echo hello >text; dstack ra-tls show text
! dstack: error: text: no PEM block: error:0480006C:PEM routines::no start line
? 4
$ dstack ra-tls show
! dstack: error: SOURCE is missing
? 2
