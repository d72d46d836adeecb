#pragma once
/// The supervisor's API on control.sock: HTTP/1.1 with JSON. Only the owner can reach the socket.
///   GET /v1/status · POST /v1/stop {"timeout_ms"} · POST /v1/restart {"timeout_ms"}
///   GET /v1/events?follow=1 · GET /v1/logs?container=&follow=&tail=&since=&timestamps=
///   POST /v1/guest/<Method>

#include "agents/vm/supervisor.hpp"

namespace dstack::supervisor {

class ControlApi {
public:
  /// Listens on the VM's control.sock until destroyed.
  static Result<std::unique_ptr<ControlApi>>
  serve(sys::Loop& loop, Supervisor& supervisor, const std::filesystem::path& socket);
  ~ControlApi();
  ControlApi(const ControlApi&) = delete;
  ControlApi& operator=(const ControlApi&) = delete;

private:
  ControlApi(sys::Loop& loop, Supervisor& supervisor, std::filesystem::path socket);
  void handle(const http::Request& request, const net::Responder& to);
  void stop(const http::Request& request, const net::Responder& to);
  void restart(const http::Request& request, const net::Responder& to);
  void events(const http::Request& request, const net::Responder& to);
  void logs(const http::Request& request, const net::Responder& to);
  void guest(const http::Request& request, const net::Responder& to);
  http::Response status() const;

  sys::Loop& loop_;
  Supervisor& supervisor_;
  std::filesystem::path socket_;
  net::HttpServer server_;
};

} // namespace dstack::supervisor
