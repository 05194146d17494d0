#include "fetch_exit.hpp"

#include <algorithm>
#include <array>
#include <system_error>

namespace tool {
namespace {

struct meaning {
    std::error_condition what;
    exit_code code;
};

/// The condition that only this code of weir's is.
std::error_condition exactly(weir::errc code)
{
    return {static_cast<int>(code), weir::weir_category()};
}

const std::array meanings = {
    meaning{exactly(weir::errc::bad_format), wrong_usage}, // of a URL
    meaning{exactly(weir::errc::unsupported_scheme), wrong_usage},
    meaning{exactly(weir::errc::bad_configuration), wrong_usage},
    meaning{exactly(weir::errc::pool_too_small), wrong_usage},
    meaning{exactly(weir::errc::resolve_failed), unreachable},
    meaning{exactly(weir::errc::resolver_unavailable), unreachable},
    meaning{exactly(weir::errc::tls_failed), not_secure},
    meaning{exactly(weir::errc::protocol_violation), not_http},
    meaning{exactly(weir::errc::redirect_refused), not_http},
    meaning{exactly(weir::errc::http_status), refused},
    meaning{exactly(weir::errc::ended_early), cut_short},
    meaning{exactly(weir::errc::version_changed), cut_short},
    meaning{exactly(weir::errc::mismatch), wrong_digest},
    meaning{exactly(weir::errc::connect_timeout), took_too_long},
    meaning{exactly(weir::errc::deadline_exceeded), took_too_long},
    meaning{exactly(weir::errc::pool_timeout), took_too_long},
    meaning{make_error_condition(std::errc::timed_out), took_too_long},
    meaning{make_error_condition(std::errc::connection_refused), unreachable},
    meaning{make_error_condition(std::errc::host_unreachable), unreachable},
    meaning{make_error_condition(std::errc::resource_unavailable_try_again), unreachable}, // by a Unix socket
    meaning{make_error_condition(std::errc::network_unreachable), unreachable},
    meaning{make_error_condition(std::errc::network_down), unreachable},
    meaning{make_error_condition(std::errc::address_not_available), unreachable},
    meaning{make_error_condition(std::errc::address_family_not_supported), unreachable},
    meaning{make_error_condition(std::errc::connection_reset), cut_short},
    meaning{make_error_condition(std::errc::connection_aborted), cut_short},
    meaning{make_error_condition(std::errc::broken_pipe), cut_short},
};

} // namespace

exit_code exit_code_of(const weir::error& failure) noexcept
{
    if (failure.operation() == "decode")
        return input_failed; // what came is whole, but not what was compressed
    if (failure.code() == weir::errc::bad_format && (failure.operation() == "open" || failure.operation() == "read"))
        return input_failed; // no archive
    const auto found = std::ranges::find_if(
        meanings, [&](const meaning& candidate) { return failure.code() == candidate.what; });
    if (found == meanings.end())
        return failure.operation().starts_with("connect") ? unreachable : input_failed; // a Unix socket that is not there
    if (found->code != cut_short || failure.operation() == "read")
        return found->code;
    // What breaks off before there is a body: no connection, none that is secure, no answer.
    if (failure.operation().starts_with("connect"))
        return unreachable;
    return failure.operation().starts_with("make a TLS") ? not_secure : not_http;
}

} // namespace tool
