#pragma once
// The part of a pool of connections that knows the types of manager, keys and connections.

#include <weir/connection_pool_options.hpp>
#include <weir/detail/connection_core.hpp>
#include <weir/error.hpp>
#include <weir/pooled.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <concepts>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <system_error>
#include <unordered_map>
#include <utility>

namespace weir {

namespace detail {
template <class Key> using hash_of = decltype(std::hash<Key>()(std::declval<const Key&>()));
template <class Key>
concept connection_key =
    std::copy_constructible<Key> && std::equality_comparable<Key> && std::convertible_to<hash_of<Key>, std::size_t>;
template <class Manager>
using created_by = decltype(std::declval<Manager&>().create(std::declval<const typename Manager::key_type&>()));
} // namespace detail

/// What a pool needs of its manager; see connection_pool.hpp.
template <class Manager>
concept connection_manager = std::move_constructible<Manager> && detail::connection_key<typename Manager::key_type>
    && std::same_as<detail::created_by<Manager>, boost::asio::awaitable<typename Manager::connection_type>>;

namespace detail {

// What a manager can do besides. One that has a function of that name in another form is refused, not passed over.
template <class Manager> using connection_of = typename Manager::connection_type&;
template <class Manager>
concept has_usable = noexcept(std::declval<Manager&>().usable(std::declval<connection_of<Manager>>()))
    && std::same_as<decltype(std::declval<Manager&>().usable(std::declval<connection_of<Manager>>())), bool>;
template <class Manager>
concept has_check = std::same_as<decltype(std::declval<Manager&>().check(std::declval<connection_of<Manager>>())),
                                 boost::asio::awaitable<void>>;
template <class Manager>
concept has_recycle = std::same_as<decltype(std::declval<Manager&>().recycle(std::declval<connection_of<Manager>>())),
                                   boost::asio::awaitable<void>>;
template <class Manager>
concept has_close = std::same_as<decltype(std::declval<Manager&>().close(std::declval<connection_of<Manager>>())),
                                 boost::asio::awaitable<void>>;
template <class Manager>
concept has_worth_retrying = noexcept(std::declval<Manager&>().worth_retrying(std::error_code()))
    && std::same_as<decltype(std::declval<Manager&>().worth_retrying(std::error_code())), bool>;
template <class Manager>
concept has_describe =
    std::convertible_to<decltype(std::declval<Manager&>().describe(std::declval<const typename Manager::key_type&>())),
                        std::string>;

/// The part of a pool that knows the types.
template <class Manager> class connection_pool_state final : public connection_core {
    static_assert(
        has_usable<Manager> || !requires { &Manager::usable; }, "bool usable(connection_type&) noexcept");
    static_assert(
        has_check<Manager> || !requires { &Manager::check; }, "awaitable<void> check(connection_type&)");
    static_assert(
        has_recycle<Manager> || !requires { &Manager::recycle; }, "awaitable<void> recycle(connection_type&)");
    static_assert(
        has_close<Manager> || !requires { &Manager::close; }, "awaitable<void> close(connection_type&)");
    static_assert(
        has_worth_retrying<Manager> || !requires { &Manager::worth_retrying; },
        "bool worth_retrying(std::error_code) noexcept");
    static_assert(
        has_describe<Manager> || !requires { &Manager::describe; }, "std::string describe(const key_type&)");

public:
    using key_type = typename Manager::key_type;
    using connection_type = typename Manager::connection_type;
    using hooks_type = connection_hooks<key_type, connection_type>;
    using completion_type = completion<boost::system::error_code, pooled<connection_type>>;

    connection_pool_state(boost::asio::any_io_executor executor, Manager&& manager, connection_pool_options&& options,
                          hooks_type&& hooks)
        : connection_core(std::move(executor), std::move(options),
                          {.check = has_check<Manager>,
                           .recycle = has_recycle<Manager>,
                           .close = has_close<Manager>,
                           .greet = static_cast<bool>(hooks.recycled)}),
          manager_(std::move(manager)),
          hooks_(std::move(hooks))
    {}

    [[nodiscard]] pooled<connection_type> try_acquire(const key_type& key)
    {
        for (;;) {
            connection_entry* found = nullptr;
            {
                section now(*this);
                if (const auto place = groups_.find(key); place != groups_.end())
                    found = pick(now, place->second);
            }
            if (!found)
                return {};
            if (accept(*found))
                return pooled<connection_type>(shared_from_this(), of(*found));
        }
    }

    void wait(const key_type& key, clock::time_point deadline, completion_type done)
    {
        acquire(std::make_unique<waiter>(key, std::move(done)), deadline);
    }

    void warm(const key_type& key, std::size_t count)
    {
        section now(*this);
        keep_warm(now, find_or_make(key), count);
    }

    void close_idle_of(const key_type& key)
    {
        section now(*this);
        if (const auto place = groups_.find(key); place != groups_.end())
            connection_core::close_idle(now, place->second);
    }

private:
    using entry = typed_connection<connection_type>;

    struct group final : key_group {
        const key_type* key = nullptr; // in the table
    };

    struct waiter final : connection_waiter {
        waiter(const key_type& wanted, completion_type handler) : key(wanted), done(std::move(handler)) {}

        [[nodiscard]] boost::asio::cancellation_slot slot() const noexcept override { return done.slot(); }
        void accompany(std::unique_ptr<companion> with) noexcept override { done.accompany(std::move(with)); }
        void complete(std::shared_ptr<connection_core> core) override
        {
            pooled<connection_type> lent;
            if (granted)
                lent = pooled<connection_type>(std::move(core), of(*granted));
            std::move(done).post(failure, std::move(lent));
        }

        key_type key;
        completion_type done;
    };

    [[nodiscard]] static entry& of(connection_entry& which) noexcept { return static_cast<entry&>(which); }
    [[nodiscard]] static const key_type& key_of(const connection_entry& which) noexcept
    {
        return *static_cast<const group&>(which.home).key;
    }

    key_group& find_or_make(const key_type& key)
    {
        if (const auto place = groups_.find(key); place != groups_.end())
            return place->second;
        std::string name;
        if constexpr (has_describe<Manager>)
            name = manager_.describe(key);
        const auto place = groups_.try_emplace(key).first;
        place->second.key = &place->first;
        place->second.name = std::move(name);
        return place->second;
    }

    key_group& group_for(section&, connection_waiter& who) override
    {
        return find_or_make(static_cast<waiter&>(who).key);
    }
    std::unique_ptr<connection_entry> make_entry(section&, key_group& home) override
    {
        return std::make_unique<entry>(home);
    }
    void erase(section&, key_group& unused) noexcept override
    {
        groups_.erase(groups_.find(*static_cast<group&>(unused).key));
    }
    [[nodiscard]] std::size_t key_count() const noexcept override { return groups_.size(); }

    boost::asio::awaitable<void> create(connection_entry& into) override
    {
        connection_type made = co_await manager_.create(key_of(into));
        of(into).connection.emplace(std::move(made));
        if (hooks_.created)
            hooks_.created(key_of(into), *of(into).connection);
    }
    boost::asio::awaitable<void> check(connection_entry& which) override
    {
        if constexpr (has_check<Manager>)
            return manager_.check(*of(which).connection);
        else
            return nothing();
    }
    boost::asio::awaitable<void> recycle(connection_entry& which) override
    {
        if constexpr (has_recycle<Manager>)
            co_await manager_.recycle(*of(which).connection);
        if (hooks_.recycled)
            hooks_.recycled(key_of(which), *of(which).connection);
        co_return;
    }
    boost::asio::awaitable<void> close_gracefully(connection_entry& which) override
    {
        if constexpr (has_close<Manager>)
            return manager_.close(*of(which).connection);
        else
            return nothing();
    }
    static boost::asio::awaitable<void> nothing() { co_return; }

    bool usable([[maybe_unused]] connection_entry& which) noexcept override
    {
        if constexpr (has_usable<Manager>)
            return manager_.usable(*of(which).connection);
        else
            return true;
    }
    bool welcome_back(connection_entry& which) noexcept override
    {
        if (!usable(which))
            return false;
        if (has_recycle<Manager> || !hooks_.recycled)
            return true;
        return quietly([&] { hooks_.recycled(key_of(which), *of(which).connection); });
    }
    bool worth_retrying(std::error_code failure) noexcept override
    {
        if constexpr (has_worth_retrying<Manager>)
            return manager_.worth_retrying(failure);
        else
            return failure == condition::retryable;
    }
    void tell_closed(connection_entry& which) noexcept override
    {
        if (hooks_.closed)
            quietly([&] { hooks_.closed(key_of(which), which.reason); });
    }
    void tell_failed(connection_entry& which, const std::exception_ptr& failure) noexcept override
    {
        if (hooks_.failed)
            quietly([&] { hooks_.failed(key_of(which), failure); });
    }

    template <class Work> static bool quietly(Work&& work) noexcept
    {
        try {
            work();
            return true;
        }
        catch (...) {
            return false;
        }
    }

    Manager manager_;
    hooks_type hooks_;
    std::unordered_map<key_type, group> groups_; // guarded by the lock
};

} // namespace detail
} // namespace weir
