#pragma once
/// The rules that every certificate of Intel's chains must keep (spec verify 5).

#include "dcap/anchor.hpp"
#include "dcap/counts.hpp"

namespace dstack::dcap {

inline constexpr std::size_t max_chain = 8;

/// The subject's common name, safe to print.
std::string shown_name(const x509::P256Certificate& certificate);
/// Common name is "<vendor> <role>".
bool is_named(const x509::P256Certificate& certificate,
              const Anchor& anchor,
              std::string_view role);
/// issuer's name is on it, and its key signed it.
Status check_issued(const x509::P256Certificate& certificate,
                    const x509::P256Certificate& issuer,
                    const crypto::P256Public& issuer_key,
                    Counts& counts);
/// The anchor itself, or another certificate of the anchor's name and key (spec verify 5.3).
Status check_root(const x509::P256Certificate& root, const Anchor& anchor, Counts& counts);
/// Not a CA, may sign data.
Status check_leaf_usage(const x509::P256Certificate& certificate);
/// A CA that may sign certificates and CRLs.
Status check_ca_usage(const x509::P256Certificate& certificate);
Result<std::vector<x509::P256Certificate>> parse_all(const std::vector<Bytes>& certificates,
                                                     Counts& counts);

} // namespace dstack::dcap
