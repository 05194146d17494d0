#pragma once
// A container that is gone through: what is in it is compared with what is listed.

#include "contained_files.hpp"
#include "verdict.hpp"

#include <weir/archive.hpp>
#include <weir/engine.hpp>
#include <weir/reservation.hpp>
#include <weir/source.hpp>

#include <boost/asio/awaitable.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace tool {

namespace asio = boost::asio;

/// What a container is opened with.
struct container_settings {
    weir::engine& engine;
    weir::archive_options archive; ///< the settings of its decoder are also those for what is compressed
    std::atomic<std::uint64_t>& bytes_read; ///< of contents, counted up
};

/// \par Thread-safety
/// `go_through` and `verdicts` once, one after the other; `read_entries` from any thread between them.
class opened_container {
public:
    /// Takes entries away, to have them read by a call of `read_entries`; or leaves them.
    using helper = std::function<bool(std::vector<weir::archive_entry>& entries)>;

    /// \param settings  outlive it
    opened_container(container listed, const container_settings& settings);
    opened_container(const opened_container&) = delete;
    opened_container& operator=(const opened_container&) = delete;

    [[nodiscard]] std::size_t bytes() const noexcept { return what_.bytes; } ///< of memory, about

    /// Opens it and reads what is listed, once and in its order, up to the last that is listed. What cannot be read is the
    /// failure of those whom it would have been.
    /// \param memory  of the caller alone
    /// \param help    asked for entries that can be read in any order
    /// \throws only what no file can be blamed for
    /// \par Cancellation
    /// terminal, partial, total: it is over.
    [[nodiscard]] asio::awaitable<void> go_through(weir::reservation& memory, helper help);
    [[nodiscard]] asio::awaitable<void> read_entries(const std::vector<weir::archive_entry>& entries,
                                                     weir::reservation& memory);

    /// Of all files, in the order of the list, when all of it is read.
    [[nodiscard]] std::vector<verdict> verdicts();

private:
    struct outcome {
        bool is_as_listed = false;
        std::string failure; ///< of the first content that was not
        std::size_t passed = 0; ///< of the first of a name: how many of it, from here on, are as listed
    };

    [[nodiscard]] bool has(std::string_view name) const;
    [[nodiscard]] std::vector<std::size_t> unsettled_of(std::string_view name);
    [[nodiscard]] bool is_settled();
    void settle(std::size_t file, std::string why);

    [[nodiscard]] asio::awaitable<std::unique_ptr<weir::archive>> open();
    [[nodiscard]] asio::awaitable<void> read_archive(weir::reservation& memory, helper help);
    [[nodiscard]] asio::awaitable<void> read_compressed(weir::reservation& memory);
    [[nodiscard]] asio::awaitable<void> read_entry(const weir::archive_entry& entry, weir::reservation& memory);
    [[nodiscard]] asio::awaitable<void> compare(std::vector<std::size_t> files, std::unique_ptr<weir::source> input,
                                                weir::reservation& memory);
    [[nodiscard]] asio::awaitable<void> feed(std::vector<content_comparison>& all, weir::source& input,
                                             weir::reservation& memory);

    const container what_;
    const container_settings& settings_;
    std::vector<std::size_t> by_name_; // in what_.files; those of one name in the order of the list
    std::unique_ptr<weir::archive> archive_;
    std::string failure_; // of what was not met

    std::mutex mutex_; // of what follows
    std::vector<outcome> outcomes_;
    std::size_t unsettled_;
};

} // namespace tool
