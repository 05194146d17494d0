#pragma once
// Where handlers wait that no service of Asio knows: for an event, for memory, for another executor.
//
// An execution context that ends destroys the operations in its services. What waits in weir's own lists belongs to
// such a context too, by its executor: left alone it would leak, or be posted to a context that is gone. So each
// context has a lot, a service, where handlers are parked while they wait, whoever else refers to them:
//
//     park --> [ lot of the handler's context ] --> departure: posted, or dropped
//                            |
//                            +--> the context ends: destroyed, and every departure that comes later fails

#include <weir/export.hpp>

#include <boost/asio/execution_context.hpp>

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>

namespace weir::detail {

/// A handler at rest.
class parked {
public:
    parked(const parked&) = delete;
    parked& operator=(const parked&) = delete;

protected:
    parked() = default;
    ~parked() = default;

private:
    friend class parking_lot;
    /// The context ends: the handler will not be called. Before any handler of that context is destroyed.
    virtual void abandon() noexcept = 0;
    /// Frees this and the handler.
    virtual void destroy() noexcept = 0;

    parked* previous_ = nullptr;
    parked* next_ = nullptr;
};

/// \par Thread-safety
/// All members from any thread.
class WEIR_API parking_lot {
public:
    /// The lot of a context.
    [[nodiscard]] static std::shared_ptr<parking_lot> of(boost::asio::execution_context& context);

    parking_lot() = default;
    parking_lot(const parking_lot&) = delete;
    parking_lot& operator=(const parking_lot&) = delete;

    /// \pre The context has not ended: it runs the caller, or the caller may post to it.
    void park(parked& handler) noexcept;

    /// Holds off the end of the context, for another thread to post to it or to a strand of it. Never while the last
    /// reference to the context goes.
    class WEIR_API visit {
    public:
        explicit visit(parking_lot& lot) noexcept;
        visit(const visit&) = delete;
        visit& operator=(const visit&) = delete;
        ~visit();

        /// Whether the context is still there.
        explicit operator bool() const noexcept { return lot_ != nullptr; }

    protected:
        visit(parking_lot& lot, parked* leaving) noexcept;

    private:
        parking_lot* lot_ = nullptr;
    };

    /// Takes a handler out, and holds off the end of its context while it is posted or destroyed. If the context has
    /// ended, so has the handler.
    class WEIR_API departure : public visit {
    public:
        departure(parking_lot& from, parked& handler) noexcept : visit(from, &handler) {}
    };

    /// The context's end: waits for the visits under way, then destroys all that is parked.
    void close() noexcept;

private:
    std::mutex mutex_; // guards what follows; never held while a handler is touched
    parked* first_ = nullptr;
    bool closed_ = false;

    std::atomic<std::uint32_t> visits_{0};
};

} // namespace weir::detail
