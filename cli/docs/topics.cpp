#include "cli/docs/topics.hpp"

namespace dstack::cli {

namespace {

constexpr const char* environment_text =
    R"(Settings come from, each overriding the one before: built-in
defaults, /etc/dstack/dstack.toml, $XDG_CONFIG_HOME/dstack/dstack.toml, DSTACK_* variables, the
command line. `dstack config show --origin` shows the result and where each value came from.
No file in the current directory is ever read as configuration.

  DSTACK_CONFIG       a configuration file that replaces both files above
  DSTACK_TOOLS_DIR    a directory searched first for programs such as qemu-system-x86_64
  NO_COLOR            no colours; so does TERM=dumb
  COLUMNS             width of help and progress
  CI                  when set, dstack never asks a question
  HTTPS_PROXY, HTTP_PROXY, NO_PROXY
                      proxies for registries and package mirrors
  TMPDIR              where temporary files go

Files follow the XDG base directories:

  $XDG_CONFIG_HOME/dstack   configuration        (~/.config/dstack)
  $XDG_DATA_HOME/dstack     guest OS images      (~/.local/share/dstack)
  $XDG_STATE_HOME/dstack    VMs and their disks  (~/.local/state/dstack)
  $XDG_CACHE_HOME/dstack    what can be fetched again (~/.cache/dstack)

Secrets are never read from the environment or the command line, only from files.)";

constexpr const char* exit_codes_text =
    R"(A script can tell "the answer is no" from "could not find out".

  0    done, or true
  1    could not do it, or could not decide: files, network, timeouts; trying again may help
  2    wrong command line or configuration
  3    the answer is no: bytes do not match what they should be, or a rule forbids it
  4    input that does not follow its format, or that dstack cannot work with
  6    a difference was found (diagnose; diff --exit-code, kms policy diff --exit-code)
  8    the time to wait ran out; the VM keeps running (deploy --wait-timeout)
  9    another dstack command is changing the same VM; its process is named
  70   a mistake in dstack itself: please report it
  128+n  ended by signal n (130 is Ctrl-C)

With --json a failure is one line on stderr, {"error":{"code":"…","message":"…"}}, and stdout stays
empty.)";

constexpr const char* policy_text =
    R"(A policy says what evidence `dstack verify` accepts. Two are built in:

  strict       TCB status UpToDate or SWHardeningNeeded, no weakening attribute (the default)
  permissive   every TCB status but Revoked, every attribute but debug

A policy file is TOML; --policy FILE reads it. Every key is optional, unknown ones are refused, and
an empty list under [app] or [registers] asks for nothing.

  base = "strict"              where to start from, or "permissive"
  allow_simulated = false      evidence of the simulated TEE
  require_revocation = true    refuse SEV-SNP reports when AMD's revocation list is not at hand

  [tcb]
  accept = ["UpToDate"]        statuses by Intel's names (AMD: UpToDate, OutOfDate)
  grace_days = 14              how long an OutOfDate TCB is accepted after a newer one was published
  min_evaluation_number = 17   of TCB info and QE identity (tcbEvaluationDataNumber)

  [advisories]
  refuse = ["INTEL-SA-00837"]  refused when one of these applies
  accept = []                  when given: refused when any other applies

  [attributes]
  accept = ["debug"]           debug, tud-other, sept-ve-disable-clear, migratable,
                               td-attributes-reserved, mr-service-td

  [freshness]
  max_collateral_age_days = 30

  [app]                        lists of hex; one of each must be what the evidence proves
  app_ids, instance_ids, compose_hashes, os_image_hashes
  key_providers = ["kms:3059…"]    kms, local-sgx, tpm, none, with or without :id

  [registers]                  mrtd, rtmr0 to rtmr3, mrseam, mrenclave, mrsigner, measurement
  mrtd = ["f06d…"]

The OS image hash in evidence is a claim of the guest until --image compares the registers with
the image's own. examples/ci-verify/ holds a policy in use.)";

