#include <weir/http/response.hpp>

#include "client_exchange.hpp"

namespace weir::http {

response::response(std::unique_ptr<client_exchange> made) noexcept : exchange_(std::move(made)) {}
response::response(response&&) noexcept = default;
response& response::operator=(response&&) noexcept = default;
response::~response() = default;

const response_head& response::head() const noexcept { return exchange_->head(); }
response_head response::take_head() noexcept { return exchange_->take_head(); }
const url& response::from() const noexcept { return exchange_->from(); }
const framing& response::how() const noexcept { return exchange_->how(); }
bool response::done() const noexcept { return exchange_->body().done(); }
std::uint64_t response::received() const noexcept { return exchange_->body().total(); }
const fields& response::trailer() const noexcept { return exchange_->body().trailer(); }
const boost::asio::any_io_executor& response::executor() const noexcept { return exchange_->executor(); }
bool response::reused_connection() const noexcept { return exchange_->has_reused_connection(); }

boost::asio::awaitable<std::size_t> response::read_some(std::span<std::byte> into) { return exchange_->read_some(into); }

} // namespace weir::http
