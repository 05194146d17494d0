#pragma once
// What lanes found, on its way to the sink.

#include <weir/detail/async_event.hpp>
#include <weir/ingest.hpp>

#include <cstddef>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace weir::detail {

/// A `file_origin` that keeps its path.
struct content_name {
    // A constructor: gcc 12 destroys aggregates twice that are made in a call which is awaited.
    content_name() = default;
    explicit content_name(std::string whole, std::size_t bytes_of_archive = 0) noexcept
        : path(std::move(whole)), archive_bytes(bytes_of_archive)
    {}

    [[nodiscard]] file_origin origin() const noexcept
    {
        return {path, std::string_view(path).substr(0, archive_bytes), codec};
    }

    std::string path;
    std::size_t archive_bytes = 0; ///< of an entry: so much of the path is that of its archive
    std::optional<weir::codec> codec;
};

/// Results of one lane, in the order in which the sink gets them.
struct report {
    enum class outcome : std::uint8_t { part, complete, failed };

    /// Some chunks of one file, and how it ended if it did.
    struct item {
        content_name name;
        std::size_t chunk_count = 0; ///< the next ones in `chunks`
        outcome end = outcome::part;
        file_record file;            ///< of `complete`; its origin is `name` above
        std::error_code code;        ///< of `failed`
        std::string text;
    };

    void add_failure(std::string path, std::error_code code, std::string text)
    {
        item& failed = items.emplace_back();
        failed.name.path = std::move(path);
        failed.end = outcome::failed;
        failed.code = code;
        failed.text = std::move(text);
    }

    void clear() noexcept
    {
        chunks.clear();
        items.clear();
    }

    std::size_t lane = 0;
    std::vector<chunk_record> chunks;
    std::vector<item> items;
};

/// Hands reports from the lanes to the one coroutine that feeds the sink. A lane has a few reports and waits for one
/// to come back when all are on their way: that bounds what is known and not yet written.
class report_channel {
public:
    explicit report_channel(std::size_t lanes);

    // A lane's side.
    [[nodiscard]] boost::asio::awaitable<report*> take(std::size_t lane); ///< an empty report, waited for
    void send(report* filled);
    void put_back(report* unused) noexcept; ///< the sink's side too, once it has a report's content
    void lane_ended(std::exception_ptr failure) noexcept;

    // The sink's side.
    /// The next report; null when all lanes have ended.
    /// \par Cancellation
    /// terminal, partial, total: no report is lost.
    [[nodiscard]] boost::asio::awaitable<report*> receive();
    [[nodiscard]] bool all_ended() const;
    [[nodiscard]] boost::asio::awaitable<void> wait_for_lanes();
    /// Why a lane ended that should not have.
    [[nodiscard]] std::exception_ptr failure() const;

private:
    struct lane_state {
        std::vector<report*> idle;
        async_event back;
    };

    mutable std::mutex mutex_;
    std::vector<std::unique_ptr<report>> reports_; ///< all of them
    std::vector<std::unique_ptr<lane_state>> lanes_;
    std::vector<report*> sent_; ///< in order
    std::size_t running_;
    std::exception_ptr failure_;
    async_event arrived_;
    async_event ended_; ///< all lanes have
};

} // namespace weir::detail
