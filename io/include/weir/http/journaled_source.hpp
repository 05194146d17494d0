#pragma once
// A URL for an ingest that can be gone on with after its process was killed.

#include <weir/export.hpp>
#include <weir/http/client.hpp>
#include <weir/http/source.hpp>
#include <weir/ingest.hpp>

#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <string_view>

namespace weir::http {

struct journaled_source_options {
    source_options source = {}; ///< its `resume` and `check_whole` are set here
    std::filesystem::path journal = {};
    /// What came is in the journal on the disk once in such a time, whatever happens to the machine.
    std::chrono::milliseconds sync_interval{5000};
    /// Told in a line what a user should know: that the URL cannot be gone on with, and why it starts anew.
    std::function<void(std::string_view text)> notice = {};
};

/// Opens `target` as `http::open` does, behind the chunks that the journal tells of, for an `ingest_job` of these
/// settings: for `url_request::input`. The job lists all chunks, as if it had never been interrupted.
///
/// The content of chunks is not kept, so the records of the journal are trusted by their checksums. Of digests of the
/// whole only SHA-256 has a state that outlives a process: another one that the server stated is checked in a run that
/// begins with the first byte, and is told by `notice` in others. A wrong one empties the journal; one of a
/// part of the object takes the chunks out that this part is in, and what follows them.
///
/// The journal stays when all has come: whoever has written the list away removes it, by `journal::remove`.
/// \param settings  of the job; what decides chunks and digests must be the same each time
/// \throws weir::error  as `http::open`, and of the journal
///   `errc::bad_configuration`: `settings.file_digest` is not SHA-256, or there is a `Range` of one's own
///   `errc::other_object`, `errc::other_settings`, `errc::in_use`, `errc::damaged`, `errc::newer_version`: the
///   journal was left as it is
/// \param from  outlives the source
/// \par Executor, Cancellation
/// As `http::open`; the journal is read on the caller's executor.
[[nodiscard]] WEIR_API boost::asio::awaitable<std::unique_ptr<source>>
open_journaled(client& from, url target, ingest_options settings, journaled_source_options options);

} // namespace weir::http
