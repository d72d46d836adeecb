$ $TESTS/make-vm hello
$ printf 'services:\n  web:\n    image: hello:2\n    ports:\n      - "8080:8080"\n' > compose.yaml
$ dstack diff hello --no-pin
  compose file
   services:
     web:
  -    image: hello:1
  +    image: hello:2
       ports:
         - "8080:8080"
  gateway_enabled: (absent) -> false
  kms_enabled: (absent) -> false
  local_key_provider_enabled: (absent) -> false
  ~
  app id        1111111111111111111111111111111111111111  stays
  compose hash  dcb74462d3066cbb16916ff8b4a3002adf60e5739f274b73477f5baa86f1d68b  now
                4f7cfb10b8b77f03ee153c998e797f8c752eb1b97bebe24a8ef87bc39176c6e0  after
  measurements  MRTD, RTMR0, RTMR1, RTMR2 stay (same OS image and machine);
                RTMR3 changes with the compose hash
! dstack: warning: --no-pin: tags are not resolved; the compose hash does not say which images run, and a registry can change them
$ dstack diff hello --no-pin --exit-code -q
! dstack: warning: --no-pin: tags are not resolved; the compose hash does not say which images run, and a registry can change them
? 6
$ dstack diff hello --no-pin --json
  {
    "schema": "dstack.diff/1",
    "name": "hello",
    "changed": true,
    "app_id": "1111111111111111111111111111111111111111",
    "compose_hash": {
      "before": "dcb74462d3066cbb16916ff8b4a3002adf60e5739f274b73477f5baa86f1d68b",
      "after": "4f7cfb10b8b77f03ee153c998e797f8c752eb1b97bebe24a8ef87bc39176c6e0"
    },
    "registers_changed": [
      "rtmr3"
    ],
    "compose": [
      {
        "change": "removed",
        "text": "    image: hello:1"
      },
      {
        "change": "added",
        "text": "    image: hello:2"
      }
    ],
    "env_files": [],
    "fields": [
      {
        "field": "gateway_enabled",
        "before": null,
        "after": false
      },
      {
        "field": "kms_enabled",
        "before": null,
        "after": false
      },
      {
        "field": "local_key_provider_enabled",
        "before": null,
        "after": false
      }
    ]
  }
! dstack: warning: --no-pin: tags are not resolved; the compose hash does not say which images run, and a registry can change them
