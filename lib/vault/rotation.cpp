#include "vault/rotation.hpp"

namespace dstack::vault {

namespace {

/// What follows an attempt to add epochs, whether it went well or not.
Rotation written_down(const Vault& vault,
                      const OpenRoot& from,
                      Result<OpenRoot> next,
                      std::string_view source,
                      ReplicationFile& log,
                      Time now)
{
  Rotation out;
  if (!next) {
    out.done = next.error();
    next = vault.reopen(from.sealing_key, now.seconds());
    if (!next || next->open.current_epoch() == from.open.current_epoch()) return out;
  }
  kms::ReplicationEntry entry;
  entry.event = kms::ReplicationEvent::rotated;
  const std::uint32_t epoch = entry.epoch = next->open.current_epoch();
  entry.about = fmt::format("epoch {}{}", epoch, source);
  Status written = log.append(std::move(entry), next->material.root.k256, now);
  if (out.done)
    out.done = std::move(written).within("epoch {} was added, but not written down", epoch);
  out.root = *std::move(next);
  return out;
}

} // namespace

Rotation add_epoch(const Vault& vault, const OpenRoot& from, ReplicationFile& log, Time now)
{
  return written_down(vault, from, vault.rotate(from, now.seconds()), "", log, now);
}

Rotation take_epochs(const Vault& vault,
                     const OpenRoot& from,
                     const Replica& replica,
                     ReplicationFile& log,
                     Time now)
{
  const auto both = with_epochs_of(from.material, replica.material);
  if (!both) return {std::nullopt, both.error()};
  if (both->current_epoch() == from.material.current_epoch()) return {};
  return written_down(vault, from, vault.extend(from, replica.material, now.seconds()),
                      " of " + replica.name, log, now);
}

} // namespace dstack::vault
