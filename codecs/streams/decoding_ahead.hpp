#pragma once
// What another source is the compressed form of, decoded on a worker while its reader is busy with what came before.
//
// For readers that work on what they get themselves, as archives do. A flow cuts quickly and has its digests made by
// others: it reads a `decoding_source`, which has no hop between threads.

#include <weir/coding_options.hpp>
#include <weir/source.hpp>

#include <memory>

namespace weir {
class engine;
}

namespace weir::codecs {

/// As a `decoding_source`, but for this: up to four blocks of the reader's own are filled before they are asked for.
/// The input is read on the workers.
/// \throws weir::error  as `decoder`, where the codec is named
[[nodiscard]] std::unique_ptr<source> decode_ahead(engine& owner, std::unique_ptr<source> input,
                                                   const decoding_options& options);

} // namespace weir::codecs
