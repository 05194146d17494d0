#include "flow/context_watch.hpp"

#include "base/event_loop.hpp"

#include <boost/asio/detail/scheduler.hpp>

#include <utility>

namespace weir::detail {
namespace {

/// Where watches are parked. It is younger than the reactor of sockets and timers, where its context can have one, and
/// so ends before that; other lots may be older.
class watch_service final : public boost::asio::execution_context::service {
public:
    static boost::asio::execution_context::id id;

    explicit watch_service(boost::asio::execution_context& context) : service(context)
    {
        if (boost::asio::has_service<boost::asio::detail::scheduler>(context))
            open_event_loop(context);
    }

    ~watch_service() { lot_->close(); } // what was parked since

    [[nodiscard]] const std::shared_ptr<parking_lot>& lot() const noexcept { return lot_; }

private:
    void shutdown() override { lot_->close(); }

    const std::shared_ptr<parking_lot> lot_ = std::make_shared<parking_lot>();
};

boost::asio::execution_context::id watch_service::id;

} // namespace

class context_watch::node final : public parked {
public:
    explicit node(std::weak_ptr<worker_pool> workers) noexcept : workers_(std::move(workers)) {}

private:
    void abandon() noexcept override
    {
        const bool shared = workers_.use_count() > 1;
        if (const auto workers = workers_.lock(); workers && !shared)
            workers->stop();
    }
    void destroy() noexcept override { delete this; }

    const std::weak_ptr<worker_pool> workers_;
};

context_watch::context_watch(boost::asio::execution_context& context, std::weak_ptr<worker_pool> workers)
    : lot_(boost::asio::use_service<watch_service>(context).lot()), node_(new node(std::move(workers)))
{
    lot_->park(*node_);
}

context_watch::~context_watch()
{
    if (const parking_lot::departure leaving(*lot_, *node_); leaving)
        delete node_;
}

} // namespace weir::detail
