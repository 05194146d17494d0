#include <weir/sink.hpp>

namespace weir {

sink::~sink() = default;

std::optional<boost::asio::awaitable<void>> sink::watch() { return std::nullopt; }

boost::asio::awaitable<void> sink::finish() { co_return; }

} // namespace weir
