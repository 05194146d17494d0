#pragma once
// What a pool of connections is, whatever they are: entries that go through phases, groups of them by key, waiters in
// line, and the limits. The types of keys and connections are known to connection_pool.hpp only.
//
//                      +---------------------- lent again ----------------------+
//                      v                                                        |
//   creating ---> (arrives) ---> borrowed ---> recycling ---> (arrives) ---> idle ---> checking ---> (arrives)
//       |             |             |              |                           |           |
//       |             +-------------+--------------+--- closing <--------------+-----------+
//       +--- failed ---> gone <--------------------------- |
//
// An entry that arrives goes to the first waiter of its key, or lies idle. Waiters are not bound to a connection that
// is being made or checked: a group only counts how many are on the way, and starts more when there are more waiters.
// So a waiter may leave at any time, and nothing has to be undone.

#include <weir/connection_pool_options.hpp>
#include <weir/detail/pending.hpp>
#include <weir/detail/run_on.hpp>
#include <weir/export.hpp>
#include <weir/observer.hpp>
#include <weir/registry.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/intrusive/list.hpp>
#include <boost/intrusive/set.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <string>
#include <system_error>
#include <vector>

namespace weir::detail {

class connection_core;
struct connection_closer;
struct key_group;

enum class connection_phase : std::uint8_t { creating, checking, idle, borrowed, recycling, closing };
inline constexpr std::size_t connection_phase_count = 6;

/// One connection, from the start of its making until it is gone. Owned by its holder while it is borrowed, by the
/// coroutine of its step while it is created, checked, recycled or closed, and by its core's lists while it is idle.
struct WEIR_API connection_entry {
    using clock = std::chrono::steady_clock;

    explicit connection_entry(key_group& where) noexcept : home(where) {}
    connection_entry(const connection_entry&) = delete;
    connection_entry& operator=(const connection_entry&) = delete;
    virtual ~connection_entry();

    /// Ends the connection itself.
    virtual void drop() noexcept = 0;

    key_group& home;
    bool broken = false;    // the holder's
    std::uint64_t uses = 0; // how often it was lent
    registration registered;

    // All that follows is guarded by the core's lock.
    connection_phase phase = connection_phase::creating;
    close_reason reason = close_reason::broken;
    bool made = false;     // it has been a connection
    bool expected = false; // counts in on_the_way of its group
    bool stopped = false;  // its step is to end
    bool reported = false; // as held for too long
    std::uint64_t epoch = 0;
    clock::time_point since;   // of the phase
    clock::time_point unused;  // since when nobody uses it: a check is no use
    clock::time_point checked; // when it was last seen to work
    clock::time_point expires = clock::time_point::max();
    std::shared_ptr<child_control> child; // of its step

    boost::intrusive::list_member_hook<> in_all;
    boost::intrusive::list_member_hook<> in_idle;
    boost::intrusive::list_member_hook<> in_idle_of_key;
    connection_entry* next_step = nullptr; // in a section
};

template <class Connection> struct typed_connection final : connection_entry {
    using connection_entry::connection_entry;
    void drop() noexcept override { connection.reset(); }
    std::optional<Connection> connection;
};

/// Somebody who wants a connection and has not got it yet.
class WEIR_API connection_waiter {
public:
    using clock = std::chrono::steady_clock;

    connection_waiter() noexcept = default;
    connection_waiter(const connection_waiter&) = delete;
    connection_waiter& operator=(const connection_waiter&) = delete;
    virtual ~connection_waiter();

    [[nodiscard]] virtual boost::asio::cancellation_slot slot() const noexcept = 0;
    virtual void accompany(std::unique_ptr<companion> with) noexcept = 0;
    /// Posts what it `granted`, or its `failure`. No lock may be held.
    virtual void complete(std::shared_ptr<connection_core> core) = 0;

    std::uint64_t ticket = 0;  // the order of coming, over all keys
    key_group* home = nullptr; // while it is in line
    std::string name;          // of its key, where an observer wants it
    clock::time_point since;
    clock::time_point deadline = clock::time_point::max();
    std::optional<boost::asio::steady_timer> timer;
    connection_entry* granted = nullptr;
    boost::system::error_code failure;

