#pragma once
// Many small objects by few connections.
//
//   std::vector<weir::url_request> wanted;
//   for (std::string& each : urls)
//       wanted.push_back({std::move(each), pool.try_acquire(16 * 1024).value_or(weir::buffer())});
//   const weir::http::source_options plainly;
//   wanted = co_await weir::http::fetch_all(web, std::move(wanted), plainly, 8);

#include <weir/export.hpp>
#include <weir/http/client.hpp>
#include <weir/http/source.hpp>
#include <weir/url_request.hpp>

#include <boost/asio/awaitable.hpp>

#include <cstddef>
#include <vector>

namespace weir::http {

/// Gets URLs side by side, in their order: a body that fits goes to the room of its request, with all the checks of an
/// `http_source`; any other, and one of unknown length that has not ended a second after it began, is given as a source
/// that `open` would give.
///
/// A source keeps its connection, and nobody reads it before all is given. So a second after the first one (with
/// `source_options::parallel`: from then on) no further request is begun, and those that have no answer are given up: 10 s
/// later, or at that second where some wait for a connection, which a source may have. What was not begun or was given
/// up comes back without an answer.
/// \param from         may end before the sources; see there what then fails
/// \param options      of each; with `max_rate` all bodies are given as sources, and `resume` does not count
/// \param connections  that are used side by side, at least 1; what the client's pool allows bounds it too
/// \throws  nothing but for the caller's cancellation: what is wrong with a request is its `failure`
/// \par Executor
/// Resumes on the caller's; connections are read on the client's.
/// \par Cancellation
/// terminal, partial, total: ends all requests, and throws when the last one has ended. Then the caller's coroutine reacts to terminal
/// alone, as one that `co_spawn` has just started.
[[nodiscard]] WEIR_API boost::asio::awaitable<std::vector<url_request>>
fetch_all(client& from, std::vector<url_request> requests, source_options options, std::size_t connections);

} // namespace weir::http
