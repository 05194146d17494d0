#include "decoder_options.hpp"

#include "command.hpp"
#include "options.hpp"

#include <weir/size.hpp>

#include <fmt/format.h>

#include <cstdint>
#include <limits>
#include <utility>
#include <vector>

namespace tool {

using namespace weir::literals;

std::string names_of_codecs()
{
    std::string names;
    for (const weir::codec which : weir::all_codecs())
        names.append(names.empty() ? "" : ", ").append(weir::to_string(which));
    return names;
}

weir::codec read_codec(std::string_view option, std::string_view text, std::string_view others)
{
    const std::optional<weir::codec> which = weir::parse_codec(text);
    if (!which)
        throw usage_error(fmt::format("--{} {}: allowed are {}{}", option, text, others, names_of_codecs()));
    if (!weir::is_built_in(*which))
        throw usage_error(fmt::format("--{} {}: not built in; `weir version --codecs` lists what is", option, text));
    return *which;
}

void add_dictionary(command_line& line, weir::dictionary& into)
{
    line.add({"dictionary", "FILE", "of zstd, as `weir train` and `zstd --train` make them", [&](std::string_view text) {
                  into = weir::dictionary(read_small_file("dictionary", std::string(text), 32_MiB));
              }});
}

void add_decoder_limits(command_line& line, weir::decoder_settings& limits, std::string output_help, bool* has_output)
{
    line.begin_group("Limits of decompression (`none` switches one off)");
    line.add({"memory-limit", "SIZE", "for the window and the tables of a stream (default 128M)",
              [&](std::string_view text) { limits.max_memory_bytes = read_limit("memory-limit", text); }});
    line.add({"ratio-limit", "N", "bytes for each byte of input, past 64M (default 1000)", [&](std::string_view text) {
                  constexpr std::uint64_t most = std::numeric_limits<std::uint32_t>::max();
                  limits.max_ratio =
                      text == "none" ? 0 : static_cast<std::uint32_t>(read_number("ratio-limit", text, 1, most));
              }});
    line.add({"output-limit", "SIZE", std::move(output_help),
              [&limits, has_output](std::string_view text) {
                  limits.max_output_bytes = read_limit("output-limit", text);
                  if (has_output)
                      *has_output = true;
              }});
}

decompress_option::decompress_option(command_line& line)
{
    line.begin_group("Decompression");
    line.add({"decompress", "=HOW",
              "what is compressed, by its first bytes; =auto: the rest as it is; =CODEC: " + names_of_codecs(),
              [this](std::string_view text) {
                  given_ = true;
                  options_.pass_unknown = text == "auto";
                  options_.codec = std::nullopt;
                  if (!text.empty() && text != "auto")
                      options_.codec = read_codec("decompress", text, "auto, ");
              },
              0, [](std::string_view) { return false; }});
    add_dictionary(line, options_.settings.dictionary);
    add_decoder_limits(line, options_.settings, "for each input (default 16G)");
}

std::optional<weir::decoding_options> decompress_option::resolve() const
{
    if (!given_)
        return std::nullopt;
    return options_;
}

} // namespace tool
