// The framing of HTTP/1.1 is Boost.Beast's; which of its liberties we take is decided here.
#include "base/text.hpp"
#include "http/message.hpp"

#include <algorithm>
#include <boost/beast/http.hpp>

namespace dstack::http {

namespace beast = boost::beast::http;
using ErrorCode = boost::system::error_code;

namespace {

/// "0 CRLF CRLF": every chunked body has this much left. Beast 1.81 asserts it when asked again.
constexpr std::size_t shortest_end = 5;

/// A body in memory that never holds more than max bytes and reserves nothing on a peer's word.
struct HeldBody {
  struct value_type {
    std::string text;
    std::size_t max = 0;
  };

  class reader {
  public:
    template <bool is_request, class Fields>
    reader(beast::header<is_request, Fields>&, value_type& body) : body_(body)
    {
    }
    void init(const boost::optional<std::uint64_t>&, ErrorCode& error) { error = {}; }
    template <class Buffers> std::size_t put(const Buffers& buffers, ErrorCode& error)
    {
      error = {};
      std::size_t used = 0;
      for (auto at = boost::asio::buffer_sequence_begin(buffers);
           at != boost::asio::buffer_sequence_end(buffers); ++at) {
        if (at->size() > body_.max - body_.text.size()) {
          error = beast::error::body_limit;
          return used;
        }
        body_.text.append(static_cast<const char*>(at->data()), at->size());
        used += at->size();
      }
      return used;
    }
    void finish(ErrorCode& error) { error = {}; }

