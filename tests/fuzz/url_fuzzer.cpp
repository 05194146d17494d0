// Any text is a URL or refused with a place in it; what is read is normal, and is read back from what is written.
// Any reference to it resolves or is refused the same way, and no text shows its password.

#include "input.hpp"

#include <weir/error.hpp>
#include <weir/http/url.hpp>

#include <optional>
#include <string>

namespace {

using weir::http::url;

template <class Parse> std::optional<url> read(std::string_view text, Parse parse)
{
    try {
        return parse(text);
    }
    catch (const weir::error& refused) {
        fuzz::require(refused.code() == weir::errc::bad_format || refused.code() == weir::errc::unsupported_scheme);
        fuzz::require(refused.offset() && *refused.offset() <= text.size());
        return std::nullopt;
    }
}

void require_normal(const url& value)
{
    const std::string written = value.unredacted();
    fuzz::require(url::parse(written) == value);
    fuzz::require(url::parse(written).unredacted() == written);
    fuzz::require(value.path().starts_with('/') && value.port() != 0 && !value.host().empty());
    fuzz::require(value.absolute_target().find_first_of(" \t\r\n\\") == std::string::npos);
    fuzz::require(value.with_target(value.target()).target() == value.target());
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size)
{
    fuzz::input input(bytes, size);
    const std::size_t length = input.byte();
    const std::string_view text = input.text();
    const std::string_view reference = text.substr(0, length);
    const auto absolute = read(text.substr(reference.size()), [](std::string_view each) { return url::parse(each); });
    const url base = absolute ? *absolute : url::parse("https://user:secret@host/a/b?c#d");
    require_normal(base);
    if (const auto found = read(reference, [&](std::string_view each) { return base.resolve(each); }))
        require_normal(*found);
    fuzz::require(weir::http::redacted(text).find_first_of("\r\n\x1b") == std::string::npos);
    return 0;
}
