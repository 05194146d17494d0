#include <weir/sink.hpp>

namespace weir {

sink::~sink() = default;

boost::asio::awaitable<void> sink::finish() { co_return; }

} // namespace weir
