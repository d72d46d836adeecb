#pragma once
/// What a VCEK certificate says it is for, in extensions under 1.3.6.1.4.1.3704.1 (AMD publication
/// 57230, "VCEK Certificate and KDS Interface Specification", chapter 3.1).

#include "snp/product.hpp"

namespace dstack::snp {

struct VcekInfo {
  std::string product_name{}; ///< "Milan-B0", printable
  Tcb tcb{};
  Bytes hwid{}; ///< 64 bytes, on Turin 8
};
Result<VcekInfo> vcek_info(ByteView der, Product product);

} // namespace dstack::snp
