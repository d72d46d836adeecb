/// What a node does for its requests: prove, decide, record.

#include "agents/kms/custody_shelf.hpp"
#include "agents/kms/node.hpp"
#include "sys/clock.hpp"

namespace dstack::kmsnode {

void Node::make_outside()
{
  prove_ = [this](const attest::Evidence& evidence, const verify::BoundData& data,
                  const kms::Policy& policy) {
    const auto prover = [this] {
      const std::lock_guard lock{prover_mutex_};
      return on_.prover;
    }();
    return prover->prove(evidence, data, kms::evidence_policy(policy), sys::now());
  };
  outside_.now = sys::now;
  outside_.prove = prove_;
  outside_.decide = [this](const kms::Policy& policy, kms::Role role, const kms::BootInfo& info) {
    return judge_.decide(policy, role, info);
  };
  outside_.webhook_info = [this](const kms::Policy& policy) { return judge_.webhook_info(policy); };
  outside_.record = [this](const kms::AuditRecord& record) {
    return audit_->append(record, sys::now());
  };
  outside_.replicated = [this](const kmsapi::State& state, const kmsapi::Caller& caller,
                               const kms::BootInfo& info) {
    kms::ReplicationEntry entry;
    entry.event = kms::ReplicationEvent::joined;
    entry.about = caller.address;
    entry.spki = crypto::sha256(caller.spki);
    entry.who = info;
    entry.epoch = state.root->open.current_epoch();
    return replication_->append(std::move(entry), state.root->material.root.k256, sys::now());
  };
  outside_.held_share = [directory = below("held")](ByteView cluster) {
    return held_share(directory, cluster);
  };
}

} // namespace dstack::kmsnode
