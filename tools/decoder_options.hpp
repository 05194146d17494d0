#pragma once
// The options by which commands decode, and how far they trust what they decode.

#include "command_line.hpp"

#include <weir/codec_settings.hpp>
#include <weir/coding_options.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace tool {

/// Of all codecs, with commas.
[[nodiscard]] std::string names_of_codecs();

/// \param others  what is allowed besides, each with a comma behind it
/// \throws usage_error  it is not known, or not built in
[[nodiscard]] weir::codec read_codec(std::string_view option, std::string_view text, std::string_view others = "");

/// Adds --dictionary FILE, which reads it.
void add_dictionary(command_line& line, weir::dictionary& into);

/// Adds --memory-limit, --ratio-limit and --output-limit, which set `limits`.
/// \param output_help  of the last: what the default is
/// \param has_output   set when the last is given
void add_decoder_limits(command_line& line, weir::decoder_settings& limits, std::string output_help,
                        bool* has_output = nullptr);

/// --decompress[=auto|CODEC], with its limits and its dictionary.
class decompress_option {
public:
    /// Adds it to `line`, which refers to this object from then on.
    explicit decompress_option(command_line& line);
    decompress_option(const decompress_option&) = delete;
    decompress_option& operator=(const decompress_option&) = delete;

    /// Nothing: what is read stays as it is.
    [[nodiscard]] std::optional<weir::decoding_options> resolve() const;

    /// With the limits that were given, for other decoders.
    [[nodiscard]] const weir::decoder_settings& settings() const noexcept { return options_.settings; }

private:
    bool given_ = false;
    weir::decoding_options options_;
};

} // namespace tool
