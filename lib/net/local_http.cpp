#include "net/local_http.hpp"

#include "net/wait.hpp"

#include <cerrno>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace dstack::net {

namespace {

constexpr std::size_t piece_size = std::size_t{64} << 10U;

Status send_all(int fd, std::string_view data, const sys::Deadline& deadline)
{
  while (!data.empty()) {
    TRY(wait_for(fd, POLLOUT, deadline));
    const ssize_t n = ::send(fd, data.data(), data.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (n < 0) return sys::errno_error("send");
    data.remove_prefix(static_cast<std::size_t>(n));
  }
  return ok();
}

/// Feeds one read into the parser; false at the end of input.
Result<bool> receive(int fd, http::ResponseParser& parser)
{
  const Bytes piece = TRY(sys::read_some(fd, piece_size));
  if (piece.empty()) {
    TRY(parser.end_of_input());
    return false;
  }
  static_cast<void>(TRY(parser.feed(as_text(piece))));
  return true;
}

Result<http::Response>
read_rest(int fd, http::ResponseParser& parser, const sys::Deadline& deadline)
{
  while (!parser.complete()) {
    TRY(wait_for(fd, POLLIN, deadline));
    if (!TRY(receive(fd, parser))) break;
  }
  return parser.take();
}

Result<http::Response> read_answer(int fd, const LocalLimits& limits, const sys::Deadline& deadline)
{
  http::ResponseParser parser{limits.message};
  return read_rest(fd, parser, deadline);
}

/// A server may answer and close before it has taken everything: its answer says more than our
/// failure to send.
Result<http::Response>
answer_after(Status sent, int fd, const LocalLimits& limits, const sys::Deadline& deadline)
{
  if (!sent && sent.error().code() == Errc::timeout) return std::move(sent).error();
  auto answer = read_answer(fd, limits, deadline);
  if (!answer && !sent) return std::move(sent).error();
  return answer;
}

} // namespace

Result<http::Response> exchange(int fd, const http::Request& request, const LocalLimits& limits)
{
  const sys::Deadline deadline{limits.deadline};
  Status sent = send_all(fd, http::write_request(request, "localhost"), deadline);
  return answer_after(std::move(sent), fd, limits, deadline);
}

Result<http::Response> exchange_upload(int fd,
                                       http::Request request,
                                       std::uint64_t body_size,
                                       const std::function<Result<Bytes>()>& produce,
                                       const LocalLimits& limits)
{
  const sys::Deadline deadline{limits.deadline};
  request.headers.push_back({"Content-Length", fmt::format("{}", body_size)});
  Status sent = send_all(fd, http::write_request_head(request, "localhost"), deadline);
  std::uint64_t left = body_size;
  while (sent) {
    const Bytes piece = TRY(produce());
    if (piece.empty()) break;
    if (piece.size() > left) return fail(Errc::io, "the body is longer than {} bytes", body_size);
    left -= piece.size();
    sent = send_all(fd, as_text(piece), deadline);
  }
  if (sent && left > 0)
    return fail(Errc::io, "the body ended {} bytes short of {}", left, body_size);
  return answer_after(std::move(sent), fd, limits, deadline);
}

Result<http::Response> exchange_stream(int fd,
                                       const http::Request& request,
                                       const LocalLimits& limits,
                                       const std::function<Status(std::string_view)>& sink)
{
  const sys::Deadline deadline{limits.deadline};
  TRY(send_all(fd, http::write_request(request, "localhost"), deadline));
  http::ResponseParser parser{limits.message};
  while (!parser.headers_complete()) {
    TRY(wait_for(fd, POLLIN, deadline));
    if (!TRY(receive(fd, parser))) break;
  }
  if (parser.status() < 200 || parser.status() > 299) return read_rest(fd, parser, deadline);
  while (true) {
    const std::string piece = parser.drain_body();
    if (!piece.empty()) TRY(sink(piece));
    if (parser.complete()) return parser.take();
    if (!TRY(receive(fd, parser))) {
      const std::string last = parser.drain_body();
      if (!last.empty()) TRY(sink(last));
      return parser.take();
    }
  }
}

} // namespace dstack::net