constexpr const char* kms_policy_text =
    R"(The policy of a KMS says who gets keys. It is a TOML file that the KMS reads anew whenever it
changes; a file that cannot be read changes nothing. What is not named is refused, and an empty
list names nothing: "any" has to be written. Hashes and ids are hex, in either case.

  gateway_app_id = ""          the gateway apps should know, or "any"
  retired_epochs = []          key epochs nobody gets keys of any more
  rules = "file"               whose rules decide: file, webhook, chain, or both, which is
                               what a webhook or contract means by itself: it must agree

  [webhook]                    an authorisation server of the published interface
  url = "http://127.0.0.1:8001"
  timeout_ms = 5000            no answer by then is a refusal

  [chain]                      or a DstackKms contract
  rpc = "https://…"            an Ethereum node. It is believed: better one of your own
  contract = "0x…"
  chain_id = 8453              another one is a refusal
  confirmations = 0            read that many blocks below the newest; many nodes know the last 128
  timeout_ms = 5000            for all that is asked about one caller

  [evidence]                   holds whoever decides
  simulated = false            evidence of a simulated TEE
  tee = ["dstack-tdx"]         and "dstack-amd-sev-snp"
  tcb = ["UpToDate"]           accepted TCB statuses; "*" is any but Revoked
  advisories = []              accepted advisory ids; "*" is any

  [[image]]                    'dstack kms policy allow-image' writes it
  name = "dstack-0.6.0"
  hash = "…"                   os_image_hash
  mrtd = ["…"]                 values each register may have; MRTD, RTMR1 and RTMR2 must be stated,
  rtmr0 = ["…"]                RTMR0 counts when it is
  rtmr1 = ["…"]
  rtmr2 = ["…"]
  measurement = ["…"]          SEV-SNP

  [kms]                        who may be a KMS, and so gets the root keys
  mr_aggregated = ["…"]        or "any", for development
  devices = ["…"]              or "any"

  [[app]]                      'dstack kms policy allow-app' writes it
  id = "…"
  name = "shop"
  compose = ["…"]              compose hashes of the versions that may run
  devices = "any"              or a list
  epoch = 0                    of its keys; 0 is the compatible derivation

With rules = "webhook" the webhook is asked about apps, images and devices, and of the file count
[evidence], the registers of each [[image]], and epochs; tcb and advisories are then the webhook's
to judge unless they are given. With rules = "chain" the contract is asked instead, and tcb and
advisories stay as above: contracts need not look at them. A policy only says who gets keys from now
on: what was given out stays given out.

  dstack kms policy check policy.toml                            errors and warnings
  dstack kms policy explain policy.toml --attestation att.json   every rule, for one caller
  dstack kms policy diff old.toml new.toml                       what becomes wider or tighter)";

constexpr const char* keys_text =
    R"(An app has a key for its disk, one that everything of GetKey follows from, and, with a KMS, one
for encrypted variables. They follow from its key provider, which is part of what is measured:

  none     the TEE's own where it keeps some, else new ones at each boot, and the data disk starts
           empty
  local    an SGX enclave beside the VM: the same keys on this machine alone
  kms      a KMS that gives them to this app alone, after it has verified what the VM measured: the
           same on any host. Each instance has its own disk key; the others are the app's

With a KMS the app names whose keys it takes: the public key of the KMS' root (key_provider_id). A
VM compares it before it sends anything, so a host cannot offer another KMS.

  dstack deploy --kms https://kms.example.com:8000 --kms-root root-ca.crt
  dstack deploy --kms https://127.0.0.1:8000 --kms-dir kms   a KMS of yours: root and policy are at
                                                             hand, and the app is allowed in it
  dstack deploy --kms URL                the root is the one the KMS shows now; it is printed
  dstack deploy --kms URL1,URL2          the first that gives keys

