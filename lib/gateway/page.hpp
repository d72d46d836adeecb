#pragma once
/// The page of the admin listeners (spec gateway 20): how this gateway is, without scripts.

#include "gateway/view.hpp"
#include "http/message.hpp"

namespace dstack::gateway {

/// HTML that loads nothing and runs nothing; whatever VMs are called, it is text.
http::Response admin_page(const View& view);

} // namespace dstack::gateway
