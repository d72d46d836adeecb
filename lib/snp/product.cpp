#include "snp/product.hpp"

namespace dstack::snp {

namespace {

std::uint8_t byte_of(std::uint64_t version, unsigned index)
{
  return static_cast<std::uint8_t>(version >> (8U * index));
}

} // namespace

std::string_view name_of(Product product)
{
  switch (product) {
  case Product::milan:
    return "Milan";
  case Product::genoa:
    return "Genoa";
  case Product::turin:
    return "Turin";
  }
  return "";
}

std::optional<Product> product_of_name(std::string_view name)
{
  for (const Product product : {Product::milan, Product::genoa, Product::turin})
    if (name_of(product) == name) return product;
  return {};
}

std::optional<Product> product_of_cpuid(std::uint8_t family, std::uint8_t model)
{
  constexpr std::uint8_t zen_3_and_4 = 0x19;
  constexpr std::uint8_t zen_5 = 0x1a;
  if (family == zen_3_and_4 && model <= 0x0f) return Product::milan;
  if (family == zen_3_and_4 &&
      ((model >= 0x10 && model <= 0x1f) || (model >= 0xa0 && model <= 0xaf)))
    return Product::genoa;
  if (family == zen_5 && model <= 0x1f) return Product::turin;
  return {};
}

Tcb tcb_of(std::uint64_t version, Product product)
{
  if (product == Product::turin)
    return {byte_of(version, 1), byte_of(version, 2), byte_of(version, 3), byte_of(version, 7),
            byte_of(version, 0)};
  return {byte_of(version, 0), byte_of(version, 1), byte_of(version, 6), byte_of(version, 7), {}};
}

std::string to_text(const Tcb& tcb)
{
  const std::string fmc = tcb.fmc ? fmt::format("FMC {}, ", *tcb.fmc) : "";
  return fmt::format("{}bootloader {}, TEE {}, SNP {}, microcode {}", fmc, tcb.bootloader, tcb.tee,
                     tcb.snp, tcb.microcode);
}

} // namespace dstack::snp
