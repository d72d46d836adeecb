# A KMS in a VM. What is wrong is said before anything starts.
$ dstack kms deploy
! dstack: error: --policy is missing
? 2
$ printf '[evidence]\nsimulated = true\n' >policy.toml; dstack kms deploy --policy policy.toml
! dstack: error: --custodian is missing: who can open the root when the VM starts again? Each makes a key: 'dstack kms share key FILE'
? 2
$ dstack kms deploy --policy policy.toml --custodian alice --threshold 1
! dstack: error: --custodian alice: the share leaves the VM, so it needs a key that it is sealed to: alice=KEY, of 'dstack kms share key'
? 2
$ for name in alice bob carol; do dstack kms share key $name.key >$name.pub; done; dstack kms deploy --policy policy.toml --custodian alice=$(cat alice.pub)
! dstack: error: --threshold: how many of the custodians open the root (want 1 to 1)
? 2
$ dstack kms deploy --policy policy.toml --custodian alice=$(cat alice.pub) --threshold 2
! dstack: error: --threshold: how many of the custodians open the root (want 1 to 1)
? 2
$ dstack kms deploy --policy policy.toml --custodian alice=$(cat alice.pub) --threshold 1 --join http://kms
! dstack: error: --join: KMS URL 'http://kms': a KMS is asked over https only
? 2
$ dstack kms deploy --policy policy.toml --custodian alice=$(cat alice.pub) --threshold 1 --domain 'not a name'
! dstack: error: --domain: 'not a name' is no domain: letters, digits and inner hyphens only
? 2
$ printf '[webhook]\nurl = "https://user:word@example.com/"\n' >hook.toml; dstack kms deploy --policy hook.toml --custodian alice=$(cat alice.pub) --threshold 1
! dstack: error: hook.toml: the webhook's address may hold credentials, and the policy becomes part of what is measured: anybody can read it
? 2
$ printf '[chain]\nrpc = "https://rpc.example.com/v3/KEY"\ncontract = "0x%s"\nchain_id = 1\n' $(printf 'd3%.0s' $(seq 20)) >chain.toml; dstack kms deploy --policy chain.toml --custodian alice=$(cat alice.pub) --threshold 1
! dstack: error: chain.toml: chain.rpc is more than a host and so may hold a key of its provider, and the policy becomes part of what is measured: anybody can read it
? 2
$ printf 'typo = 1\n' >bad.toml; dstack kms deploy --policy bad.toml --custodian alice=$(cat alice.pub) --threshold 1
! dstack: error: policy bad.toml: line 1: unknown key 'typo'
? 2
$ echo 'listen = "127.0.0.1:8000"' >kms.toml; dstack kms deploy --policy policy.toml --custodian alice=$(cat alice.pub) --threshold 1 --settings kms.toml
! dstack: error: kms.toml: a KMS that listens on 127.0.0.1 alone is out of reach in its VM
? 2
$ dstack kms deploy --policy policy.toml --custodian alice=$(cat alice.pub) --threshold 1 --settings kms.toml --domain kms.example.com
! dstack: error: --settings says itself which domains the KMS has: --domain is for the usual settings
? 2
# The policy has to allow the KMS itself: its image, its machine, its TEE.
$ $TESTS/mini-image .local/share/dstack/images/dstack-0.0.1
$ echo 'dstack kms deploy --policy policy.toml --custodian alice=$(cat alice.pub) --custodian bob=$(cat bob.pub) --threshold 2 --tee sim --port 47821:8000 --dry-run "$@"' >deploy; sh ./deploy 2>&1 | sed -E 's/[0-9a-f]{40,}/HEX/'
  app id       HEX
  compose hash HEX
  simulated: asked for; nothing here is confidential
  dstack: error: policy.toml: the policy does not allow the image that the KMS itself runs on
    'dstack kms policy allow-image policy.toml dstack-0.0.1' does
$ printf '[[image]]\nhash = "%s"\n' $(dstack os inspect dstack-0.0.1 --json | python3 -c 'import json,sys; print(json.load(sys.stdin)["os_image_hash"])') >>policy.toml; sh ./deploy 2>&1 | sed -E 's/[0-9a-f]{40,}/HEX/'
  app id       HEX
  compose hash HEX
  simulated: asked for; nothing here is confidential
  dstack: error: policy.toml: [kms] devices names no machine, so the KMS would refuse to work on this one
    'dstack kms policy allow-kms policy.toml --device HEX' adds its device id
$ printf '[kms]\ndevices = "any"\n' >>policy.toml; sh ./deploy 2>&1 | sed -E 's/[0-9a-f]{40,}/HEX/'
  app id       HEX
  compose hash HEX
  simulated: asked for; nothing here is confidential
  dstack: warning: a development arrangement: the TEE is simulated, so no hardware vouches for this KMS, and this host can read its root
  would create the VM kms and start it
  http://127.0.0.1:47821
$ sed -i 's/simulated = true/simulated = false/' policy.toml; sh ./deploy 2>&1 | sed -E 's/[0-9a-f]{40,}/HEX/'
  app id       HEX
  compose hash HEX
  simulated: asked for; nothing here is confidential
  dstack: error: policy.toml: the TEE of this machine is simulated, and [evidence] does not allow that: the KMS would refuse itself
# Settings, policy and custodians are in what is measured, and the image is pinned.
$ sed -i 's/simulated = false/simulated = true/' policy.toml; sh ./deploy --json 2>/dev/null >plan.json; python3 -c 'import json; plan=json.load(open("plan.json")); app=json.loads(plan["app_compose"]); print(plan["schema"], plan["vm"]["name"], app["key_provider"], app["no_instance_id"]); print(app["docker_compose_file"])' >app; sed -E 's/[0-9a-f]{64}/HEX/g; /^( {8}|$)/d' app; grep -A 6 KMS_POLICY app | sed -E 's/[0-9a-f]{64}/HEX/g'
  dstack.deploy.plan/1 kms local True
  # Made by 'dstack kms deploy'.
  services:
    kms:
      image: dstack-kms:0.1.0@sha256:HEX
      restart: always
      read_only: true
      cap_drop: [ALL]
      ulimits: {memlock: -1}
      security_opt: ["no-new-privileges:true"]
      stop_grace_period: 15s
      ports: ["8000:8000"]
      volumes:
        - data:/kms
        - /var/run/dstack.sock:/var/run/dstack.sock
      environment:
        DSTACK_KMS_ROOT: |2
        DSTACK_KMS_SETTINGS: |2
        DSTACK_KMS_POLICY: |2
        DSTACK_KMS_SIMULATED_TEE: |2
  volumes:
    data:
        DSTACK_KMS_POLICY: |2
          [evidence]
          simulated = true
          [[image]]
          hash = "HEX"
          [kms]
          devices = "any"
# The same as a bundle, for another host and for updates.
$ sh ./deploy --bundle kms.bundle | sed -E 's/[0-9a-f]{64}/HEX/'; dstack app inspect kms.bundle | sed -E 's/[0-9a-f]{40,}/HEX/g'
  HEX  kms.bundle
  name          dstack-kms
  app id        HEX
  compose hash  HEX
  runner        docker-compose
  key provider  local
  images        inside the bundle
  SERVICE  IMAGE
  kms      dstack-kms:0.1.0@sha256:HEX
$ echo 'listen = "0.0.0.0:9443"' >kms.toml; sh ./deploy --settings kms.toml --json 2>/dev/null | grep -c '9443:9443'
  1
