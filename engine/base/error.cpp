#include <weir/error.hpp>

#include "base/ascii.hpp"

#include <boost/system/system_error.hpp>

#include <cerrno>
#include <cstring>
#include <new>

#include <sys/resource.h>

namespace weir {
namespace {

const char* message_of(errc code) noexcept
{
    switch (code) {
    case errc::invalid_size: return "invalid size";
    case errc::exhausted: return "exhausted";
    case errc::bad_configuration: return "bad configuration";
    case errc::pool_too_small: return "the pool is too small";
    case errc::bad_chunk_sizes: return "impossible chunk sizes";
    case errc::kernel_unavailable: return "no such kernel on this CPU";
    case errc::backend_unavailable: return "the back end cannot be used here";
    case errc::closed: return "closed";
    case errc::file_shrank: return "the file shrank while it was read";
    case errc::mapping_broken: return "the file was truncated under its map";
    case errc::ended_early: return "ended early";
    case errc::deadline_exceeded: return "deadline exceeded";
    case errc::mismatch: return "the content does not match";
    case errc::bad_format: return "bad format";
    case errc::not_seekable: return "not seekable";
    case errc::unsupported_scheme: return "no support for such URLs";
    case errc::protocol_violation: return "the peer breaks the protocol";
    case errc::redirect_refused: return "the redirect is refused";
    case errc::pool_timeout: return "no connection came free in time";
    case errc::queue_full: return "too many wait for a connection";
    case errc::connect_timeout: return "no connection was made in time";
    case errc::resolve_failed: return "the host name cannot be resolved";
    case errc::resolver_unavailable: return "the host name cannot be looked up now";
    case errc::tls_failed: return "no trusted TLS connection";
    case errc::http_status: return "the server's answer is an error";
    case errc::version_changed: return "the object changed while it was read";
    case errc::codec_unavailable: return "the codec is not built in";
    case errc::truncated: return "the data is truncated";
    case errc::corrupt_data: return "the data is corrupt";
    case errc::checksum_mismatch: return "the checksum is wrong";
    case errc::unknown_dictionary: return "an unknown dictionary is needed";
    case errc::trailing_data: return "something else follows the compressed data";
    case errc::unsupported_format: return "the format is not supported";
    case errc::limit_exceeded: return "a limit is exceeded";
    case errc::encrypted: return "encrypted";
    case errc::unsafe_name: return "the name is unsafe";
    case errc::no_such_entry: return "no such entry";
    case errc::in_use: return "in use";
    case errc::damaged: return "damaged";
    case errc::newer_version: return "written by a newer version of weir";
    case errc::other_object: return "of another object";
    case errc::other_settings: return "of other settings";
    case errc::internal: return "internal error";
    }
    return "unknown error";
}

const char* name_of(errc code) noexcept
{
    switch (code) {
    case errc::invalid_size: return "invalid_size";
    case errc::exhausted: return "exhausted";
    case errc::bad_configuration: return "bad_configuration";
    case errc::pool_too_small: return "pool_too_small";
    case errc::bad_chunk_sizes: return "bad_chunk_sizes";
    case errc::kernel_unavailable: return "kernel_unavailable";
    case errc::backend_unavailable: return "backend_unavailable";
    case errc::closed: return "closed";
    case errc::file_shrank: return "file_shrank";
    case errc::mapping_broken: return "mapping_broken";
    case errc::ended_early: return "ended_early";
    case errc::deadline_exceeded: return "deadline_exceeded";
    case errc::mismatch: return "mismatch";
    case errc::bad_format: return "bad_format";
    case errc::not_seekable: return "not_seekable";
    case errc::unsupported_scheme: return "unsupported_scheme";
    case errc::protocol_violation: return "protocol_violation";
    case errc::redirect_refused: return "redirect_refused";
    case errc::pool_timeout: return "pool_timeout";
    case errc::queue_full: return "queue_full";
    case errc::connect_timeout: return "connect_timeout";
    case errc::resolve_failed: return "resolve_failed";
    case errc::resolver_unavailable: return "resolver_unavailable";
    case errc::tls_failed: return "tls_failed";
    case errc::http_status: return "http_status";
    case errc::version_changed: return "version_changed";
    case errc::codec_unavailable: return "codec_unavailable";
    case errc::truncated: return "truncated";
    case errc::corrupt_data: return "corrupt_data";
    case errc::checksum_mismatch: return "checksum_mismatch";
    case errc::unknown_dictionary: return "unknown_dictionary";
    case errc::trailing_data: return "trailing_data";
    case errc::unsupported_format: return "unsupported_format";
    case errc::limit_exceeded: return "limit_exceeded";
    case errc::encrypted: return "encrypted";
    case errc::unsafe_name: return "unsafe_name";
    case errc::no_such_entry: return "no_such_entry";
    case errc::in_use: return "in_use";
    case errc::damaged: return "damaged";
    case errc::newer_version: return "newer_version";
    case errc::other_object: return "other_object";
    case errc::other_settings: return "other_settings";
    case errc::internal: return "internal";
    }
    return "unknown";
}

bool matches(errc code, condition wanted) noexcept
{
    switch (code) {
    case errc::invalid_size:
    case errc::bad_configuration:
    case errc::pool_too_small:
    case errc::bad_chunk_sizes:
    case errc::kernel_unavailable:
    case errc::bad_format:
    case errc::mismatch:
    case errc::truncated:
    case errc::corrupt_data:
    case errc::checksum_mismatch:
    case errc::unknown_dictionary:
    case errc::trailing_data:
    case errc::unsupported_format:
    case errc::encrypted:
    case errc::unsafe_name:
    case errc::no_such_entry:
    case errc::damaged:
    case errc::newer_version:
    case errc::other_object:
    case errc::other_settings:
        return wanted == condition::bad_input || wanted == condition::permanent;
    case errc::exhausted:
    case errc::pool_timeout:
    case errc::queue_full:
        return wanted == condition::exhausted || wanted == condition::retryable;
    case errc::limit_exceeded:
        return wanted == condition::exhausted || wanted == condition::permanent;
    case errc::file_shrank:
    case errc::mapping_broken:
    case errc::ended_early:
    case errc::deadline_exceeded:
    case errc::connect_timeout:
    case errc::resolver_unavailable:
    case errc::version_changed:
    case errc::in_use:
        return wanted == condition::retryable;
    case errc::closed:
    case errc::backend_unavailable:
    case errc::codec_unavailable:
    case errc::not_seekable:
    case errc::unsupported_scheme:
    case errc::protocol_violation:
    case errc::redirect_refused:
    case errc::resolve_failed:
    case errc::tls_failed:
    case errc::http_status:
    case errc::internal:
        return wanted == condition::permanent;
    }
    return false;
}

bool is_one_of(int number, std::initializer_list<int> numbers) noexcept
{
    for (int candidate : numbers)
        if (candidate == number)
            return true;
    return false;
}

bool system_matches(int number, condition wanted) noexcept
{
    const bool cancelled = number == ECANCELED;
    const bool exhausted = is_one_of(number, {ENOMEM, ENOSPC, EMFILE, ENFILE, EDQUOT, ENOBUFS, ENOLCK});
    const bool bad_input = is_one_of(number, {EINVAL, ENOENT, ENOTDIR, EISDIR, ENAMETOOLONG, ELOOP, EBADF, EFBIG});
    const bool retryable = exhausted
        || is_one_of(number, {EINTR, EAGAIN, EBUSY, ETIMEDOUT, ECONNRESET, ECONNREFUSED, ECONNABORTED, ENETUNREACH,
                              EHOSTUNREACH, EPIPE, ENETDOWN, ESTALE});
    switch (wanted) {
    case condition::cancelled: return cancelled;
    case condition::exhausted: return exhausted;
    case condition::bad_input: return bad_input;
    case condition::retryable: return retryable;
    case condition::permanent: return !retryable && !cancelled;
    }
    return false;
}

std::string limit_of_descriptors()
{
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY)
        return {};
    return ", and ulimit -n is " + std::to_string(limit.rlim_cur);
}

class weir_category_type final : public std::error_category {
public:
    const char* name() const noexcept override { return "weir"; }
    std::string message(int value) const override { return message_of(static_cast<errc>(value)); }
};

class condition_category_type final : public std::error_category {
public:
    const char* name() const noexcept override { return "weir condition"; }

