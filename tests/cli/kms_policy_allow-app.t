$ printf '# who gets keys\n[evidence]\nsimulated = true # until the machine is here\n' >policy.toml; chmod 600 policy.toml
$ echo '{"manifest_version":2,"name":"shop","runner":"docker-compose","docker_compose_file":"services: {a: {image: a}}","kms_enabled":true}' >v1.json; sed 's/image: a/image: b/' v1.json >v2.json
# A new app, with the id and name it has by itself.
$ dstack kms policy allow-app policy.toml --compose v1.json --dry-run
  wider    + app fc421f45f442f25e06b6183e2df0a40c79a95aa8 (shop)
  wider    + app fc421f45f442f25e06b6183e2df0a40c79a95aa8 (shop): compose: fc421f45f442f25e06b6183e2df0a40c79a95aa8547e0c457633004dd8755915
! policy.toml: nothing was changed
$ dstack kms policy allow-app policy.toml --compose v1.json --epoch 1; cat policy.toml; stat -c %a policy.toml
  wider    + app fc421f45f442f25e06b6183e2df0a40c79a95aa8 (shop)
  wider    + app fc421f45f442f25e06b6183e2df0a40c79a95aa8 (shop): compose: fc421f45f442f25e06b6183e2df0a40c79a95aa8547e0c457633004dd8755915
  # who gets keys
  [evidence]
  simulated = true # until the machine is here
  ~
  [[app]]
  id = "fc421f45f442f25e06b6183e2df0a40c79a95aa8"
  name = "shop"
  compose = ["fc421f45f442f25e06b6183e2df0a40c79a95aa8547e0c457633004dd8755915"]
  epoch = 1
  600
$ dstack kms policy allow-app policy.toml --compose v1.json
! policy.toml: everything is there already
# Another version of it.
$ id=$(grep -o '^id = "[0-9a-f]*' policy.toml | cut -c 7-); dstack kms policy allow-app policy.toml --id $id --compose v2.json --json; cat policy.toml
  {
    "schema": "dstack.kms.policy.edit/1",
    "file": "policy.toml",
    "changes": [
      {
        "effect": "wider",
        "what": "app fc421f45f442f25e06b6183e2df0a40c79a95aa8 (shop): compose",
        "before": null,
        "after": "0025623c0dce6a2f842699d4d0506358b5e1c689cf59d558e00541e0a1e7c108"
      }
    ]
  }
  # who gets keys
  [evidence]
  simulated = true # until the machine is here
  ~
  [[app]]
  id = "fc421f45f442f25e06b6183e2df0a40c79a95aa8"
  name = "shop"
  compose = ["0025623c0dce6a2f842699d4d0506358b5e1c689cf59d558e00541e0a1e7c108", "fc421f45f442f25e06b6183e2df0a40c79a95aa8547e0c457633004dd8755915"]
  epoch = 1
$ dstack kms policy allow-app policy.toml --compose $(printf 'c1%.0s' $(seq 32))
! dstack: error: which app? give --id, or --compose with a file to take it from
? 2
$ dstack kms policy allow-app policy.toml --id 00 --compose $(printf 'c1%.0s' $(seq 32))
! dstack: error: app id '00' is not 20 bytes of hex
? 2
$ dstack kms policy allow-app policy.toml --compose nosuch.json
! dstack: error: --compose: open nosuch.json: No such file or directory
? 1
$ dstack kms policy allow-app nosuch.toml --compose v1.json
! dstack: error: open nosuch.toml: No such file or directory
? 1
$ echo 'app = [{ id = "a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1", compose = [] }]' >inline.toml; dstack kms policy allow-app inline.toml --compose v1.json
! dstack: error: policy inline.toml: written in a way that cannot be edited here; add it by hand
? 4
