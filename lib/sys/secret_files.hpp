#pragma once
/// Secrets that people keep in files.

#include "base/secret.hpp"
#include "sys/files.hpp"

namespace dstack::sys {

inline constexpr std::size_t max_passphrase = 4096;

/// A whole file or what is left in a descriptor, without a copy elsewhere; more than max is
/// Errc::malformed.
Result<SecretBytes> read_secret(const fs::path& file, std::size_t max);
Result<SecretBytes> read_secret(int fd, std::size_t max);

/// Errc::config for a file that others can read. Of one that another program opens.
Status check_private(const fs::path& file);

/// Its text without the line break that editors put behind it. Errc::config for a file that others
/// can read and for one without a passphrase; pipes are nobody else's.
Result<SecretBytes> read_passphrase(const fs::path& file);
/// The same from an open descriptor, called name in messages.
Result<SecretBytes> read_passphrase(int fd, std::string_view name);

} // namespace dstack::sys
