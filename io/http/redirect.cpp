#include <weir/http/redirect.hpp>

#include "secret_names.hpp"

#include <weir/error.hpp>

#include <algorithm>
#include <array>

namespace weir::http {
namespace {

[[noreturn]] void refuse(const request_head& request, std::string_view reason)
{
    throw error(errc::redirect_refused, "redirect", request.target.to_string(), std::nullopt, reason);
}

bool starts_without_case(std::string_view text, std::string_view prefix) noexcept
{
    return same_name(text.substr(0, prefix.size()), prefix);
}

/// What says something about a body. \see RFC 9110, section 15.4
bool describes_body(const field& line) noexcept
{
    constexpr std::array<std::string_view, 7> names = {"Digest", "Repr-Digest",   "Transfer-Encoding", "Trailer",
                                                       "Expect", "Last-Modified", "x-amz-trailer"};
    return starts_without_case(line.name, "Content-") || starts_without_case(line.name, "x-amz-checksum-")
        || std::ranges::any_of(names, [&](std::string_view name) { return same_name(line.name, name); });
}

bool becomes_get(std::string_view method, unsigned status) noexcept
{
    if (status == 303)
        return method != "HEAD";
    return (status == 301 || status == 302) && method == "POST";
}

std::optional<std::string> location_of(const request_head& request, const fields& answer)
{
    std::optional<std::string> found;
    for (const field& line : answer) {
        if (!same_name(line.name, "Location"))
            continue;
        if (found && *found != line.value)
            refuse(request, "two different locations");
        found = line.value;
    }
    return found;
}

url target_of(const request_head& request, std::string_view location)
{
    try {
        // Whom the user named is kept for the same origin; a server does not get to name anybody.
        const url target = request.target.resolve(location);
        return target.origin() == request.target.origin() ? target.with_login_of(request.target) : target.without_login();
    }
    catch (const error& failure) {
        refuse(request, failure.what());
    }
}

} // namespace

std::optional<request_head> follow_redirect(const request_head& request, unsigned status, const fields& answer,
                                            unsigned followed, const redirect_options& options)
{
    constexpr std::array<unsigned, 5> followable = {301, 302, 303, 307, 308};
    if (!options.follow || std::ranges::find(followable, status) == followable.end())
        return std::nullopt;
    const auto location = location_of(request, answer);
    if (!location)
        return std::nullopt;
    if (followed >= options.limit)
        refuse(request, "more than " + std::to_string(options.limit) + " redirects");

    request_head next = request;
    next.target = target_of(request, *location);
    next.about_server = false; // a location is a thing
    if (request.target.is_secure() && !next.target.is_secure())
        refuse(request, "from https to http");
    if (becomes_get(request.method, status)) {
        next.method = "GET";
        next.body = request_body::none;
        next.header.erase_if(describes_body);
    }
    if (next.body == request_body::once)
        refuse(request, "the body cannot be sent again");
    if (next.target.origin() != request.target.origin())
        next.header.erase_if([](const field& line) { return is_sensitive(line.name) || same_name(line.name, "Host"); });
    return next;
}

bool is_sensitive(std::string_view field_name) noexcept
{
    constexpr std::array<std::string_view, 3> prefixes = {"x-amz-", "x-goog-", "x-ms-"};
    const auto starts = [&](std::string_view prefix) { return starts_without_case(field_name, prefix); };
    return std::ranges::any_of(prefixes, starts) || names_secret(field_name);
}

bool is_idempotent(std::string_view method) noexcept
{
    constexpr std::array<std::string_view, 6> methods = {"GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"};
    return std::ranges::find(methods, method) != methods.end();
}

} // namespace weir::http
