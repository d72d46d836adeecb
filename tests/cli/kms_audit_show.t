$ cp $TESTS/../fuzz/corpus/kms_audit/three.jsonl log; dstack kms audit show log
  DATE  GetAppKey         allowed  from 127.0.0.1:1
  DATE  GetAppKey         REFUSED  app 04040404 compose 05050505  SIMULATED  from 127.0.0.1:1  app not registered
  DATE  GetAppKey         allowed  app 04040404 compose 05050505  SIMULATED  epoch 1  from 127.0.0.1:1
$ dstack kms audit show log --refused
  DATE  GetAppKey         REFUSED  app 04040404 compose 05050505  SIMULATED  from 127.0.0.1:1  app not registered
$ dstack kms audit show log --app 0404 --tail 1
  DATE  GetAppKey         allowed  app 04040404 compose 05050505  SIMULATED  epoch 1  from 127.0.0.1:1
$ dstack kms audit show log --app ff
$ dstack kms audit show log --json --tail 1
  {"schema":"dstack.kms.audit/1","seq":3,"time":"DATE","event":"GetAppKey","peer":"127.0.0.1:1","role":"app","caller":{"teeVariant":"dstack-tdx","mrAggregated":"0101010101010101010101010101010101010101010101010101010101010101","osImageHash":"0202020202020202020202020202020202020202020202020202020202020202","mrSystem":"0303030303030303030303030303030303030303030303030303030303030303","appId":"0404040404040404040404040404040404040404","composeHash":"0505050505050505050505050505050505050505050505050505050505050505","instanceId":"0606060606060606060606060606060606060606","deviceId":"0707070707070707070707070707070707070707070707070707070707070707","keyProviderInfo":"7b7d","tcbStatus":"UpToDate","advisoryIds":["INTEL-SA-1"],"simulated":true,"registers":{"mrtd":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}},"allowed":true,"epoch":1,"details":{"policy":"0000000000000000000000000000000000000000000000000000000000000000"},"prev":"2d4d481898ef9357353cd97d6c49fb5a83893254d91a0078d1e3109362c63abe"}
# What a KMS once saw, against the rules of today.
$ dstack kms audit show log --json --tail 1 >asked.json; touch policy.toml; dstack kms policy explain policy.toml --boot-info asked.json -q
  REFUSED: simulated evidence is not allowed (seen simulated)
? 3
# A broken log is shown up to its break.
$ sed '2s/app not registered/a good reason/' log >changed; dstack kms audit show changed
  DATE  GetAppKey         allowed  from 127.0.0.1:1
! dstack: error: changed: line 2: changed: its hash is 7a0e5d8f564ec72919ac3d6fc30cec80546533849d00b474c57301a887b271ca, not 2d4d481898ef9357353cd97d6c49fb5a83893254d91a0078d1e3109362c63abe
? 3
$ head -c -20 log >torn; dstack kms audit show torn --refused
  DATE  GetAppKey         REFUSED  app 04040404 compose 05050505  SIMULATED  from 127.0.0.1:1  app not registered
! dstack: warning: the last line is torn (1093 bytes)
$ echo hello >other; dstack kms audit show other
! dstack: error: other: line 1: not a record that ends in its hash
? 4
