#pragma once
// From a source to a sink in one call.

#include <weir/chunk_stream.hpp>
#include <weir/sink.hpp>

namespace weir {

/// Pulls all of a source through to a sink: one flow, as one awaitable.
///
/// \param owner, output  live until the awaitable has completed
/// \returns  what it did; unique chunks are not counted here
/// \throws weir::error  as the constructor of `chunk_stream`; of the source, which is closed by then, or of the sink,
///                      whose `finish` was not called or has failed
/// \par Cancellation
/// terminal, partial, total: stops, waits until blocks and descriptors are back, then completes as cancelled. Afterwards
/// the caller's coroutine reacts to terminal alone, as one that `co_spawn` has just started; what comes while a flow that failed is
/// cleaned up after is not seen.
/// \par Executor
/// Resumes on the caller's, where the sink is called too.
[[nodiscard]] WEIR_API boost::asio::awaitable<flow_statistics>
run_flow(engine& owner, std::unique_ptr<source> input, sink& output, stream_options options = {});

} // namespace weir
