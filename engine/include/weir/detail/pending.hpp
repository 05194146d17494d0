#pragma once
// What every initiating function of weir is built from: a handler that waits for its result.
//
// An operation holds the handler and the promise (a work guard) that its executor still has something
// to do. It completes once, by a post and never inside the initiating call, so that a loop of operations
// that are ready at once cannot eat the stack. Memory taken from the handler's allocator is given back
// before the handler runs, so that the handler's next operation can have it.
//
//   asio::async_initiate<Token, void(error_code, buffer)>(
//       [](auto handler, state_ptr state) {                      // no captures but scalars: gcc 12
//           state->start(completion<error_code, buffer>(std::move(handler)));
//       }, token, state_);

#include <weir/detail/parking_lot.hpp>
#include <weir/error.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/associated_allocator.hpp>
#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/bind_allocator.hpp>
#include <boost/asio/execution/context.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/query.hpp>
#include <boost/asio/system_executor.hpp>
#include <boost/system/error_code.hpp>

#include <memory>
#include <new>
#include <utility>

namespace weir::detail {

/// A code of weir's as handlers get it.
[[nodiscard]] inline boost::system::error_code code(errc value) { return std::error_code(value); }

/// What ends with a handler: a timer of its context, say.
class companion {
public:
    companion() = default;
    companion(const companion&) = delete;
    companion& operator=(const companion&) = delete;
    virtual ~companion() = default;

    /// The handler's context ends, and the handler will not be called: what refers to it can be given up.
    virtual void abandoned() noexcept = 0;
};

/// A handler of a known type and the work that keeps its executor running.
///
/// `fallback` is used where the handler has no executor of its own.
template <class Handler>
class pending {
public:
    using executor_type = boost::asio::associated_executor_t<Handler, boost::asio::any_io_executor>;
    using allocator_type = boost::asio::associated_allocator_t<Handler>;

    pending(Handler handler, const boost::asio::any_io_executor& fallback)
        : handler_(std::move(handler)), work_(boost::asio::get_associated_executor(handler_, fallback))
    {
    }

    [[nodiscard]] executor_type executor() const noexcept { return work_.get_executor(); }
    [[nodiscard]] allocator_type allocator() const noexcept { return boost::asio::get_associated_allocator(handler_); }
    [[nodiscard]] boost::asio::cancellation_slot slot() const noexcept
    {
        return boost::asio::get_associated_cancellation_slot(handler_);
    }

    /// Has the handler called with `args`, on its executor, later. Once.
    template <class... Args>
    void post(Args... args) &&
    {
        std::move(*this).post_after(nullptr, std::move(args)...);
    }

    /// As `post`, after `with` is destroyed there.
    template <class... Args>
    void post_after(std::unique_ptr<companion> with, Args... args) &&
    {
        const executor_type target = executor();
        const allocator_type memory = allocator();
        auto call = [handler = std::move(handler_), work = std::move(work_), with = std::move(with),
                     ... args = std::move(args)]() mutable {
            with.reset();
            std::move(handler)(std::move(args)...);
        };
        boost::asio::post(target, boost::asio::bind_allocator(memory, std::move(call)));
    }

private:
    Handler handler_;
    boost::asio::executor_work_guard<executor_type> work_;
};

/// A pending handler of signature `void(Args...)` whose type is forgotten, so that the code that completes
/// it can live in a source file. Move-only; one allocation, from the handler's allocator.
///
/// Dropped without `post`, it destroys the handler without calling it. So does the end of the handler's execution
/// context, at any time: `post` then does nothing.
template <class... Args>
class completion {
public:
    completion() noexcept = default;

    template <class Handler>
    explicit completion(Handler handler,
                        const boost::asio::any_io_executor& fallback = boost::asio::system_executor())
    {
        pending<Handler> operation(std::move(handler), fallback);
        boost::asio::execution_context& context
            = boost::asio::query(operation.executor(), boost::asio::execution::context);
        lot_ = parking_lot::of(context);
        node_ = typed_node<Handler>::make(std::move(operation));
        lot_->park(*node_);
    }

    completion(completion&& other) noexcept
        : lot_(std::move(other.lot_)), node_(std::exchange(other.node_, nullptr))
    {
    }
    completion& operator=(completion other) noexcept
    {
        std::swap(lot_, other.lot_);
        std::swap(node_, other.node_);
        return *this;
    }
    ~completion()
    {
        if (!node_)
            return;
        if (const parking_lot::departure leaving(*lot_, *node_); leaving)
            node_->destroy();
    }

    explicit operator bool() const noexcept { return node_ != nullptr; }

    /// Where the handler will run. This and the next two: only by the initiating function, while no other thread knows
    /// of the operation.
    [[nodiscard]] boost::asio::any_io_executor executor() const { return node_->executor(); }
    /// How the caller cancels.
    [[nodiscard]] boost::asio::cancellation_slot slot() const noexcept { return node_->slot; }
    /// Gives it something that is destroyed on the handler's executor before the handler is called, or with it.
    void accompany(std::unique_ptr<companion> with) noexcept { node_->with = std::move(with); }

    /// Has the handler called with `args`, on its executor, later. Once; empty afterwards.
    ///
    /// Without memory for the executor's queue the program ends: there is nobody left who could be told.
    void post(Args... args) && noexcept
    {
        completion taken(std::move(*this));
        node* const ready = std::exchange(taken.node_, nullptr);
        if (const parking_lot::departure leaving(*taken.lot_, *ready); leaving)
            ready->post(std::move(args)...);
    }

private:
    struct node : parked {
        explicit node(boost::asio::cancellation_slot where) noexcept : slot(where) {}
        virtual boost::asio::any_io_executor executor() const = 0;
        virtual void post(Args... args) = 0;   // frees *this first
        virtual void destroy() noexcept override = 0;
        void abandon() noexcept override
        {
            if (with)
                with->abandoned();
        }
        boost::asio::cancellation_slot slot;
        std::unique_ptr<companion> with;

    protected:
        ~node() = default;
    };

    template <class Handler>
    struct typed_node final : node {
        using rebound = typename std::allocator_traits<
            typename pending<Handler>::allocator_type>::template rebind_alloc<typed_node>;
        using traits = std::allocator_traits<rebound>;

        explicit typed_node(pending<Handler>&& from) : node(from.slot()), operation(std::move(from)) {}

        static node* make(pending<Handler>&& operation)
        {
            rebound memory(operation.allocator());
            typed_node* place = traits::allocate(memory, 1);
            try {
                return ::new (static_cast<void*>(place)) typed_node(std::move(operation));
            }
            catch (...) {
                traits::deallocate(memory, place, 1);
                throw;
            }
        }

        pending<Handler> release() noexcept
        {
            rebound memory(operation.allocator());
            pending<Handler> out = std::move(operation);
            this->~typed_node();
            traits::deallocate(memory, this, 1);
            return out;
        }

        boost::asio::any_io_executor executor() const override { return operation.executor(); }
        void post(Args... args) override
        {
            std::unique_ptr<companion> last = std::move(this->with);
            release().post_after(std::move(last), std::move(args)...);
        }
        void destroy() noexcept override { release(); }

        pending<Handler> operation;
    };

    std::shared_ptr<parking_lot> lot_; // first: the node may be the lot's last business
    node* node_ = nullptr;             // in the lot
};

} // namespace weir::detail
