#pragma once
// Archives that an ingest reads, by one lane or by several at a time.

#include "report.hpp"

#include <weir/archive.hpp>
#include <weir/detail/async_event.hpp>

#include <boost/asio/awaitable.hpp>

#include <atomic>
#include <cstddef>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace weir::detail {

/// An archive, and whose turn it is to ask it for entries.
class shared_archive {
public:
    shared_archive(std::string path, std::unique_ptr<archive> opened) noexcept
        : path_(std::move(path)), opened_(std::move(opened))
    {
    }

    [[nodiscard]] const std::string& path() const noexcept { return path_; }
    [[nodiscard]] archive& content() noexcept { return *opened_; }
    /// Whether there may be entries that nobody has taken.
    [[nodiscard]] bool has_more() const noexcept { return !ended_; }
    /// The archive's path, a slash, the entry's.
    [[nodiscard]] content_name name_of(const archive_entry& entry) const;

    /// Appends the next entries, `most` at most: none after the last, or after a failure.
    /// \throws  what `archive::next` does, to one lane
    [[nodiscard]] boost::asio::awaitable<void> take(std::vector<archive_entry>& out, std::size_t most);

private:
    class turn;

    const std::string path_;
    const std::unique_ptr<archive> opened_;
    async_event free_;
    std::atomic<bool> taken_{false};
    std::atomic<bool> ended_{false};
};

/// Where lanes that have nothing else to do find archives whose entries can be read side by side.
/// \par Thread-safety
/// Any threads.
class archive_desk {
public:
    /// \param lanes  each takes a seat
    explicit archive_desk(std::size_t lanes) noexcept : busy_(lanes) {}

    /// One lane's place: however the lane ends, the others do not wait for what it could still offer.
    /// \par Thread-safety
    /// One call at a time.
    class seat {
    public:
        explicit seat(archive_desk& of) noexcept : of_(of) {}
        seat(const seat&) = delete;
        seat& operator=(const seat&) = delete;
        ~seat();

        /// The lane has nothing to do.
        /// \returns  true when there may be something again; false when no lane has, or will have
        /// \par Cancellation
        /// terminal, partial, total: the lane has ended.
        [[nodiscard]] boost::asio::awaitable<bool> wait();

    private:
        archive_desk& of_;
        bool is_busy_ = true;
    };

    void offer(std::shared_ptr<shared_archive> opened);
    /// One that has more; null where there is none.
    [[nodiscard]] std::shared_ptr<shared_archive> find();
    /// It has no more, or nobody shall begin with it.
    void withdraw(const std::shared_ptr<shared_archive>& opened) noexcept;
    /// Withdraws all.
    void clear() noexcept;

private:
    [[nodiscard]] std::shared_ptr<shared_archive> find_locked() const;
    void leave_locked();

    std::mutex mutex_;
    std::vector<std::shared_ptr<shared_archive>> offered_;
    std::vector<std::shared_ptr<async_event>> idle_; ///< the lanes that wait
    std::size_t busy_;
};

} // namespace weir::detail
