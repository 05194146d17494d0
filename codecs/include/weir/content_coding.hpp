#pragma once
// Content codings of HTTP: how a server encoded what it sends.

#include <weir/coding_options.hpp>
#include <weir/export.hpp>
#include <weir/source.hpp>

#include <memory>
#include <span>
#include <string>

namespace weir {

class engine;

/// The codings that `decode_content` can undo with what is built in, best first, as an Accept-Encoding field has them:
/// "zstd, gzip, deflate". \see RFC 9110, section 12.5.3; RFC 8878, section 7.2
[[nodiscard]] WEIR_API std::string accepted_content_codings();

/// Undoes the codings of a body. "deflate" is what RFC 9110, section 8.4.1.2, says, and the raw form that some servers
/// send for it.
/// \param codings  as the fields of the answer list them, the last one first to be undone; `identity` counts for nothing
/// \param options  of each decoder; `codec` and `pass_unknown` do not count
/// \returns  `input` itself where there is nothing to undo
/// \throws weir::error, with the name of the input
///   `errc::unsupported_format`: a coding that is not known, or more than three
///   `errc::codec_unavailable`
[[nodiscard]] WEIR_API std::unique_ptr<source> decode_content(engine& owner, std::unique_ptr<source> input,
                                                              std::span<const std::string> codings,
                                                              decoding_options options = {});

/// Undoes the codings, and decodes what was compressed before them: with `codings`, whether or not it was.
/// \param options  of all decoders
/// \throws weir::error  as `decode_content` and `decoding_source`
[[nodiscard]] WEIR_API std::unique_ptr<source> decode_whole(engine& owner, std::unique_ptr<source> input,
                                                            std::span<const std::string> codings,
                                                            decoding_options options);

} // namespace weir