    boost::intrusive::list_member_hook<> in_line;
    boost::intrusive::set_member_hook<> in_waiting;
    std::unique_ptr<connection_waiter> next_told; // in a section
};

/// What there is of one key. Guarded by the core's lock.
struct WEIR_API key_group {
    using clock = std::chrono::steady_clock;
    template <class Type, boost::intrusive::list_member_hook<> Type::*Hook>
    using list =
        boost::intrusive::list<Type, boost::intrusive::member_hook<Type, boost::intrusive::list_member_hook<>, Hook>>;

    key_group() noexcept = default;
    key_group(const key_group&) = delete;
    key_group& operator=(const key_group&) = delete;
    virtual ~key_group();

    std::string name;                                               // for people
    list<connection_waiter, &connection_waiter::in_line> waiters;   // by ticket
    list<connection_entry, &connection_entry::in_idle_of_key> idle; // the last that came back is the last
    std::size_t live = 0;                                           // entries in any phase
    std::size_t closing = 0;                                        // of them
    std::size_t on_the_way = 0;                                     // of them: being made or checked, and will arrive
    std::size_t unserved = 0;                                       // waiters for whom none is on the way
    std::size_t unmet = 0;   // of them: those whom only the total limit keeps from having one made
    std::uint64_t place = 0; // the ticket of the first who is unserved, while it is in `hungry_`
    std::size_t warm = 0;    // how many shall be idle
    unsigned warm_failures = 0;
    clock::time_point warm_after = clock::time_point::min(); // no new try before

    boost::intrusive::set_member_hook<> in_hungry;
    boost::intrusive::list_member_hook<> in_warm;
};

/// Somebody who waits until all that was there when they came is gone.
struct connection_closer {
    std::uint64_t id;
    std::uint64_t epoch; // of what comes after
    std::size_t left;
    completion<boost::system::error_code> done;
    std::optional<boost::asio::steady_timer> timer = {};
    boost::system::error_code outcome = {};
};

/// What the manager of a pool can do besides creating.
struct connection_abilities {
    bool check = false;
    bool recycle = false;
    bool close = false;
    bool greet = false; // a hook wants to see what comes back
};

class WEIR_API connection_core : public cleanable, public std::enable_shared_from_this<connection_core> {
public:
    using clock = std::chrono::steady_clock;
    using end_completion = completion<boost::system::error_code>;

    /// \throws weir::error  `errc::bad_configuration`
    connection_core(boost::asio::any_io_executor executor, connection_pool_options&& options,
                    connection_abilities abilities);
    ~connection_core() override;

    [[nodiscard]] const boost::asio::any_io_executor& executor() const noexcept { return executor_; }
    /// Registers the pool, where there is a registry.
    void track();

    // For what is lent.
    void give_back(connection_entry& lent) noexcept;
    [[nodiscard]] bool lend_again(connection_entry& lent) noexcept; ///< if not, it is to be given back
    void close_lent(connection_entry& lent) noexcept;
    void forget_lent(connection_entry& lent) noexcept; ///< its connection was taken out

    // For the pool.
    void acquire(std::unique_ptr<connection_waiter> who, clock::time_point deadline);
    void resize(std::size_t max_total, std::size_t max_per_key);
    void close_idle() noexcept;
    /// From now on all that exists is closed as soon as it is not borrowed. `done` is told when it is gone, or at the
    /// deadline.
    void drain(clock::time_point deadline, end_completion done);
    void close(clock::time_point deadline, end_completion done);
    void close() noexcept;
    [[nodiscard]] connection_pool_statistics statistics() const;
    [[nodiscard]] std::vector<held_connection> held_longer_than(clock::duration limit) const;

    // For a registry.
    bool release_now() noexcept override;
    boost::asio::awaitable<void> release() override;
    bool force_release() noexcept override;

protected:
    /// Holds the lock. What was decided meanwhile is done at its end, when the lock is given up: steps are begun, and
    /// handlers are posted.
    class WEIR_API section {
    public:
        explicit section(connection_core& core);
        section(const section&) = delete;
        section& operator=(const section&) = delete;
        ~section();

        [[nodiscard]] clock::time_point now() noexcept { return now_ ? *now_ : now_.emplace(clock::now()); }
        void begin(connection_entry& step) noexcept;
        void tell(std::unique_ptr<connection_waiter> who) noexcept;
        void refuse(std::unique_ptr<connection_waiter> who, boost::system::error_code why) noexcept;
        void end(std::list<connection_closer>& from, std::list<connection_closer>::iterator which,
                 boost::system::error_code outcome) noexcept;

