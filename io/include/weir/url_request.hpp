#pragma once
// URLs that somebody wants to read, several at a time.

#include <weir/buffer.hpp>
#include <weir/source.hpp>

#include <boost/asio/awaitable.hpp>

#include <exception>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace weir {

/// One URL, and what came of it. Who asks sets the first two; who answers says one way or the other what came of it.
struct url_request {
    std::string url;                    ///< as it was typed
    buffer room = {};                   ///< empty, for a body that fits; without capacity: for none
    bool is_whole = false;              ///< the body lies in `room`, all of it
    std::unique_ptr<source> input = {}; ///< the body is read from here
    std::vector<std::string> content_codings = {}; ///< of the body, as `http::source_report` has them
    std::exception_ptr failure = {};    ///< why there is no body
    std::string shown = {};             ///< `url` as messages may show it, where there is a body; empty: not told
};

/// Answers one request at the least, and gives all back, in any order. Those without an answer are asked again when the
/// sources that were given are read: so nobody keeps many connections waiting.
/// \throws  what is the failure of all of them
using url_opener = std::function<boost::asio::awaitable<std::vector<url_request>>(std::vector<url_request> requests)>;

} // namespace weir
