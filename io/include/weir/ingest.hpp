#pragma once
// The main job: files, trees and standard input become chunks with digests, as fast as the machine reads.
//
// Small files are read, cut and digested in batches, each by one worker; large ones and streams flow through a
// chunk_stream, which uses all workers. Files may interleave in the output; the chunks of one file never change order.

#include <weir/archive.hpp>
#include <weir/backend.hpp>
#include <weir/chunk.hpp>
#include <weir/chunk_sizes.hpp>
#include <weir/chunker.hpp>
#include <weir/codec.hpp>
#include <weir/coding_options.hpp>
#include <weir/digest.hpp>
#include <weir/engine.hpp>
#include <weir/export.hpp>
#include <weir/statistics.hpp>
#include <weir/tree_walker.hpp>
#include <weir/url_request.hpp>

#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace weir {

struct chunk_record;

/// What an earlier job has found of a stream, and where this one says what it finds.
///
/// Called on the job's workers, one call at a time, also while the source is read; may block on the file system. What
/// it throws is the failure of the stream.
class WEIR_API stream_history {
public:
    stream_history() = default;
    stream_history(const stream_history&) = delete;
    stream_history& operator=(const stream_history&) = delete;
    virtual ~stream_history();

    /// Of the whole stream, if it is known: it may decide the sizes of chunks.
    [[nodiscard]] virtual std::optional<std::uint64_t> total_bytes() const noexcept = 0;
    /// The next chunks that are known, from the start of the stream on and without gaps; empty after the last. Valid until
    /// the next call. The source begins behind them, where a chunk begins.
    [[nodiscard]] virtual std::span<const chunk_record> known() = 0;
    /// The next chunks that the source gave, after the last that was known; their offsets count from its start.
    virtual void found(std::span<const chunk> chunks) = 0;
    /// The source has ended, and all was found.
    /// \returns  the digest of the whole stream, where the job is to give one
    [[nodiscard]] virtual std::optional<digest> finish() = 0;
};

/// A source that gives only what is behind the chunks of its history.
class WEIR_API resumable_source : public source {
public:
    ~resumable_source() override;
    /// Not null; it may outlive the source.
    [[nodiscard]] virtual std::shared_ptr<stream_history> history() const = 0;
};

/// Whether an ingest takes an argument for a URL: `scheme://`, as RFC 3986 spells schemes. What begins with `http:/` or
/// `https:/` is one in any case, and fails where it is none: as the name of a file it would be shown, and it may hold a password.
[[nodiscard]] WEIR_API bool is_url(std::string_view argument) noexcept;

/// What is read by its entries, if it is an archive: tar, compressed or not, and zip.
enum class archive_choice : std::uint8_t {
    none,
    named, ///< arguments: files, and URLs, but for what comes as a `resumable_source`
    all,   ///< files met in trees too; standard input, and other arguments that are streams
};

struct ingest_options {
    chunker_options chunker = {};
    /// The average by the size of each file, instead of `chunker.average`; nothing: one average for all.
    std::optional<chunk_size_table> sizes = chunk_size_table();
    hash_algorithm hash = hash_algorithm::sha256;
    /// A digest of each whole file besides; computed in order, so one core bounds a large file's speed.
    std::optional<hash_algorithm> file_digest = {};
    std::size_t jobs = 0;         ///< files or batches at a time; 0: as many as the engine has workers
    std::size_t batch_files = 64; ///< small files read together; 1 to 4096
    weir::backend backend = weir::backend::auto_;
    bool direct = false;          ///< past the page cache (O_DIRECT) where the file system can
    std::uint64_t memory_map_threshold = 0; ///< files of this size and above are mapped; 0: none
    /// Files with several names (hard links) that are remembered in a job, so that each is read once. 0: none.
    std::size_t file_cache_size = 1024;
    tree_options tree = {};
    /// Reads the content of what is compressed in its place: of files, streams and URLs, whose content codings are undone
    /// before. With `pass_unknown` the rest is read as it is, else that is an error. Not for a `resumable_source`, nor for
    /// entries of archives.
    std::optional<decoding_options> decode = {};
    /// The path of an entry is that of the archive, a slash, and its name. Directories are not told; links and devices
    /// count as skipped; what is refused, and a name that is unsafe, is a failure of that path. Archives inside of
    /// archives are files like any other. What comes as a stream is known by its first bytes, which are waited for, and
    /// read in order; where it breaks, that is a failure of the entry that was read, and of the archive.
    archive_choice archives = archive_choice::none;
    archive_options archive = {};
    /// Opens arguments that are URLs; called on workers, by each of `jobs` at a time. `http::fetch_all` does it for http
    /// and https. With a `resumable_source` the job goes on with what an earlier one has found. Empty: they fail with
    /// `errc::unsupported_scheme`.
    url_opener open_urls = {};
};

