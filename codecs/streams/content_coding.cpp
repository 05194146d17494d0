#include <weir/content_coding.hpp>

#include "base/ascii.hpp"

#include <weir/coding_source.hpp>
#include <weir/engine.hpp>
#include <weir/error.hpp>

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

namespace weir {
namespace {

constexpr std::size_t most_codings = 3; // each has a decoder's memory

struct coding {
    std::string_view name;
    codec which;
};

constexpr std::array known = { // best first
    coding{"zstd", codec::zstd}, coding{"gzip", codec::gzip}, coding{"deflate", codec::zlib}};

codec codec_of(std::string_view name, std::string_view subject)
{
    if (ascii::equal_in_any_case(name, "x-gzip")) // RFC 9110, section 8.4.1.3
        name = "gzip";
    const auto found = std::ranges::find_if(
        known, [&](const coding& each) { return ascii::equal_in_any_case(each.name, name); });
    if (found == known.end())
        throw error(errc::unsupported_format, "decode", subject, std::nullopt,
                    "Content-Encoding: " + std::string(name));
    return found->which;
}

} // namespace

std::string accepted_content_codings()
{
    std::string list;
    for (const coding& each : known) {
        if (!is_built_in(each.which))
            continue;
        list += list.empty() ? "" : ", ";
        list += each.name;
    }
    return list;
}

std::unique_ptr<source> decode_content(engine& owner, std::unique_ptr<source> input,
                                       std::span<const std::string> codings, decoding_options options)
{
    std::vector<codec> wanted;
    for (const std::string& each : codings)
        if (!ascii::equal_in_any_case(each, "identity"))
            wanted.push_back(codec_of(each, input->name()));
    if (wanted.size() > most_codings)
        throw error(errc::unsupported_format, "decode", input->name(), std::nullopt,
                    std::to_string(wanted.size()) + " content codings");
    options.pass_unknown = false;
    for (; !wanted.empty(); wanted.pop_back()) {
        options.codec = wanted.back();
        options.raw_deflate_too = wanted.back() == codec::zlib;
        input = std::make_unique<decoding_source>(owner, std::move(input), options);
    }
    return input;
}

std::unique_ptr<source> decode_whole(engine& owner, std::unique_ptr<source> input, std::span<const std::string> codings,
                                     decoding_options options)
{
    input = decode_content(owner, std::move(input), codings, options);
    const auto is_coding = [](const std::string& each) { return !ascii::equal_in_any_case(each, "identity"); };
    options.pass_unknown |= std::ranges::any_of(codings, is_coding); // it was compressed, at least on the way
    return std::make_unique<decoding_source>(owner, std::move(input), options);
}

} // namespace weir