127.0.0.1 and localhost reach the VM as 10.0.2.2, where it sees this machine; the certificate of the
KMS must be for that address (a new KMS' is).

Secrets reach an app encrypted:

  dstack deploy --kms URL --env-file secrets.env

The file's values are encrypted here for a key that the KMS gives to this app's VMs alone, and that
it signed for the app a moment ago. The names become part of the measured app (allowed_envs): the
VM drops others. The compose file finds them as variables (${NAME}), and scripts in their
environment. A blob that cannot be decrypted stops the boot. Whoever knows the app's public key can
encrypt for it, and the host can keep an older blob: names are the app's, values the deployer's.

`dstack update` keeps KMS, root and variables; --kms and --env-file replace addresses and
variables. It refuses another root: no other keys open the app's data.)";

constexpr const char* formatting_text =
    R"(Results go to stdout; progress, remarks and errors go to stderr.

With --json stdout holds exactly one JSON document. Its "schema" field, such as dstack.ps/1, names
its shape: new fields may be added to it, and a change of meaning gets a new number. Streams
(logs --json, events) print one JSON document a line.

Sizes take K, M, G and T, in powers of 1024 (512M, 1.5G). Times take ms, s, m and h (90s, 5m); a
bare number is seconds. Points in time are printed in UTC, ISO 8601. Digests are lower-case
hexadecimal.

Colours and redrawn lines appear only on a terminal, and never carry meaning alone: see
`dstack help environment`, --color and --quiet.)";

constexpr const char* simulated_text =
    R"(A confidential VM needs a processor with a trusted execution
environment (TEE), such as Intel TDX. Without one, dstack simulates it, so that the same app, the
same boot and the same tools work on any machine.

What is simulated: the supervisor of the VM plays the TEE. It computes the measurements from the
image as dstack predicts them, keeps the measurement register the guest extends, and signs quotes
with a development key made on this machine. The disk key comes from the supervisor, too.

What that means: nothing is confidential. The host can read the memory and the disk of the VM, and
can sign any quote. Everything that shows evidence carries the word "simulated", and a verifier
that knows only the real trust anchors refuses it.

What is real: the app bundle and its hash, the pinned image digests, the guest OS and its verified
root file system, the order of boot events.

  dstack deploy --tee sim    simulate, whatever the hardware
  dstack deploy --tee tdx    fail rather than simulate
  dstack doctor --tee tdx    what is missing for real TDX)";

constexpr const char* trust_text = R"(What an app in a dstack VM rests on:

The compose file you deploy is written into app-compose.json together with every setting that
matters. Its SHA-256 is the compose hash; the first 20 bytes of the first one are the app id. Image
tags are resolved to digests and pinned before that, so the hash also decides which images run.

The guest OS image is named by the hash of its file list (os_image_hash). The kernel, the initramfs
and the kernel command line are measured by the TEE; the command line holds the root hash of the
read-only file system, which the kernel checks block by block.

On boot the guest measures the compose hash, the app id, the instance id and the OS into a register
that can only be extended. A quote signed by the TEE shows that register; anyone can recompute it.

The host is not trusted: it can stop the VM, but not read it or change what runs without changing
the measurements. In a simulated VM this does not hold: see `dstack help simulated`.

Environment files are part of the measured bundle: readable by whoever sees the bundle, and no
place for secrets. Those are encrypted for the app: see `dstack help keys`.)";

} // namespace

const std::vector<Topic>& help_topics()
{
  static const std::vector<Topic> topics{
      {"environment", "Variables and files dstack reads", environment_text},
      {"exit-codes", "What each exit status means", exit_codes_text},
      {"formatting", "Output, JSON, units", formatting_text},
      {"keys", "Where an app's keys and secrets come from", keys_text},
      {"kms-policy", "Who gets keys from a KMS", kms_policy_text},
      {"policy", "What evidence `dstack verify` accepts", policy_text},
      {"simulated", "What a simulated TEE is and is not", simulated_text},
      {"trust", "What an app in a VM rests on", trust_text}};
  return topics;
}

const Topic* find_topic(std::string_view name)
{
  for (const Topic& topic : help_topics())
    if (topic.name == name) return &topic;
  return nullptr;
}

} // namespace dstack::cli
