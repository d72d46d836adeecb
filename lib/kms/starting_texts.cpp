/// The two files that a new KMS starts with.

#include "base/text.hpp"
#include "codec/toml_text.hpp"
#include "kms/settings.hpp"

namespace dstack::kms {

using codec::toml_text;

namespace {

std::string custody_text(const Settings& s)
{
  std::string out = fmt::format(R"(
[custody]
# The passphrase of a root that has one, in a file that only its owner can read. Empty: give it with
# 'dstack kms run --passphrase-file'. A root of custodians needs none: their shares come in through
# 'dstack kms unseal'.
passphrase_file = {}
)",
                                toml_text(s.passphrase_file));
  if (s.custodian_peers.empty())
    return out + R"(# Another KMS that holds a share for this one is asked for it at start:
# [[custody.peer]]
# name = "kms-2"                        # the custodian's name, as in 'dstack kms init --custodian'
# url = "https://kms-2.example.com:8000"
)";
  for (const CustodianPeer& peer : s.custodian_peers)
    out += fmt::format("[[custody.peer]]\nname = {}\nurl = {}\n", toml_text(peer.name),
                       toml_text(peer.url));
  return out;
}

constexpr std::string_view policy_rest = R"(
# A KMS asks nobody but this file, unless a webhook or a contract is named: then both must agree,
# or, with 'rules = "webhook"' or 'rules = "chain"' in the first line, it decides alone.
# [webhook]
# url = "http://127.0.0.1:8001"
# [chain]                               # a DstackKms contract
# rpc = "http://127.0.0.1:8545"         # an Ethereum node, which is believed: better your own
# contract = "0x…"
# chain_id = 8453

# The OS images that get keys, with the registers they give. 'dstack os inspect' shows the values of
# an image, 'dstack kms policy allow-image' writes them here. An image without them is refused: what a
# VM says it runs could not be checked.
# [[image]]
# name = "dstack-0.1"
# hash = "9d0f…"                         # os_image_hash
# mrtd = ["…"]
# rtmr1 = ["…"]
# rtmr2 = ["…"]

# The apps. A changed compose file is another hash: 'dstack app hash' shows it, 'dstack deploy' adds
# it for a KMS of yours.
# [[app]]
# id = "1c5e…"
# name = "shop"
# compose = ["…"]
)";

} // namespace

std::string settings_text(const Settings& s)
{
  std::string out = fmt::format(
      R"(# How this KMS runs. Unknown keys are errors. Paths are relative to this directory. Who gets keys is
# written in the policy file.

# true: a development arrangement, which clients are told.
development = {}

# Address and port of the HTTPS server that VMs ask.
listen = {}
# The names and addresses it is asked under; the first is the certificate's common name. VMs of
# this machine reach it as 10.0.2.2.
domains = {}

# Where this KMS gets its own attestation: the guest agent's socket ("unix:/var/run/dstack.sock") or
# "http://…". Empty: DSTACK_AGENT_ADDRESS, then the usual sockets.
agent = {}

policy_file = {}
# Every decision, each line chained to the one before: 'dstack kms audit verify'.
audit_file = {}
# For 'dstack kms status', 'lock' and the like; only its owner can connect.
admin_socket = {}
# GET /metrics, for everybody who can reach the server.
metrics = {}

# Keys for AMD SEV-SNP guests. The policy's evidence.tee must name them, too.
release_sev_snp = {}
# The policy's [kms] must allow this KMS itself. false is for development only.
self_authorization = {}
# The server's certificate carries an attestation. false is for development only: no other KMS can
# onboard from this one.
attest_rpc_certificate = {}
# How old this KMS' own attestation gets before it takes another one.
self_refresh = {}
)",
      s.development, toml_text(to_text(s.listen)), toml_text(s.domains), toml_text(s.agent),
      toml_text(s.policy_file), toml_text(s.audit_file), toml_text(s.admin_socket), s.metrics,
      s.release_sev_snp, s.self_authorization, s.attest_rpc_certificate, toml_text(s.self_refresh));
  out += custody_text(s);
  out += fmt::format(R"(
[collateral]
# What vendors publish about their hardware is fetched, and kept in the directory. Empty: Intel's
# and AMD's own services.
pccs_url = {}
kds_url = {}
directory = {}
# true: nothing is fetched.
offline = {}
# Development only: the directory of a simulated TEE whose root counts where the policy allows
# simulated evidence.
simulated_tee = {}
)",
                     toml_text(s.collateral.pccs_url), toml_text(s.collateral.kds_url),
                     toml_text(s.collateral.directory), s.collateral.offline,
                     toml_text(s.collateral.simulated_tee));
  out += fmt::format(R"(
[limits]
connections = {}
per_address = {}           # connections from one address; 0 is no limit
requests_per_minute = {}   # from one address; 0 is no limit
workers = {}               # threads that verify and derive; 0: two a processor, at least 8
queue = {}                 # requests that wait for one of them
request = {}               # for a handshake, and for a request
)",
                     s.limits.connections, s.limits.per_address, s.limits.requests_per_minute,
                     s.limits.workers, s.limits.queue, toml_text(s.limits.request));
  return out;
}

std::string policy_text(Arrangement arrangement)
{
  constexpr std::string_view production =
      R"(# Who gets keys. What is not named here is refused, and at first nothing is named.
# 'dstack kms policy check' reads it as the KMS does, 'explain' says what it decides. Changes count
# at once; a file with a mistake does not: the last good one stays.

[evidence]
simulated = false             # evidence of a simulated TEE proves nothing
tee = ["dstack-tdx"]          # also: "dstack-amd-sev-snp"
tcb = ["UpToDate"]            # as the vendor judges the platform
advisories = []               # accepted ones; ["*"] is any

# The systems that may be a KMS: this one itself, and those that take its root over.
# 'dstack kms status' shows the values of this one. "any" is for development only.
[kms]
mr_aggregated = []
devices = []
)";
  constexpr std::string_view development =
      R"(# DEVELOPMENT POLICY: SIMULATED EVIDENCE IS ALLOWED. Whoever can reach this KMS can make up a VM that
# gets every key of the apps named below, and any system may take over its root. Never put keys of
# worth behind it.
#
# What is not named here is refused. 'dstack kms policy check' reads it as the KMS does, 'explain'
# says what it decides. Changes count at once; a file with a mistake does not: the last good one
# stays.

[evidence]
simulated = true              # DEVELOPMENT ONLY
tee = ["dstack-tdx"]          # also: "dstack-amd-sev-snp"
tcb = ["UpToDate"]            # as the vendor judges the platform
advisories = []               # accepted ones; ["*"] is any

# The systems that may be a KMS: this one itself, and those that take its root over.
[kms]
mr_aggregated = "any"         # DEVELOPMENT ONLY
devices = "any"               # DEVELOPMENT ONLY
)";
  std::string out{arrangement == Arrangement::development ? development : production};
  return out += policy_rest;
}

} // namespace dstack::kms
