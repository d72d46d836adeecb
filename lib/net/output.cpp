#include "net/output.hpp"

#include "base/secret.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

namespace dstack::net {

namespace {

/// Sent bytes in front of others are dropped when there are this many.
constexpr std::size_t compact_size = std::size_t{256} << 10U;

void wipe_range(char* from, std::size_t size)
{
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): characters as the bytes they are.
  if (size > 0) wipe({reinterpret_cast<std::uint8_t*>(from), size});
}

} // namespace

void wipe_text(std::string& text)
{
  wipe_range(text.data(), text.size());
  text.clear();
}

Output::~Output()
{
  wipe_text(text_);
}

void Output::add(std::string&& whole)
{
  if (text_.empty()) {
    text_ = std::move(whole);
    return;
  }
  add(std::string_view{whole});
  wipe_text(whole);
}

void Output::add(std::string_view piece)
{
  if (text_.capacity() - text_.size() < piece.size()) {
    // std::string would free the old text as it is.
    std::string larger;
    larger.reserve(std::max(size() + piece.size(), 2 * size()));
    larger += rest();
    wipe_text(text_);
    text_ = std::move(larger);
    sent_ = 0;
  }
  text_ += piece;
}

void Output::sent(std::size_t count)
{
  sent_ += count;
  if (size() == 0) {
    wipe_text(text_);
    sent_ = 0;
    return;
  }
  if (sent_ > compact_size) forget_sent();
}

void Output::forget_sent()
{
  const std::size_t left = size();
  std::memmove(text_.data(), text_.data() + sent_, left);
  wipe_range(text_.data() + left, sent_);
  text_.resize(left);
  sent_ = 0;
}

} // namespace dstack::net
