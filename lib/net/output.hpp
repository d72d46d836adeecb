#pragma once
/// What a connection has yet to send. Answers may hold keys: nothing of them stays in memory once
/// it is sent or given up. Not for use outside net.

#include <cstddef>
#include <string>
#include <string_view>

namespace dstack::net {

class Output {
public:
  Output() = default;
  Output(const Output&) = delete;
  Output& operator=(const Output&) = delete;
  ~Output();

  std::size_t size() const { return text_.size() - sent_; }
  std::string_view rest() const { return std::string_view{text_}.substr(sent_); }
  void add(std::string_view piece);
  void add(std::string&& whole); ///< wiped, or taken as it is
  void sent(std::size_t count);

private:
  void forget_sent();

  std::string text_;
  std::size_t sent_ = 0; ///< of text_
};

/// Overwrites a text, so that what is freed says nothing.
void wipe_text(std::string& text);

} // namespace dstack::net