/// One chunk of a file; its content is not kept.
struct chunk_record {
    std::uint64_t offset = 0;
    std::uint64_t length = 0;
    weir::digest digest;
};

/// Which content it is that something is told of.
struct file_origin {
    /// The argument as typed, a slash, the path below it; `-` for standard input; of a URL what `http::redacted` shows.
    std::string_view path;
    /// Of an entry the path of its archive, with which its own begins; else empty.
    std::string_view archive;
    /// Which codec was undone, by `ingest_options::decode`; content codings of HTTP and codecs of archives are not told.
    std::optional<weir::codec> codec;
};

/// One file that was read to its end.
struct file_record : file_origin {
    std::uint64_t size = 0;
    std::uint64_t chunks = 0;
    digest root;                 ///< the Merkle tree hash over its chunks (see merkle_tree.hpp)
    std::optional<digest> whole; ///< of the whole file, where asked for
};

/// Receives what an ingest finds. Users implement it.
///
/// \par Thread-safety
/// One call at a time, on the executor of the job's caller. An exception ends the job and leaves `run`.
class WEIR_API ingest_sink {
public:
    ingest_sink() = default;
    ingest_sink(const ingest_sink&) = delete;
    ingest_sink& operator=(const ingest_sink&) = delete;
    virtual ~ingest_sink();

    /// The next chunks of a file, in order; calls for one file may come between those of others.
    [[nodiscard]] virtual boost::asio::awaitable<void> chunks(const file_origin& of,
                                                              std::span<const chunk_record> records) = 0;
    /// A file is complete: all its chunks came before.
    [[nodiscard]] virtual boost::asio::awaitable<void> file(const file_record& record) = 0;
    /// A file, directory or argument failed, maybe after some of its chunks; `text` is the whole message.
    [[nodiscard]] virtual boost::asio::awaitable<void> failed(std::string_view path, std::error_code code,
                                                              std::string_view text) = 0;
};

struct ingest_summary {
    std::uint64_t files = 0;   ///< that were read to their end
    std::uint64_t errors = 0;  ///< calls of `failed`
    /// FIFOs, sockets and devices met in trees; also what one of them, or a link, replaced before it was read.
    std::uint64_t skipped = 0;
    std::uint64_t bytes = 0;   ///< in chunks that the sink was given
    std::uint64_t chunks = 0;
    std::uint64_t unique_chunks = 0;
    std::uint64_t unique_bytes = 0;
    bool unique_exact = true;  ///< false: the two above are estimates
    std::chrono::nanoseconds elapsed{0};
    std::string backend;       ///< "uring", "threads" or "mmap": what read the data that was not cached
    std::string fallback;      ///< why the preferred back end was not used; empty when it was
    std::string kernels;       ///< "cut=NAME digest=NAME"
    stage_snapshot stages{};   ///< of all streams together

    /// The same numbers with what follows from them: dedup ratio, throughput, the stage that held the others back.
    [[nodiscard]] flow_statistics as_flow() const noexcept
    {
        return {bytes, chunks, unique_chunks, unique_bytes, unique_exact, elapsed, stages};
    }
};

/// Appends the next arguments to `out`: none after the last; else one, and others only as far as they are at hand,
/// `most` in all. Called on a worker, one call at a time, and may block there for the first; whoever cancels the job
/// then has to make it return.
using path_supplier = std::function<void(std::vector<std::string>& out, std::size_t most)>;

/// One ingest. Arguments are paths of files and trees, URLs, `-` for standard input (`./-` is a file of that name).
///
/// \par Thread-safety
/// `run` once; `summary` from any thread at any time. The engine outlives the job, but for one that
/// alone has its workers: the job is then closed at the engine's end.
class WEIR_API ingest_job {
public:
    /// \throws weir::error  `errc::bad_chunk_sizes`, `errc::bad_configuration`
    ///                      `errc::pool_too_small`: the engine's pool is below what the largest chunk needs
    ///                      `errc::backend_unavailable`: the back end was asked for by name and cannot be used
    ingest_job(engine& owner, ingest_options options, ingest_sink& output);
    ingest_job(const ingest_job&) = delete;
    ingest_job& operator=(const ingest_job&) = delete;
    ~ingest_job();

    /// Reads all of it. What fails is reported to the sink, and the rest goes on.
    /// \throws whatever the sink throws; `errc::closed`: the engine was shut down
    /// \par Cancellation
    /// terminal, partial, total: stops within a few milliseconds, or when a read that the system cannot cancel is
    /// done; then throws `operation_aborted`. `summary` says how far it came. Afterwards the caller's coroutine reacts to
    /// terminal alone, as one that `co_spawn` has just started.
    [[nodiscard]] boost::asio::awaitable<void> run(path_supplier paths);

    [[nodiscard]] ingest_summary summary() const;

private:
    class impl;
    std::unique_ptr<impl> impl_;
};

} // namespace weir
