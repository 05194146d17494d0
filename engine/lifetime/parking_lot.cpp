#include <weir/detail/parking_lot.hpp>

#include <boost/asio/strand.hpp>

#include <utility>

namespace weir::detail {
namespace {

class parking_service final : public boost::asio::execution_context::service {
public:
    static boost::asio::execution_context::id id;

    /// Services made later end earlier, and a visit must find all of them that it touches: strands.
    explicit parking_service(boost::asio::execution_context& context) : service(context)
    {
        boost::asio::use_service<boost::asio::detail::strand_executor_service>(context);
    }
    ~parking_service() { lot_->close(); } // what was parked while the context's other services ended

    [[nodiscard]] const std::shared_ptr<parking_lot>& lot() const noexcept { return lot_; }

private:
    void shutdown() override { lot_->close(); }

    const std::shared_ptr<parking_lot> lot_ = std::make_shared<parking_lot>();
};

boost::asio::execution_context::id parking_service::id;

} // namespace

std::shared_ptr<parking_lot> parking_lot::of(boost::asio::execution_context& context)
{
    return boost::asio::use_service<parking_service>(context).lot();
}

void parking_lot::park(parked& handler) noexcept
{
    const std::lock_guard lock(mutex_);
    handler.next_ = first_;
    if (first_)
        first_->previous_ = &handler;
    first_ = &handler;
}

parking_lot::visit::visit(parking_lot& lot) noexcept : visit(lot, nullptr) {}

parking_lot::visit::visit(parking_lot& lot, parked* leaving) noexcept
{
    const std::lock_guard lock(lot.mutex_);
    if (lot.closed_)
        return;
    if (leaving) {
        (leaving->previous_ ? leaving->previous_->next_ : lot.first_) = leaving->next_;
        if (leaving->next_)
            leaving->next_->previous_ = leaving->previous_;
    }
    lot.visits_.fetch_add(1, std::memory_order_relaxed);
    lot_ = &lot;
}

parking_lot::visit::~visit()
{
    if (lot_ && lot_->visits_.fetch_sub(1, std::memory_order_release) == 1)
        lot_->visits_.notify_all();
}

void parking_lot::close() noexcept
{
    parked* left = nullptr;
    {
        const std::lock_guard lock(mutex_);
        closed_ = true;
        left = std::exchange(first_, nullptr);
    }
    for (std::uint32_t visits; (visits = visits_.load(std::memory_order_acquire)) != 0;)
        visits_.wait(visits, std::memory_order_acquire);
    for (parked* each = left; each; each = each->next_)
        each->abandon();
    while (left)
        std::exchange(left, left->next_)->destroy();
}

} // namespace weir::detail
