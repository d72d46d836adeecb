$ h() { printf "$1%.0s" $(seq $2); }; printf '[[image]]\nname = "v1"\nhash = "%s"\n[[app]]\nid = "%s"\nname = "shop"\ncompose = ["%s"]\n' $(h f1 32) $(h a1 20) $(h c1 32) >old.toml
$ { echo '# the same in other words'; sed 's/f1/F1/g' old.toml; } >same.toml; dstack kms policy diff old.toml same.toml --exit-code
! both mean the same
$ { printf '[evidence]\nsimulated = true\n'; sed 's/c1/c2/g' old.toml; printf 'devices = []\n'; } >new.toml; dstack kms policy diff old.toml new.toml
  wider    ~ evidence.simulated: false -> true
  tighter  - app a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1 (shop): compose: c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1
  wider    + app a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1 (shop): compose: c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2c2
  tighter  ~ app a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1 (shop): devices: any -> []
$ dstack kms policy diff old.toml new.toml --exit-code -q
? 6
$ dstack kms policy diff old.toml same.toml --json
  {
    "schema": "dstack.kms.policy.diff/1",
    "file": "same.toml",
    "changes": []
  }
! both mean the same
$ dstack kms policy diff new.toml old.toml --json | python3 -c 'import json,sys; print([c["effect"] for c in json.load(sys.stdin)["changes"]])'
  ['tighter', 'tighter', 'wider', 'wider']
$ dstack kms policy diff old.toml
! dstack: error: NEW is missing
? 2
$ dstack kms policy diff old.toml missing.toml
! dstack: error: open missing.toml: No such file or directory
? 1
