#pragma once
/// AMD's processor families as far as SEV-SNP tells them apart, and their TCB versions.

#include "base/bytes.hpp"

#include <optional>

namespace dstack::snp {

/// Each has a root key of its own.
enum class Product { milan, genoa, turin };
std::string_view name_of(Product product); ///< "Milan", as AMD's key service spells it
std::optional<Product> product_of_name(std::string_view name);
/// CPUID's combined family and model (AMD publication 57230, chapter 3); Bergamo and Siena are
/// Genoa here, as their root is.
std::optional<Product> product_of_cpuid(std::uint8_t family, std::uint8_t model);

/// TCB_VERSION: security version numbers of the firmware parts (SEV-SNP ABI, section 2.2).
struct Tcb {
  std::uint8_t bootloader = 0;
  std::uint8_t tee = 0;
  std::uint8_t snp = 0;
  std::uint8_t microcode = 0;
  std::optional<std::uint8_t> fmc{}; ///< Turin

  bool operator==(const Tcb&) const = default;
};
/// The parts stand in other places on Turin.
Tcb tcb_of(std::uint64_t version, Product product);
std::string to_text(const Tcb& tcb); ///< "bootloader 4, TEE 0, SNP 23, microcode 213"

} // namespace dstack::snp
