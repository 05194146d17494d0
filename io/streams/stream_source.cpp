#include <weir/stream_source.hpp>

#include "flow/read_pump.hpp"

namespace weir {

namespace asio = boost::asio;

stream_source_base::stream_source_base(std::unique_ptr<detail::stream_reader> stream, std::string name)
    : pump_(std::make_shared<detail::read_pump>(std::move(stream), std::move(name)))
{}

stream_source_base::~stream_source_base() { detail::read_pump::stop(pump_); }

asio::awaitable<bytes> stream_source_base::read(reservation& memory, std::size_t max_bytes)
{
    return detail::read_pump::read(pump_, memory, max_bytes);
}

asio::awaitable<void> stream_source_base::close() { return detail::read_pump::close(pump_); }

std::size_t stream_source_base::read_ahead_blocks() const noexcept { return 1; }

std::string_view stream_source_base::name() const noexcept { return pump_->name(); }

} // namespace weir
