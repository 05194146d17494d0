#pragma once
// Look-ups of names on a few threads, and who waits for them.

#include <weir/as_result.hpp>
#include <weir/detail/pending.hpp>
#include <weir/net/resolver.hpp>

#include <boost/asio/async_result.hpp>

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace weir::net::detail {

/// \par Thread-safety
/// All members from any thread.
class lookups : public std::enable_shared_from_this<lookups> {
public:
    /// What came of a look-up, for all who waited for it.
    using answer = std::shared_ptr<const result<std::vector<boost::asio::ip::address>>>;

    [[nodiscard]] static std::shared_ptr<lookups> make(const resolver_options& options);
    lookups(const lookups&) = delete;
    lookups& operator=(const lookups&) = delete;
    ~lookups() = default;

    /// Completes with `void(boost::system::error_code, answer)`; the code is for what is no look-up's outcome:
    /// cancelled, closed, too many.
    template <class Token> auto async_find(std::string name, Token&& token)
    {
        return boost::asio::async_initiate<Token, void(boost::system::error_code, answer)>(
            [](auto handler, std::shared_ptr<lookups> self, std::string wanted) {
                self->find(std::move(wanted), waiter(std::move(handler)));
            },
            token, shared_from_this(), std::move(name));
    }

    /// Those who wait get `errc::closed`; threads end after what they are in.
    void close() noexcept;

    [[nodiscard]] resolver_statistics statistics() const;

private:
    using waiter = weir::detail::completion<boost::system::error_code, answer>;

    /// A name that is being looked up, or waits for a thread.
    struct job {
        std::map<std::uint64_t, waiter> waiters;
    };

    explicit lookups(const resolver_options& options);
    void find(std::string name, waiter who);
    void leave(const std::string& name, std::uint64_t id);
    [[nodiscard]] boost::system::error_code admit(const std::string& name);
    [[nodiscard]] bool provide_thread();
    static void work(const std::shared_ptr<lookups>& self);
    [[nodiscard]] bool next(std::string& name);
    [[nodiscard]] answer look_up(const std::string& name) const;
    void finish(const std::string& name, const answer& found);

    const std::size_t most_threads_;
    const std::size_t most_waiting_;
    const resolver_options::lookup_function lookup_;

    mutable std::mutex mutex_; // guards what follows; never held while completing or looking up
    std::condition_variable wanted_;
    std::unordered_map<std::string, job> jobs_;
    std::deque<std::string> queue_; ///< names of jobs that wait for a thread
    std::size_t threads_ = 0;
    std::size_t idle_ = 0;
    std::uint64_t last_id_ = 0;
    bool closed_ = false;
    resolver_statistics numbers_; ///< `waiting` is the queue's
};

} // namespace weir::net::detail
