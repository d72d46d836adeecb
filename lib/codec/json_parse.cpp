#include "base/text.hpp"
#include "codec/json.hpp"

#include <nlohmann/json.hpp>
#include <set>

namespace dstack::codec {

namespace {

/// Builds the tree from nlohmann's events; the library tokenises, the limits are ours.
class Builder : public nlohmann::json_sax<nlohmann::json> {
public:
  explicit Builder(const JsonLimits& limits) : limits_(limits) {}

  bool null() override { return leaf(Json{}); }
  bool boolean(bool value) override { return leaf(Json{value}); }
  bool number_integer(number_integer_t value) override { return leaf(Json{std::int64_t{value}}); }
  bool number_unsigned(number_unsigned_t value) override
  {
    return leaf(Json{std::uint64_t{value}});
  }
  bool number_float(number_float_t value, const string_t& text) override
  {
    // The tokeniser hands over integers that do not fit 64 bits as floats.
    if (text.find_first_of(".eE") == std::string::npos)
      return stop("the number " + text + " does not fit 64 bits");
    return leaf(Json{value});
  }
  bool string(string_t& value) override { return leaf(Json{std::move(value)}); }
  bool binary(binary_t& /*value*/) override { return stop("binary value"); }
  bool start_object(std::size_t /*size*/) override { return open(Json::object()); }
  bool end_object() override { return close(); }
  bool start_array(std::size_t /*size*/) override { return open(Json::array()); }
  bool end_array() override { return close(); }

  bool key(string_t& value) override
  {
    if (!stack_.back().keys.insert(value).second)
      return stop("key '" + printable(value) + "' twice");
    stack_.back().key = std::move(value);
    return true;
  }

  bool parse_error(std::size_t position,
                   const std::string& /*token*/,
                   const nlohmann::detail::exception& /*why*/) override
  {
    if (error_.empty()) error_ = fmt::format("syntax error at byte {}", position);
    return false;
  }

  Result<Json> take()
  {
    if (!error_.empty()) return fail(Errc::malformed, "JSON: {}", error_);
    return std::move(root_);
  }

  bool stop(std::string why)
  {
    error_ = std::move(why);
    return false;
  }

private:
  struct Open {
    Json value;
    std::string key;
    std::set<std::string> keys;
  };

  bool count()
  {
    if (++nodes_ > limits_.max_nodes)
      return stop(fmt::format("more than {} values", limits_.max_nodes));
    return true;
  }

  bool leaf(Json value)
  {
    if (!count()) return false;
    add(std::move(value));
    return true;
  }

  bool open(Json value)
  {
    if (stack_.size() >= limits_.max_depth)
      return stop(fmt::format("nested deeper than {}", limits_.max_depth));
    if (!count()) return false;
    stack_.push_back({std::move(value), {}, {}});
    return true;
  }

  bool close()
  {
    Json done = std::move(stack_.back().value);
    stack_.pop_back();
    add(std::move(done));
    return true;
  }

  void add(Json value)
  {
    if (stack_.empty())
      root_ = std::move(value);
    else if (stack_.back().value.is_array())
      stack_.back().value.items().push_back(std::move(value));
    else
      stack_.back().value.members().emplace_back(std::move(stack_.back().key), std::move(value));
  }

  const JsonLimits& limits_;
  std::vector<Open> stack_;
  Json root_;
  std::string error_;
  std::size_t nodes_ = 0;
};

} // namespace

Result<Json> parse_json(std::string_view text, const JsonLimits& limits)
{
  if (text.size() > limits.max_bytes)
    return fail(Errc::malformed, "JSON: {} bytes (limit {})", text.size(), limits.max_bytes);
  Builder builder{limits};
  // allow_exceptions does not exist for SAX: errors arrive through parse_error.
  nlohmann::json::sax_parse(text.begin(), text.end(), &builder);
  return builder.take();
}

} // namespace dstack::codec
