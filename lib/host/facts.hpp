#pragma once
/// What was found on a machine that is to run VMs, as a document (dstack.host-facts/1): gathered by
/// lib/probe or read from a file, judged by checks.hpp. A member that is not there was not found
/// out, which is no answer either way.

#include "codec/json.hpp"

namespace dstack::host {

inline constexpr std::string_view facts_schema = "dstack.host-facts/1";
inline constexpr std::size_t max_facts = std::size_t{1} << 20U;

class Facts {
public:
  /// Errc::malformed names the member that is of another kind than it must be; members that are
  /// not known are kept and not looked at.
  static Result<Facts> from_json(codec::Json document);
  static Result<Facts> parse(std::string_view text);

  const codec::Json& json() const { return document_; }

  /// Members by their path: "kvm.opens".
  std::string text(std::string_view path) const; ///< "" when not there
  std::optional<std::uint64_t> number(std::string_view path) const;
  std::optional<bool> flag(std::string_view path) const;
  std::vector<std::string> texts(std::string_view path) const;
  bool lists(std::string_view path, std::string_view word) const;

private:
  explicit Facts(codec::Json document) : document_(std::move(document)) {}
  codec::Json document_;
};

/// Free pages of that many KiB on one node.
struct HugePages {
  std::uint64_t page_kib = 0;
  std::uint64_t total = 0;
  std::uint64_t free = 0;
};
struct NumaNode {
  std::uint64_t number = 0;
  std::string cpus{}; ///< "0-31,64-95"
  std::uint64_t memory_bytes = 0;
  std::vector<HugePages> pages{};
};
/// A graphics processor or switch on the PCI bus.
struct Gpu {
  std::string slot{};   ///< "0000:17:00.0"
  std::string device{}; ///< vendor and device: "10de:2335"
  bool is_switch = false; ///< NVSwitch
  std::string driver{}; ///< "vfio-pci"; "" when none
  std::string iommu_group{};
  std::uint64_t numa_node = 0;
};
std::vector<NumaNode> numa_nodes(const Facts& facts);
std::vector<Gpu> gpus(const Facts& facts);

codec::Json to_json(const NumaNode& node);
codec::Json to_json(const Gpu& gpu);

} // namespace dstack::host
