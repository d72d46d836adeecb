#pragma once
/// Bytes a container wrote, as text: UTF-8 with replacements, and without terminal commands.

#include "base/bytes.hpp"

namespace dstack::guestapi {

/// Every maximal piece that is not UTF-8 becomes one U+FFFD (Unicode 15 section 3.9, as Rust and
/// the WHATWG Encoding Standard do it).
std::string lossy_utf8(std::string_view bytes);

/// Takes escape sequences (ECMA-48) out of UTF-8 text that arrives in pieces: CSI, OSC and the
/// other strings, two-character escapes, and the C1 forms of them. No sequence reaches past the end
/// of its line, so an unfinished one cannot hide what follows. Other controls but tab, line feed
/// and carriage return go too.
class AnsiStripper {
public:
  std::string feed(std::string_view text);

private:
  enum class State {
    text,
    c1,     ///< after the first byte of a character that may be a C1 control
    escape, ///< after ESC
    csi,
    string,       ///< inside OSC, DCS, SOS, PM or APC
    string_c1,    ///< there, after the first byte of a possible ST
    string_escape ///< there, after ESC
  };
  void take(char c, std::string& out);
  void take_text(char c, std::string& out);
  void take_escape(char c, std::string& out);
  void take_csi(char c, std::string& out);
  void take_c1(char c, std::string& out);
  void take_string(char c);

  State state_ = State::text;
};

} // namespace dstack::guestapi