    std::string message(int value) const override
    {
        switch (static_cast<condition>(value)) {
        case condition::retryable: return "may succeed later";
        case condition::permanent: return "will fail again";
        case condition::bad_input: return "bad input";
        case condition::exhausted: return "a limit is reached";
        case condition::cancelled: return "cancelled";
        }
        return "unknown condition";
    }

    bool equivalent(const std::error_code& code, int value) const noexcept override
    {
        const auto wanted = static_cast<condition>(value);
        if (code.category() == weir_category())
            return matches(static_cast<errc>(code.value()), wanted);
        // Whatever else maps to a POSIX value (the system, Asio's operation_aborted) is judged by that.
        const std::error_condition portable = code.default_error_condition();
        return portable.category() == std::generic_category() && portable.value() != 0
            && system_matches(portable.value(), wanted);
    }
};

} // namespace

const std::error_category& weir_category() noexcept
{
    static const weir_category_type instance;
    return instance;
}

const std::error_category& condition_category() noexcept
{
    static const condition_category_type instance;
    return instance;
}

std::error_code make_error_code(errc code) noexcept
{
    return {static_cast<int>(code), weir_category()};
}

std::error_condition make_error_condition(condition value) noexcept
{
    return {static_cast<int>(value), condition_category()};
}

std::string code_name(std::error_code code)
{
    if (code.category() == weir_category())
        return name_of(static_cast<errc>(code.value()));
    const std::error_condition portable = code.default_error_condition();
    if (portable.category() == std::generic_category()) {
#if defined(__GLIBC__)
        if (const char* name = strerrorname_np(portable.value()))
            return name;
#endif
    }
    return std::to_string(code.value());
}

