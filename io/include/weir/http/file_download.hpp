#pragma once
// A URL into a file, which gets its name when it is whole and right, and which a later process can go on with.
//
//   FILE.part          what came so far; becomes FILE
//   FILE.part.journal  says that FILE.part is ours; of a download that can be taken up also the version, and a digest of each
//                      mebibyte of FILE.part

#include <weir/error.hpp>
#include <weir/export.hpp>
#include <weir/http/client.hpp>
#include <weir/http/source.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string_view>

namespace weir::http {

/// What failed was the file, or the journal beside it, and not the transfer.
class WEIR_API file_error final : public error {
public:
    explicit file_error(const error& cause) noexcept : error(cause) {}
    ~file_error() override;
};

struct file_download_options {
    /// `resume` and `check_whole` are set here; what is `expected` is of the whole file.
    source_options source = {};
    /// What an earlier download of the same URL has left is gone on with, and what this one leaves can be. Off: what is
    /// left is thrown away, when an answer has come.
    bool resume = false;
    /// What came is on the disk, whatever happens to the machine, once in such a time; with `resume`.
    std::chrono::milliseconds sync_interval{5000};
    /// Told in a line what a user should know: that a download cannot be gone on with, and why it starts anew.
    std::function<void(std::string_view text)> notice = {};
};

/// One download of one URL into one file.
///
/// What an earlier process left is read again and compared with the journal's digests before it counts: it is cut off
/// at the first byte that is wrong, and the rest is asked for as a range of the same version, so bytes of two versions
/// are never in one file. Digests that the server stated, then or now, and the expected one are checked over the whole
/// file. A download can be gone on with if the server tells the length and a strong validator.
///
/// `FILE` is replaced at once, by renaming, when its content is on the disk; a failure leaves it as it was. Two
/// downloads into one file exclude each other.
/// \par Thread-safety
/// One call at a time.
class WEIR_API file_download {
public:
    /// Opens the files. \param from  outlives this  \param workers  what waits for the disk
    /// \throws file_error, with the path
    ///   `errc::in_use`: another download has this file
    ///   `EEXIST`: there are bytes in `FILE.part`, and no journal beside it, so they are somebody else's; nothing was changed
    ///   `errc::other_object`, `errc::damaged`, `errc::newer_version`: the journal; nothing was changed
    ///   `EPERM`: the journal, or what is kept, belongs to another user, or others may write to the journal
    ///   what the system reports
    /// \throws weir::error  `errc::bad_configuration`: `resume` with a `Range` of one's own
    file_download(client& from, url what, std::filesystem::path to, boost::asio::any_io_executor workers,
                  file_download_options options = {});
    file_download(const file_download&) = delete;
    file_download& operator=(const file_download&) = delete;
    /// Leaves what can be gone on with, and else nothing.
    ~file_download();

    /// Checks what is kept, and asks for the rest. Another version than the one that is kept: says so, and starts anew.
    /// \throws weir::error  as `http::open`; file_error
    /// \par Cancellation
    /// terminal, partial, total: nothing is lost. Of all awaitables here.
    [[nodiscard]] boost::asio::awaitable<void> open();

    /// Of the whole file, where it is known.
    [[nodiscard]] std::optional<std::uint64_t> size() const noexcept;
    /// What need not be fetched again.
    [[nodiscard]] std::uint64_t kept_bytes() const noexcept;

    /// Fetches and writes a piece. \pre `open` has returned
    /// \returns  how many bytes; 0 when all have come
    /// \throws weir::error  as `http_source::read`; file_error: `ENOSPC` ...
    ///   `errc::mismatch`: with an offset, and with `resume`, what is before it can be gone on with; else nothing is left
    [[nodiscard]] boost::asio::awaitable<std::size_t> write_some(reservation& memory, std::size_t max_bytes);

    /// Checks the whole, waits until it is on the disk, and gives the file its name.
    /// \pre `write_some` has returned 0
    /// \throws weir::error  `errc::mismatch`: a digest is wrong; nothing is left. file_error
    [[nodiscard]] boost::asio::awaitable<source_report> finish();

private:
    class impl;
    const std::shared_ptr<impl> impl_;
};

} // namespace weir::http
