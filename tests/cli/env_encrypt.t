# Encrypted for one key (spec guest 19); what comes out differs each time and reads back.
$ printf 'A=1\nTOKEN="two words"\n' >app.env; echo 4f3cf0a19a0444674c8e51222afd395b8df9fad2ba3cd7956f640a4b3c046db6 >env.key
$ key=4b03687002c7e0f6e8eaabea3edc108de72a06d2c2b64a3e14c34883645c7127; dstack env encrypt app.env --public-key $key -o app.enc; stat -c '%a %s' app.enc; dstack env inspect app.enc --secret-key-file env.key | tail -n 3
  600 129
  sealed         85 bytes
  A
  TOKEN
$ dstack env encrypt - --public-key 4b03687002c7e0f6e8eaabea3edc108de72a06d2c2b64a3e14c34883645c7127 <app.env >hex; dstack env inspect hex --secret-key-file env.key --show-values | tail -n 2
  A=1
  TOKEN=two words
$ dstack env encrypt app.env --json --public-key 4b03687002c7e0f6e8eaabea3edc108de72a06d2c2b64a3e14c34883645c7127 | sed 's/"encrypted_env": ".*"/"encrypted_env": "HEX"/'
  {
    "schema": "dstack.env.encrypt/1",
    "variables": 2,
    "encrypted_env": "HEX"
  }
$ dstack env encrypt app.env --public-key 4b03
! dstack: error: --public-key: 2 bytes (want 32)
? 2
$ dstack env encrypt app.env --public-key 0000000000000000000000000000000000000000000000000000000000000000
! dstack: error: an X25519 public key of small order
? 4
$ echo '9x=1' >bad.env; dstack env encrypt bad.env --public-key 4b03687002c7e0f6e8eaabea3edc108de72a06d2c2b64a3e14c34883645c7127
! dstack: error: '9x' is no variable name
? 4
$ dstack env encrypt app.env
! dstack: error: give --public-key, or --kms and --app-id
? 2
$ dstack env encrypt app.env --kms https://127.0.0.1:1 --app-id 5bb4
! dstack: error: --app-id: 2 bytes (want 20)
? 2
$ dstack env encrypt app.env --kms kms.example.com --app-id 5bb4ff9a3837357f19dc176407a5709c62eb6c56
! dstack: error: --kms: KMS URL 'kms.example.com': a KMS is asked over https only
? 2
$ dstack env encrypt app.env --kms https://127.0.0.1:1 --app-id 5bb4ff9a3837357f19dc176407a5709c62eb6c56
! dstack: error: KMS: https://127.0.0.1:1: GetTempCaCert: 127.0.0.1: connect to 127.0.0.1:1: Connection refused
? 1