struct error::text {
    std::string operation;
    std::string subject;
    std::optional<std::uint64_t> offset;
    std::string what;
};

error::error(std::error_code code, std::string_view operation, std::string_view subject,
             std::optional<std::uint64_t> offset, std::string_view detail)
    : std::system_error(code)
{
    std::string cause = code.message();
    // "Input/output error" reads as the start of a sentence; acronyms ("RPC ...") stay.
    if (cause.size() > 1 && ascii::is_lower(cause[1]))
        cause[0] = ascii::to_lower(cause[0]);
    if (code == std::errc::too_many_files_open)
        cause += limit_of_descriptors();
    std::string what(operation);
    if (!subject.empty())
        what.append(" ").append(subject);
    if (offset)
        what.append(" at ").append(std::to_string(*offset));
    what.append(": ").append(cause);
    if (!detail.empty())
        what.append(" (").append(detail).append(")");
    for (std::size_t at = 0; (at = what.find('\0', at)) != std::string::npos;) // else `what()` ends there
        what.replace(at, 1, "\\0");
    text_ = std::make_shared<const text>(text{std::string(operation), std::string(subject), offset, std::move(what)});
}

error::error(const error&) noexcept = default;
error& error::operator=(const error&) noexcept = default;
error::~error() = default;

const char* error::what() const noexcept { return text_->what.c_str(); }
const std::string& error::operation() const noexcept { return text_->operation; }
const std::string& error::subject() const noexcept { return text_->subject; }
std::optional<std::uint64_t> error::offset() const noexcept { return text_->offset; }

void throw_system_error(int number, std::string_view operation, std::string_view subject,
                        std::optional<std::uint64_t> offset)
{
    throw error(std::error_code(number, std::system_category()), operation, subject, offset);
}

std::error_code code_of(const std::exception_ptr& failure) noexcept
{
    try {
        if (failure)
            std::rethrow_exception(failure);
        return {};
    }
    catch (const std::system_error& known) {
        return known.code();
    }
    catch (const boost::system::system_error& known) {
        return known.code();
    }
    catch (const std::bad_alloc&) {
        return std::make_error_code(std::errc::not_enough_memory);
    }
    catch (...) {
        return errc::internal;
    }
}

} // namespace weir
