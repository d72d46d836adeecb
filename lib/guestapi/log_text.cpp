#include "guestapi/log_text.hpp"

#include <algorithm>

namespace dstack::guestapi {

namespace {

constexpr std::string_view replacement = "\xef\xbf\xbd";

constexpr char esc = '\x1b';
constexpr char bell = '\x07';
constexpr char cancel = '\x18';
constexpr char substitute = '\x1a';
constexpr char del = '\x7f';
constexpr char c1_lead = '\xc2'; ///< U+0080 to U+00BF start with it
constexpr char st_tail = '\x9c'; ///< second byte of U+009C, String Terminator

bool within(char c, unsigned char low, unsigned char high)
{
  const auto byte = static_cast<unsigned char>(c);
  return byte >= low && byte <= high;
}

/// How many bytes follow a lead byte, and what the first of them may be (Unicode table 3-7).
struct Follow {
  std::size_t count = 0;
  unsigned char low = 0x80;
  unsigned char high = 0xbf;
};

Follow follow_of(char lead)
{
  const auto byte = static_cast<unsigned char>(lead);
  if (byte >= 0xc2 && byte <= 0xdf) return {1};
  if (byte == 0xe0) return {2, 0xa0};
  if (byte == 0xed) return {2, 0x80, 0x9f};
  if (byte >= 0xe1 && byte <= 0xef) return {2};
  if (byte == 0xf0) return {3, 0x90};
  if (byte == 0xf4) return {3, 0x80, 0x8f};
  if (byte >= 0xf1 && byte <= 0xf3) return {3};
  return {};
}

} // namespace

std::string lossy_utf8(std::string_view bytes)
{
  std::string out;
  out.reserve(bytes.size());
  while (!bytes.empty()) {
    if (within(bytes[0], 0, 0x7f)) {
      out += bytes[0];
      bytes.remove_prefix(1);
      continue;
    }
    const Follow follow = follow_of(bytes[0]);
    std::size_t length = 1;
    while (length <= follow.count && length < bytes.size()) {
      const bool first = length == 1;
      if (!within(bytes[length], first ? follow.low : 0x80, first ? follow.high : 0xbf)) break;
      ++length;
    }
    const bool whole = follow.count > 0 && length == follow.count + 1;
    out += whole ? bytes.substr(0, length) : replacement;
    bytes.remove_prefix(length);
  }
  return out;
}

std::string AnsiStripper::feed(std::string_view text)
{
  std::string out;
  for (const char c : text)
    take(c, out);
  return out;
}

void AnsiStripper::take(char c, std::string& out)
{
  if (c == '\n' || c == cancel || c == substitute) {
    state_ = State::text;
    if (c == '\n') out += c;
    return;
  }
  switch (state_) {
  case State::text:
    return take_text(c, out);
  case State::c1:
    return take_c1(c, out);
  case State::escape:
    return take_escape(c, out);
  case State::csi:
    return take_csi(c, out);
  case State::string:
  case State::string_c1:
  case State::string_escape:
    return take_string(c);
  }
}

void AnsiStripper::take_text(char c, std::string& out)
{
  if (c == esc)
    state_ = State::escape;
  else if (c == c1_lead)
    state_ = State::c1;
  else if ((!within(c, 0, 0x1f) && c != del) || c == '\t' || c == '\r')
    out += c;
}

/// The second byte of a character between U+0080 and U+00BF.
void AnsiStripper::take_c1(char c, std::string& out)
{
  constexpr std::string_view string_starts = "\x90\x98\x9d\x9e\x9f"; // DCS SOS OSC PM APC
  constexpr char csi_tail = '\x9b';
  state_ = State::text;
  if (c == csi_tail) {
    state_ = State::csi;
  } else if (string_starts.find(c) != std::string_view::npos) {
    state_ = State::string;
  } else if (!within(c, 0x80, 0x9f)) {
    out += c1_lead;
    out += c;
  }
}

void AnsiStripper::take_escape(char c, std::string& out)
{
  constexpr std::string_view string_starts = "PX]^_";
  if (within(c, 0x20, 0x2f)) return; // intermediates, as in ESC ( B
  state_ = State::text;
  if (c == '[')
    state_ = State::csi;
  else if (string_starts.find(c) != std::string_view::npos)
    state_ = State::string;
  else if (!within(c, 0x30, 0x7e))
    take_text(c, out); // no escape sequence after all
}

void AnsiStripper::take_csi(char c, std::string& out)
{
  if (within(c, 0x20, 0x3f)) return;
  state_ = State::text;
  if (!within(c, 0x40, 0x7e)) take_text(c, out);
}

/// A string ends with BEL or ST, which is ESC \ or U+009C.
void AnsiStripper::take_string(char c)
{
  const bool ends = c == bell || (state_ == State::string_escape && c == '\\') ||
                    (state_ == State::string_c1 && c == st_tail);
  if (ends)
    state_ = State::text;
  else if (c == esc)
    state_ = State::string_escape;
  else
    state_ = c == c1_lead ? State::string_c1 : State::string;
}

} // namespace dstack::guestapi
