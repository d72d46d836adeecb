#include "vault/rotation.hpp"

namespace dstack::vault {

Rotation add_epoch(const Vault& vault, const OpenRoot& from, ReplicationFile& log, Time now)
{
  Rotation out;
  auto next = vault.rotate(from, now.seconds());
  if (!next) {
    out.done = next.error();
    next = vault.reopen(from.sealing_key, now.seconds());
    if (!next || next->open.current_epoch() == from.open.current_epoch()) return out;
  }
  kms::ReplicationEntry entry;
  entry.event = kms::ReplicationEvent::rotated;
  entry.epoch = next->open.current_epoch();
  entry.about = fmt::format("epoch {}", entry.epoch);
  const std::uint32_t epoch = entry.epoch;
  Status written = log.append(std::move(entry), next->material.root.k256, now);
  if (out.done)
    out.done = std::move(written).within("epoch {} was added, but not written down", epoch);
  out.root = *std::move(next);
  return out;
}

} // namespace dstack::vault
