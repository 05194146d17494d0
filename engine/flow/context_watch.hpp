#pragma once
// An execution context may end before the engine that lies in one of its coroutines. What the engine's workers drop by
// then may be a socket of that context, so that they have to end first.

#include <weir/detail/parking_lot.hpp>
#include <weir/worker_pool.hpp>

#include <boost/asio/execution_context.hpp>

#include <memory>

namespace weir::detail {

/// Has workers end as soon as the context begins to: before its sockets and timers go.
class context_watch {
public:
    /// \param workers  left alone if more than one owner has them by then
    context_watch(boost::asio::execution_context& context, std::weak_ptr<worker_pool> workers);
    context_watch(const context_watch&) = delete;
    context_watch& operator=(const context_watch&) = delete;
    ~context_watch();

private:
    class node;

    const std::shared_ptr<parking_lot> lot_;
    node* const node_; ///< gone with the context
};

} // namespace weir::detail
