#pragma once
// A connection on loan.

#include <weir/detail/connection_core.hpp>

#include <cassert>
#include <cstdint>
#include <memory>
#include <utility>

namespace weir {

namespace detail {
template <class Manager> class connection_pool_state;
}

/// Owns one connection of a pool; gives it back at its end. Move-only. May outlive the pool, which then closes what
/// comes back.
///
/// Nothing of the user's may be under way on a connection that is given back: no read, no write.
/// \par Thread-safety
/// Distinct objects: any threads. One object: one thread at a time.
template <class Connection> class pooled {
public:
    /// Holds nothing.
    pooled() noexcept = default;
    pooled(pooled&& other) noexcept : core_(std::move(other.core_)), entry_(std::exchange(other.entry_, nullptr)) {}
    pooled& operator=(pooled&& other) noexcept
    {
        if (this != &other) {
            release();
            core_ = std::move(other.core_);
            entry_ = std::exchange(other.entry_, nullptr);
        }
        return *this;
    }
    ~pooled() { release(); }

    explicit operator bool() const noexcept { return entry_ != nullptr; }

    /// \pre it holds a connection, here and below
    [[nodiscard]] Connection& operator*() const noexcept
    {
        assert(entry_);
        return *entry_->connection;
    }
    [[nodiscard]] Connection* operator->() const noexcept { return &**this; }

    /// How often it was lent before. 0: it is new, so a peer that hangs up now does not do so because it was idle.
    [[nodiscard]] std::uint64_t uses() const noexcept
    {
        assert(entry_);
        return entry_->uses - 1;
    }

    /// It will not be lent again: closed when it is given back.
    void mark_broken() noexcept
    {
        assert(entry_);
        entry_->broken = true;
    }

    /// Gives it back now; holds nothing afterwards. From here it goes to who waits for longest, or lies idle, or is
    /// closed on the pool's executor.
    void release() noexcept
    {
        if (entry_)
            core_->give_back(*std::exchange(entry_, nullptr));
        core_.reset();
    }

    /// As if it were given back and borrowed again: for who has more to do with it and would take nobody's turn.
    /// \returns  false, and it is to be given back: somebody waits for a connection, or this one is broken, too old or
    ///   has to be recycled (or a hook told of it), or the pool is closed or drained
    [[nodiscard]] bool renew() noexcept
    {
        assert(entry_);
        return core_->lend_again(*entry_);
    }

    /// Has it closed, in good order, instead of used again; holds nothing afterwards.
    void close() noexcept
    {
        assert(entry_);
        core_->close_lent(*std::exchange(entry_, nullptr));
        core_.reset();
    }

    /// Takes it out of the pool for good: it no longer counts there, and is the caller's to close.
    [[nodiscard]] Connection detach()
    {
        assert(entry_);
        Connection out = std::move(*entry_->connection);
        core_->forget_lent(*std::exchange(entry_, nullptr));
        core_.reset();
        return out;
    }

private:
    template <class Manager> friend class detail::connection_pool_state;

    using entry = detail::typed_connection<Connection>;
    pooled(std::shared_ptr<detail::connection_core> core, entry& lent) noexcept : core_(std::move(core)), entry_(&lent)
    {}

    std::shared_ptr<detail::connection_core> core_;
    entry* entry_ = nullptr;
};

} // namespace weir