  private:
    value_type& body_;
  };
};

template <class Fields> std::vector<Header> headers_of(const Fields& fields)
{
  std::vector<Header> out;
  for (const auto& field : fields)
    out.push_back({std::string{field.name_string()}, std::string{field.value()}});
  return out;
}

std::size_t count_of(const std::vector<Header>& headers, std::string_view name)
{
  return static_cast<std::size_t>(
      std::count_if(headers.begin(), headers.end(),
                    [&](const Header& header) { return lower(header.name) == name; }));
}

bool is_digits(std::string_view text)
{
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

/// What Beast accepts and we do not: these are the ways two HTTP parsers come to disagree.
Status check_framing(const std::vector<Header>& headers)
{
  if (count_of(headers, "content-length") > 1)
    return fail(Errc::malformed, "HTTP: more than one Content-Length");
  if (count_of(headers, "transfer-encoding") > 1)
    return fail(Errc::malformed, "HTTP: more than one Transfer-Encoding");
  for (const Header& header : headers) {
    const std::string name = lower(header.name);
    if (name == "transfer-encoding" && lower(trim(header.value)) != "chunked")
      return fail(Errc::malformed, "HTTP: transfer coding other than chunked");
    if (name == "content-length" && !is_digits(header.value))
      return fail(Errc::malformed, "HTTP: Content-Length is not one number");
  }
  return ok();
}

/// Refuses obsolete line folding (RFC 9112 5.2) and line ends other than CRLF, from `from` on.
Status check_lines(std::string_view header, std::size_t from)
{
  for (std::size_t i = from; i < header.size(); ++i) {
    const bool next_known = i + 1 < header.size();
    if (header[i] == '\r' && next_known && header[i + 1] != '\n')
      return fail(Errc::malformed, "HTTP: line ends without CRLF");
    if (header[i] != '\n') continue;
    if (i == 0 || header[i - 1] != '\r')
      return fail(Errc::malformed, "HTTP: line ends without CRLF");
    if (next_known && (header[i + 1] == ' ' || header[i + 1] == '\t'))
      return fail(Errc::malformed, "HTTP: folded header line");
  }
  return ok();
}

/// What requests and responses have in common. Beast wants whole header lines and whole chunk
/// headers, so bytes it has not taken yet are kept here; never more than max_header_bytes.
template <bool is_request> class Core {
public:
  using Parser = beast::parser<is_request, HeldBody>;

  explicit Core(const MessageLimits& limits) : limits_(limits) { reset(); }

  void reset()
  {
    parser_ = std::make_unique<Parser>();
    parser_->header_limit(static_cast<std::uint32_t>(limits_.max_header_bytes));
    parser_->eager(false); // the header alone, to be judged before anything behind it is read
    if (is_request)
      parser_->body_limit(limits_.max_body_bytes);
    else
      parser_->body_limit(boost::none); // HeldBody bounds what is held, streams may be endless
    parser_->get().body().max = limits_.max_body_bytes;
    pending_.clear();
    fresh_ = true;
    header_fields_.reset();
  }

  Result<std::size_t> feed(std::string_view data)
  {
    if (refused_) return fail(Errc::malformed, "HTTP: the message was refused before");
    if (data.empty() || parser_->is_done()) return std::size_t{0};
    auto used = take_in(data);
    if (!used) refused_ = true;
    return used;
  }

  Status end_of_input()
  {
    if (complete()) return ok();
    ErrorCode error;
    if (!refused_ && parser_->is_header_done()) parser_->put_eof(error);
    if (error || !complete()) return fail(Errc::malformed, "HTTP: the connection ended early");
    return ok();
  }

  bool complete() const { return parser_->is_done() && !refused_; }
  bool fresh() const { return fresh_; }
  Parser& parser() const { return *parser_; }

private:
  Result<std::size_t> take_in(std::string_view data)
  {
    fresh_ = false;
    const std::size_t before = pending_.size();
    pending_ += data;
    if (!parser_->is_header_done() && !TRY(header_is_whole(before))) return data.size();
    const std::size_t used = TRY(put_pending());
    // What the message did not need belongs to the next one and goes back to the caller.
    const bool done = parser_->is_done();
    const std::size_t taken = done ? used : pending_.size();
    DSTACK_ASSERT(taken >= before);
    pending_.erase(0, done ? pending_.size() : used);
    return taken - before;
  }

  Result<bool> header_is_whole(std::size_t before) const
  {
    const auto end = pending_.find("\r\n\r\n", before < 3 ? 0 : before - 3);
    const bool whole = end != std::string::npos;
    const std::size_t size = whole ? end + 4 : pending_.size();
    const std::size_t most = limits_.max_header_bytes;
    if (size > most || (!whole && size == most))
      return fail(Errc::malformed, "HTTP: header larger than {} bytes", most);
    TRY(check_lines(std::string_view{pending_}.substr(0, size), before < 2 ? 0 : before - 2));
    return whole;
  }

  /// Gives Beast windows of at most max_header_bytes, so that nothing it wants to see whole (a
  /// chunk header, trailers) can be longer, however the bytes arrive.
  Result<std::size_t> put_pending()
  {
    std::size_t used = 0;
    while (used < pending_.size() && !parser_->is_done()) {
      const auto window = std::string_view{pending_}.substr(used, limits_.max_header_bytes);
      if (parser_->is_header_done() && parser_->chunked() && window.size() < shortest_end) break;
      ErrorCode error;
      const std::size_t n =
          parser_->put(boost::asio::const_buffer{window.data(), window.size()}, error);
      if (error && error != beast::error::need_more) return refusal(error);
      used += n;
      if (parser_->is_header_done() && !header_fields_) TRY(check_header());
      if (n == 0 && window.size() == limits_.max_header_bytes)
        return fail(Errc::malformed, "HTTP: chunk header larger than {} bytes", window.size());
      if (n == 0) break;
    }
    if (parser_->is_done() && field_count() != *header_fields_)
      return fail(Errc::malformed, "HTTP: fields after the body");
    return used;
  }

  Error refusal(const ErrorCode& error) const
  {
    if (error == beast::error::body_limit)
      return fail(Errc::malformed, "failed to read data: payload too large (more than {} bytes)",
                  limits_.max_body_bytes);
    return fail(Errc::malformed, "HTTP: {}", error.message());
  }

  Status check_header()
  {
    const auto headers = headers_of(parser_->get());
    header_fields_ = headers.size();
    parser_->eager(true);
    TRY(check_framing(headers));
    if (!is_request) return ok();
    // An absolute target names the host itself: the Rust SDK's tappd client sends no Host with it.
    const std::size_t hosts = count_of(headers, "host");
    if (hosts > 1 || (hosts == 0 && !target().starts_with("http://")))
      return fail(Errc::malformed, "HTTP: no single Host header");
    if (parser_->get().version() != 11) return fail(Errc::unsupported, "HTTP: version is not 1.1");
    return ok();
  }

  std::string_view target() const
  {
    if constexpr (is_request)
      return parser_->get().target();
    else
      return {};
  }

  std::size_t field_count() const
  {
    const auto& fields = parser_->get();
    return static_cast<std::size_t>(std::distance(fields.begin(), fields.end()));
  }

  MessageLimits limits_;
  std::unique_ptr<Parser> parser_;
  std::string pending_;
  std::optional<std::size_t> header_fields_; ///< set once the header was judged
  bool fresh_ = true;
  bool refused_ = false; ///< a refused message never becomes complete
};

} // namespace

struct RequestParser::State : Core<true> {
  using Core::Core;
};

RequestParser::RequestParser(const MessageLimits& limits) : state_(std::make_unique<State>(limits))
{
}
RequestParser::RequestParser(RequestParser&&) noexcept = default;
RequestParser& RequestParser::operator=(RequestParser&&) noexcept = default;
RequestParser::~RequestParser() = default;

Result<std::size_t> RequestParser::feed(std::string_view data)
{
  return state_->feed(data);
}
bool RequestParser::complete() const
{
  return state_->complete();
}
bool RequestParser::fresh() const
{
  return state_->fresh();
}

Request RequestParser::take()
{
  DSTACK_ASSERT(complete());
  auto message = state_->parser().release();
  Request out;
  out.method = std::string{message.method_string()};
  out.target = std::string{message.target()};
  out.headers = headers_of(message);
  out.keep_alive = message.keep_alive();
  out.body = std::move(message.body().text);
  state_->reset();
  return out;
}

struct ResponseParser::State : Core<false> {
  using Core::Core;
};

ResponseParser::ResponseParser(const MessageLimits& limits)
    : state_(std::make_unique<State>(limits))
{
}
ResponseParser::ResponseParser(ResponseParser&&) noexcept = default;
ResponseParser::~ResponseParser() = default;

Result<std::size_t> ResponseParser::feed(std::string_view data)
{
  std::size_t used = 0;
  while (used < data.size() && !complete()) {
    const std::size_t n = TRY(state_->feed(data.substr(used)));
    used += n;
    // "100 Continue" and its like announce the answer, they are not it (RFC 9110 15.2).
    if (complete() && status() / 100 == 1 && status() != 101) state_->reset();
    if (n == 0) break;
  }
  return used;
}

Status ResponseParser::end_of_input()
{
  return state_->end_of_input();
}
bool ResponseParser::headers_complete() const
{
  return state_->parser().is_header_done();
}
bool ResponseParser::complete() const
{
  return state_->complete();
}
int ResponseParser::status() const
{
  return static_cast<int>(state_->parser().get().result_int());
}

std::string ResponseParser::drain_body()
{
  return std::exchange(state_->parser().get().body().text, {});
}

Response ResponseParser::take()
{
  auto message = state_->parser().release();
  Response out;
  out.status = static_cast<int>(message.result_int());
  out.headers = headers_of(message);
  out.body = std::move(message.body().text);
  return out;
}

} // namespace dstack::http
