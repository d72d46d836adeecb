#pragma once
/// Result<T>: a value or an Error (a code from a short list and a sentence). Access is always
/// checked: reading the wrong side aborts, it is never undefined behaviour.

#include <fmt/format.h>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace dstack {

/// What kind of failure: decides the exit status and the RPC status, nothing else.
enum class Errc {
  usage,       ///< the command line asks for something impossible        exit 2
  config,      ///< a configuration file or variable is wrong             exit 2
  io,          ///< the operating system or network refused               exit 1
  timeout,     ///< a stated deadline passed                              exit 1
  not_found,   ///< the named thing does not exist                        exit 1
  malformed,   ///< bytes that do not follow their format                 exit 4
  unsupported, ///< well-formed, but not something we can work with       exit 4
  untrusted,   ///< evidence does not prove what was asked                exit 3
  denied,      ///< policy says no                                        exit 3
  internal     ///< a promise between our own parts was broken            exit 1
};

/// Stable lower-case name of a code, as printed in JSON errors.
std::string_view name_of(Errc code);

class [[nodiscard]] Error {
public:
  Error(Errc code, std::string message) : code_(code), message_(std::move(message)) {}

  Errc code() const { return code_; }
  const std::string& message() const { return message_; }

  /// Prepends where the failure happened.
  Error&& within(std::string_view where) &&
  {
    message_.insert(0, fmt::format("{}: ", where));
    return std::move(*this);
  }

private:
  Errc code_;
  std::string message_;
};

template <class... Args> Error fail(Errc code, fmt::format_string<Args...> format, Args&&... args)
{
  return Error{code, fmt::format(format, std::forward<Args>(args)...)};
}

/// Prints "internal error" with the text to stderr and aborts: for our own bugs only.
[[noreturn]] void bug(std::string_view what, const char* file = "", int line = 0);

template <class T = std::monostate> class [[nodiscard]] Result {
public:
  Result(T value) : v_(std::in_place_index<0>, std::move(value)) {}
  Result(Error error) : v_(std::in_place_index<1>, std::move(error)) {}

  explicit operator bool() const { return v_.index() == 0; }
  T& operator*() & { return get<0>(v_); }
  const T& operator*() const& { return get<0>(v_); }
  T&& operator*() && { return std::move(get<0>(v_)); }
  T* operator->() { return &get<0>(v_); }
  const T* operator->() const { return &get<0>(v_); }
  const Error& error() const& { return get<1>(v_); }
  Error&& error() && { return std::move(get<1>(v_)); }

  /// Adds context to a failure; formats only when there is one.
  template <class... Args> Result&& within(fmt::format_string<Args...> format, Args&&... args) &&
  {
    if (!*this)
      static_cast<void>(
          std::move(get<1>(v_)).within(fmt::format(format, std::forward<Args>(args)...)));
    return std::move(*this);
  }

private:
  template <std::size_t I, class V> static auto& get(V& v)
  {
    auto* p = std::get_if<I>(&v);
    if (p == nullptr) bug("Result read on the wrong side");
    return *p;
  }

  std::variant<T, Error> v_;
};

using Status = Result<>;

/// The value of a successful Status.
inline std::monostate ok()
{
  return {};
}

} // namespace dstack

#define DSTACK_CAT2(a, b) a##b
#define DSTACK_CAT(a, b) DSTACK_CAT2(a, b)
#define DSTACK_TRY(tmp, ...)                                                                       \
  __extension__({                                                                                  \
    auto tmp = (__VA_ARGS__);                                                                      \
    if (!tmp) [[unlikely]]                                                                         \
      return std::move(tmp).error();                                                               \
    *std::move(tmp);                                                                               \
  })
/// Value of a Result, or return its error from the calling function (which returns a Result). Not
/// inside an aggregate's braces after another element: returning from there leaks that element
/// (g++ 12 and clang 14 alike; arguments of a call are fine).
#define TRY(...) DSTACK_TRY(DSTACK_CAT(try_, __COUNTER__), __VA_ARGS__)

/// Checks a promise of our own code; stays on in release and never judges input.
#define DSTACK_ASSERT(condition)                                                                   \
  do {                                                                                             \
    if (!(condition)) [[unlikely]]                                                                 \
      ::dstack::bug(#condition, __FILE__, __LINE__);                                               \
  } while (false)
