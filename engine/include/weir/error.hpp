#pragma once
// What goes wrong, as a code, a condition to branch on, and an exception that says where.
//
// Three kinds are never mixed. The world (a peer, a file, a user, a limit) gives a weir::error. The
// normal end of a stream is a value (nothing more to read). A bug of ours is an assert.

#include <weir/export.hpp>
#include <weir/version.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

namespace weir {

/// What weir itself reports; the system's errors keep their own category (`EIO`, `ENOENT` ...).
enum class errc {
    invalid_size = 1,      ///< a size of 0, or above what the object can give
    exhausted,             ///< the pool's limit is reached, and the caller did not want to wait
    bad_configuration,     ///< an option has an impossible value; the message names it
    pool_too_small,        ///< the pool cannot hold what the stream must be sure of; the message says how much
    bad_chunk_sizes,       ///< minimum, average and maximum do not fit each other or the algorithm
    kernel_unavailable,    ///< `WEIR_CPU` names no kernel level, or one that this CPU lacks
    backend_unavailable,   ///< a back end was asked for by name and cannot be used here
    closed,                ///< the object was closed while, or before, it was used
    file_shrank,           ///< a file ended before the size it had when it was opened
    mapping_broken,        ///< a mapped file was truncated under its map
    ended_early,           ///< a stream ended in the middle of what it had promised
    deadline_exceeded,     ///< a limit of time ran out
    mismatch,              ///< content is not what it was said to be
    bad_format,            ///< input that has a syntax breaks it; the message says where
    not_seekable,          ///< a position was asked of something that has none
    unsupported_scheme,    ///< a URL of a kind that is not known, or not built in
    protocol_violation,    ///< a peer's message breaks its protocol; the message says how
    redirect_refused,      ///< a redirect that is not followed; the message says why
    pool_timeout,          ///< no connection came free for as long as a connection pool lets its users wait
    queue_full,            ///< as many wait for a connection as a connection pool allows
    connect_timeout,       ///< a connection was not made within its limit of time
    resolve_failed,        ///< a host's name has no address; the message says why
    resolver_unavailable,  ///< a host's name could not be looked up now; the message says why
    tls_failed,            ///< a secure connection could not be made or trusted; the message says why
    http_status,           ///< a server answered with a status of 400 or above, or one that fits no request of ours
    version_changed,       ///< what a URL gives changed while it was read: its parts would not fit together
    codec_unavailable,     ///< a compressed format whose library weir was built without
    truncated,             ///< compressed data, or an archive, ends before it is whole
    corrupt_data,          ///< compressed data, or an archive, breaks its format
    checksum_mismatch,     ///< decoded content, or a header, is not what its checksum says
    unknown_dictionary,    ///< compressed data needs a dictionary that was not given
    trailing_data,         ///< something follows compressed data that is not part of it
    unsupported_format,    ///< a variant of a format that cannot be read; the message names it
    limit_exceeded,        ///< decoded data passes a limit of size, ratio or memory; the message names it
    encrypted,             ///< what is encrypted is not read
    unsafe_name,           ///< the name of an archive's entry leads out of the directory that it would be put into
    no_such_entry,         ///< an archive has no entry of that name
    in_use,                ///< another process, or another object of this one, holds the file
    damaged,               ///< a file that is weir's own is not what weir wrote; the message says where
    newer_version,         ///< a file was written by a later version of weir, in a form that this one cannot read
    other_object,          ///< a journal tells of something else than what is fetched
    other_settings,        ///< a journal was written with other settings of chunks or digests
    internal,              ///< an exception that is not an error of weir's came out of a user's object
};

/// What a caller branches on: `if (failure.code() == weir::condition::retryable) ...`
///
/// Every code of weir, and each of the system's that POSIX has, is one of `retryable`, `permanent` and `cancelled`. The other
/// two say more: what is `bad_input` is `permanent` too, what is `exhausted` is `retryable`, but for `limit_exceeded`. So
/// who tells them apart asks for `bad_input` and `exhausted` first. Other codes that streams of a user's may report are
/// none of these: Asio's own (`eof`, those of look-ups) and those of TLS.
///
/// `http_status` is `permanent` whatever the server said: `http::status_error::status()` tells a 503 from a 404.
enum class condition {
    retryable = 1,   ///< the same call may succeed later
    permanent,       ///< the same call will fail again
    bad_input,       ///< what was given (a size, a name, a configuration) is at fault
    exhausted,       ///< memory, descriptors or another limit ran out
    cancelled,       ///< it was asked to stop
};

[[nodiscard]] WEIR_API const std::error_category& weir_category() noexcept;
[[nodiscard]] WEIR_API const std::error_category& condition_category() noexcept;
[[nodiscard]] WEIR_API std::error_code make_error_code(errc code) noexcept;
[[nodiscard]] WEIR_API std::error_condition make_error_condition(condition value) noexcept;

/// The name by which programs know a code: `ENOENT` for one of the system, `file_shrank` for one of weir.
/// A number as text where the system has no name for it.
[[nodiscard]] WEIR_API std::string code_name(std::error_code code);

/// The exception of every awaitable and throwing function.
///
/// `what()` reads `read a.bin at 1048576: input/output error`: operation, subject, place, cause.
/// Copies share their text; copying does not throw.
class WEIR_API error : public std::system_error {
public:
    /// \param operation  what was being done, as a verb: "open", "read", "reserve"
    /// \param subject    the path, URL or option it was done to; may be empty
    /// \param offset     where in the subject, in bytes, if that says something
    /// \param detail     follows the cause, in parentheses: limits, values allowed
    error(std::error_code code, std::string_view operation, std::string_view subject = {},
          std::optional<std::uint64_t> offset = std::nullopt, std::string_view detail = {});
    error(const error&) noexcept;
    error& operator=(const error&) noexcept;
    ~error() override;

    [[nodiscard]] const char* what() const noexcept override;
    [[nodiscard]] const std::string& operation() const noexcept;
    [[nodiscard]] const std::string& subject() const noexcept;
    [[nodiscard]] std::optional<std::uint64_t> offset() const noexcept;

private:
    struct text;
    std::shared_ptr<const text> text_;
};

/// Throws what `errno`-style `number` says, as a weir::error of the system category.
[[noreturn]] WEIR_API void throw_system_error(int number, std::string_view operation, std::string_view subject = {},
                                              std::optional<std::uint64_t> offset = std::nullopt);

/// The code inside any exception: of a weir::error or any `system_error` its own (Boost's too),
/// `std::bad_alloc` as `ENOMEM`, everything else as `errc::internal`.
[[nodiscard]] WEIR_API std::error_code code_of(const std::exception_ptr& failure) noexcept;

} // namespace weir

template <> struct std::is_error_code_enum<weir::errc> : std::true_type {};
template <> struct std::is_error_condition_enum<weir::condition> : std::true_type {};