    private:
        connection_core& core_;
        std::unique_lock<std::mutex> lock_;
        std::optional<clock::time_point> now_;
        connection_entry* first_step_ = nullptr;
        std::unique_ptr<connection_waiter> first_told_;
        connection_waiter* last_told_ = nullptr;
        std::list<connection_closer> ended_;
    };

    // What only the types know. Those that take a section run under the lock.
    virtual key_group& group_for(section&, connection_waiter& who) = 0;
    virtual std::unique_ptr<connection_entry> make_entry(section&, key_group& home) = 0;
    virtual void erase(section&, key_group& unused) noexcept = 0;
    [[nodiscard]] virtual std::size_t key_count() const noexcept = 0; // under the lock
    virtual boost::asio::awaitable<void> create(connection_entry& into) = 0;
    virtual boost::asio::awaitable<void> check(connection_entry& which) = 0;
    virtual boost::asio::awaitable<void> recycle(connection_entry& which) = 0;
    virtual boost::asio::awaitable<void> close_gracefully(connection_entry& which) = 0;
    virtual bool usable(connection_entry& which) noexcept = 0;
    virtual bool welcome_back(connection_entry& which) noexcept = 0; ///< usable, and no hook objects
    virtual bool worth_retrying(std::error_code failure) noexcept = 0;
    virtual void tell_closed(connection_entry& which) noexcept = 0;
    virtual void tell_failed(connection_entry& which, const std::exception_ptr& failure) noexcept = 0;

    /// An idle connection of the group, lent; none if there is none, or none may be lent unchecked.
    connection_entry* pick(section& now, key_group& from) noexcept;
    /// Whether what `pick` gave can be used; if not, it is closed.
    bool accept(connection_entry& picked) noexcept;
    void keep_warm(section& now, key_group& group, std::size_t count);
    void close_idle(section& now, key_group& group) noexcept;
    /// After every change of a group: starts what is missing, here and where there is room now. The group may be gone
    /// afterwards.
    void settle(section& now, key_group& group) noexcept;
    [[nodiscard]] bool is_closed(section&) const noexcept { return closed_; }

private:
    class claim;
    struct in_order {
        template <class Left, class Right> bool operator()(const Left& left, const Right& right) const noexcept
        {
            return order(left) < order(right);
        }
        static std::uint64_t order(std::uint64_t ticket) noexcept { return ticket; }
        static std::uint64_t order(const connection_waiter& each) noexcept { return each.ticket; }
        static std::uint64_t order(const key_group& each) noexcept { return each.place; }
    };
    template <class Type, boost::intrusive::set_member_hook<> Type::*Hook>
    using ordered =
        boost::intrusive::set<Type, boost::intrusive::member_hook<Type, boost::intrusive::set_member_hook<>, Hook>,
                              boost::intrusive::compare<in_order>>;

    // Phases: connection_core.cpp
    std::size_t& in_phase(connection_phase phase) noexcept { return phases_[static_cast<std::size_t>(phase)]; }
    [[nodiscard]] std::size_t in_phase(connection_phase phase) const noexcept
    {
        return phases_[static_cast<std::size_t>(phase)];
    }
    void move(section& now, connection_entry& entry, connection_phase to) noexcept;
    void leave_the_way(connection_entry& entry) noexcept;
    void arrive(section& now, connection_entry& entry) noexcept;
    void lend(section& now, connection_entry& entry) noexcept;
    void rest(section& now, connection_entry& entry) noexcept;
    template <class List> static void insert_by_rest(List& into, connection_entry& entry) noexcept;
    bool begin_create(section& now, key_group& group) noexcept;
    void begin_check(section& now, connection_entry& entry) noexcept;
    void begin_close(section& now, connection_entry& entry, close_reason reason) noexcept;
    [[nodiscard]] std::optional<close_reason> why_close(section& now, const connection_entry& entry) const noexcept;
    void dispose(connection_entry& entry) noexcept;

