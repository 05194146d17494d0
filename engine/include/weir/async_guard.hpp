#pragma once
// RAII for what cannot be released without waiting: a multi-part upload to abort, a TLS stream to shut down, a
// temporary object on a server.
//
//   weir::async_guard upload(executor, begin_upload(),
//       [](upload_id& id) -> asio::awaitable<void> { co_await abort_upload(id); },   // the usual way
//       [](upload_id& id) noexcept { leave_to_the_next_sweep(id); });                // the last resort
//   ...
//   commit(upload.dismiss());   // nothing is left to release
//
// At the guard's end the release is posted to its executor; the destructor neither blocks nor throws. The posted node
// owns the resource, so nothing is lost whatever becomes of the executor:
//   - it runs: the release is awaited there;
//   - it is stopped: the release waits until it is restarted, or `registry::cleanup_all` forces it;
//   - it is destroyed, with the release queued or halfway: the fallback runs.

#include <weir/detail/guard_core.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/awaitable.hpp>

#include <cassert>
#include <concepts>
#include <memory>
#include <type_traits>
#include <utility>

namespace weir {

/// Owns a `Resource` until its asynchronous release.
///
/// The resource is released exactly once: by the release, when that returns normally, else by the fallback. The
/// release's frame is gone before the fallback runs.
/// \par Thread-safety
/// Distinct objects: any threads. One object: one thread at a time; the release runs on a strand of the executor.
template <class Resource> class async_guard {
public:
    /// Holds nothing.
    async_guard() noexcept = default;

    /// \param executor  where the release runs; outlives the guard
    /// \param release   coroutine `awaitable<void>(Resource&)`. It may be a lambda with captures: it lives as long as
    ///                  its coroutine.
    /// \param fallback  `void(Resource&) noexcept`: releases without waiting. It may run on any thread, and while the
    ///                  executor is being destroyed.
    /// \throws std::bad_alloc  after the fallback has run
    template <class Release, class Fallback>
    async_guard(boost::asio::any_io_executor executor, Resource resource, Release release, Fallback fallback,
                guard_options options)
    {
        static_assert(std::is_same_v<std::invoke_result_t<Release&, Resource&>, boost::asio::awaitable<void>>);
        static_assert(std::is_nothrow_invocable_v<Fallback&, Resource&>, "the fallback must be noexcept");
        using core_type = core<Release, Fallback>;
        std::shared_ptr<core_type> made;
        try {
            made = std::make_shared<core_type>(std::move(executor), std::move(resource), std::move(release),
                                               std::move(fallback), std::move(options));
        }
        catch (...) { // of the allocation: nothing has moved
            fallback(resource);
            throw;
        }
        detail::guard_core::track(made);
        core_ = std::move(made);
    }

    // No default argument: gcc 12 destroys such a temporary twice where the executor is `co_await`ed in the call.
    template <class Release, class Fallback>
    async_guard(boost::asio::any_io_executor executor, Resource resource, Release release, Fallback fallback)
        : async_guard(std::move(executor), std::move(resource), std::move(release), std::move(fallback),
                      guard_options())
    {}

    async_guard(async_guard&& other) noexcept = default;
    async_guard& operator=(async_guard&& other) noexcept
    {
        if (this != &other) {
            release();
            core_ = std::move(other.core_);
        }
        return *this;
    }
    ~async_guard() { release(); }

    /// Whether it holds a resource: false once that is dismissed, or its release has begun.
    explicit operator bool() const noexcept { return core_ && core_->held(); }

    /// \pre it holds a resource
    [[nodiscard]] Resource& operator*() const noexcept
    {
        assert(*this);
        return core_->resource;
    }
    [[nodiscard]] Resource* operator->() const noexcept { return &**this; }

    /// Begins the release now; holds nothing afterwards.
    void release() noexcept
    {
        if (core_)
            detail::guard_core::start(core_);
        core_.reset();
    }

    /// Gives the resource up without releasing it. \pre it holds a resource
    [[nodiscard]] Resource dismiss()
    {
        [[maybe_unused]] const bool mine = core_ && core_->dismiss();
        assert(mine);
        Resource out = std::move(core_->resource);
        core_.reset();
        return out;
    }

    /// Begins the release and waits for its end; holds nothing afterwards. For one that holds nothing it completes
    /// well at once. Completes with `void(boost::system::error_code)`: the code of what the release threw; the
    /// fallback has run then.
    /// \par Cancellation
    /// terminal, partial, total: the release is cancelled. If it ends by that, the fallback runs.
    template <class Token> auto async_release(Token&& token)
    {
        return boost::asio::async_initiate<Token, void(boost::system::error_code)>(
            // It takes the guard itself: an operation that is dropped before it starts releases without a waiter.
            [](auto handler, async_guard guard) {
                const std::shared_ptr<base> core = std::move(guard.core_);
                if (!core)
                    return detail::guard_core::waiter(std::move(handler)).post({});
                detail::guard_core::waiter who(std::move(handler), core->executor());
                detail::guard_core::start_and_wait(core, std::move(who));
            },
            token, std::move(*this));
    }

private:
    struct base : detail::guard_core {
        static_assert(std::is_nothrow_move_constructible_v<Resource>);
        base(boost::asio::any_io_executor&& executor, Resource&& held, guard_options&& options) noexcept
            : guard_core(std::move(executor), std::move(options)), resource(std::move(held))
        {}
        Resource resource;
    };

    template <class Release, class Fallback> struct core final : base {
        static_assert(std::is_nothrow_move_constructible_v<Release> && std::is_nothrow_move_constructible_v<Fallback>);
        core(boost::asio::any_io_executor&& executor, Resource&& held, Release&& usual, Fallback&& last,
             guard_options&& options) noexcept
            : base(std::move(executor), std::move(held), std::move(options)),
              release_(std::move(usual)),
              fallback_(std::move(last))
        {}
        boost::asio::awaitable<void> run_release() override { return release_(this->resource); }
        void run_fallback() noexcept override { fallback_(this->resource); }

        Release release_;
        Fallback fallback_;
    };

    std::shared_ptr<base> core_;
};

} // namespace weir