    // Who gets what: serving.cpp
    void queue(section& now, key_group& group, std::unique_ptr<connection_waiter> who);
    [[nodiscard]] bool has_prospects(const key_group& group) const noexcept;
    void grant(section& now, connection_entry& entry) noexcept;
    [[nodiscard]] bool must_yield(const key_group& group) const noexcept;
    [[nodiscard]] connection_waiter* first_unserved(key_group& group) const noexcept;
    [[nodiscard]] connection_entry& next_idle(key_group& group) const noexcept;
    void count(key_group& group) noexcept;
    void distribute(section& now) noexcept;
    void restock(section& now) noexcept;
    [[nodiscard]] std::size_t missing_warm(const key_group& group) const noexcept;
    void drop_unwanted(key_group& group) noexcept;
    std::unique_ptr<connection_waiter> unlink(connection_waiter& who) noexcept;
    void arm_wait(connection_waiter& who);
    void give_up(std::uint64_t ticket) noexcept;
    void time_up(std::uint64_t ticket) noexcept;

    // Steps that take time: steps.cpp
    void run_step(connection_entry& entry) noexcept;
    static boost::asio::awaitable<void> carry_out(std::shared_ptr<claim> mine);
    boost::asio::awaitable<void> perform(connection_entry& entry);
    boost::asio::awaitable<void> make(connection_entry& entry);
    [[nodiscard]] std::optional<clock::duration> pause_before_retry(connection_entry& entry, std::error_code failure,
                                                                    unsigned attempt) noexcept;
    void step_ended(connection_entry& entry, const result<void>& outcome) noexcept;
    void create_failed(connection_entry& entry, std::error_code failure) noexcept;
    void step_lost(connection_entry& entry) noexcept;
    void stop_step(connection_entry& entry) noexcept;
    [[nodiscard]] double random_share() noexcept { return std::uniform_real_distribution<double>(0, 1)(random_); }

    // What happens by itself, and the end: upkeep.cpp
    void arm(clock::time_point due) noexcept;
    void upkeep() noexcept;
    [[nodiscard]] clock::time_point look_after(section& now, connection_entry& entry,
                                               std::vector<held_connection>& held);
    [[nodiscard]] clock::time_point due(const connection_entry& idle) const noexcept;
    [[nodiscard]] bool may_idle_on(const key_group& group) const noexcept { return group.idle.size() <= group.warm; }
    void report(const std::vector<held_connection>& held) noexcept;
    void shut(section& now) noexcept;
    void close_all_idle(section& now, close_reason reason) noexcept;
    void await_end(section& now, clock::time_point deadline, end_completion done);
    void end_wait(std::uint64_t id, boost::system::error_code outcome) noexcept;
    void count_gone(section& now, const connection_entry& entry) noexcept;

    void observe_wait(const connection_waiter& who) const noexcept;
    void observe(event_kind kind, std::string_view operation, const key_group& group, std::chrono::nanoseconds duration,
                 std::error_code outcome) const noexcept;

    const boost::asio::any_io_executor executor_;
    const connection_pool_options options_; // but for the two limits
    const connection_abilities abilities_;
    registration registered_;

    mutable std::mutex mutex_; // guards what follows; never held while anything of a user's runs
    std::size_t max_total_;
    std::size_t max_per_key_;
    bool closed_ = false;
    std::uint64_t epoch_ = 1; // entries of an earlier one are closed as they come back
    std::uint64_t last_ticket_ = 0;
    std::minstd_rand random_{std::random_device{}()};

    key_group::list<connection_entry, &connection_entry::in_all> all_;
    key_group::list<connection_entry, &connection_entry::in_idle> idle_; // of all keys, the longest idle first
    key_group::list<key_group, &key_group::in_warm> warm_;
    ordered<connection_waiter, &connection_waiter::in_waiting> waiting_; // of all keys
    ordered<key_group, &key_group::in_hungry> hungry_;                   // those with unmet waiters
    std::size_t unserved_ = 0;                                           // sums over the groups
    std::size_t unmet_ = 0;
    std::array<std::size_t, connection_phase_count> phases_{};
    std::size_t total_ = 0;
    connection_pool_statistics numbers_; // what was; what is, is counted above

    std::optional<boost::asio::steady_timer> timer_;
    clock::time_point armed_for_ = clock::time_point::max();
    std::list<connection_closer> closers_;
    std::uint64_t last_closer_ = 0;
};

/// `from` plus `time`, which may be without limit.
[[nodiscard]] WEIR_API connection_core::clock::time_point later(connection_core::clock::time_point from,
                                                                connection_core::clock::duration time) noexcept;

} // namespace weir::detail
