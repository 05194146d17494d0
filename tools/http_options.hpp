#pragma once
// The options of the commands that fetch URLs, and the client that they come to.

#include "command_line.hpp"

#include <weir/http/client.hpp>
#include <weir/http/fetch.hpp>
#include <weir/http/source.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace tool {

namespace asio = boost::asio;

struct http_settings {
    weir::http::client_options client;
    weir::http::source_options source;
};

class http_options {
public:
    /// Adds the options to `line`, which refers to this object from then on.
    explicit http_options(command_line& line);
    http_options(const http_options&) = delete;
    http_options& operator=(const http_options&) = delete;

    /// \param arguments  all that the command works on, as typed
    /// \param or_more    what it works on is not known yet: --files-from
    /// \throws usage_error  for options that do not fit each other, or not these arguments, and for a proxy of theirs that cannot
    ///   be used, also of the environment
    [[nodiscard]] http_settings resolve(const std::vector<std::string>& arguments, bool or_more) const;

private:
    void add_requests(command_line& line);
    void add_ways(command_line& line);
    void add_limits(command_line& line);
    void add_time(command_line& line, std::string name, std::string help,
                  std::vector<weir::http::time_limits::duration weir::http::time_limits::*> sets);

    http_settings values_;
};

/// \param what  goes only with whole objects: an option, a command
/// \throws usage_error  only a part of an object is asked for
void refuse_parts(const http_settings& values, std::string_view what);

/// Has servers encode what they send as `weir::decode_content` can undo it.
/// \throws usage_error  as `refuse_parts`
void accept_codings(http_settings& values);

/// What to say of a doubtful body, see `weir::http::source_report`. \param url  as typed
[[nodiscard]] std::string doubt_of(const std::string& url);

/// Says so on standard error if anybody could have sent what is read.
void warn_of_insecurity(const http_settings& values);

/// Opens URLs with one client, which is made when the first of them needs it: reading the system's certificates takes
/// longer than a small file.
/// \par Thread-safety
/// `open`, `fetch`, `client` and `close`: any threads. What it has opened goes first.
class http_opener {
public:
    /// \param executor  of the connections
    /// \param users     that open or fetch at a time: for each there are the connections that it may keep
    /// \param notice    told as `weir::http::source_options::notice`
    http_opener(asio::any_io_executor executor, http_settings values, std::size_t users,
                std::function<void(std::string_view)> notice);

    /// \param tell_of_doubt  as `weir::http::source_options`
    /// \throws weir::error  as `weir::http::url::parse` and `weir::http::open`
    [[nodiscard]] asio::awaitable<std::unique_ptr<weir::http::http_source>> open(std::string url, bool tell_of_doubt = true);

    /// As `weir::http::fetch_all`.
    [[nodiscard]] asio::awaitable<std::vector<weir::url_request>> fetch(std::vector<weir::url_request> requests);

    [[nodiscard]] const http_settings& settings() const noexcept { return values_; }
    /// What opens them.
    [[nodiscard]] weir::http::client& client();

    /// Closes idle connections: the executor's loop would wait for them.
    void close() noexcept;
    /// Of a pointer to an opener: closes it when the pointer goes.
    struct closer {
        void operator()(http_opener* opened) const noexcept { opened->close(); }
    };

private:
    asio::any_io_executor executor_;
    http_settings values_;
    std::size_t connections_; // that one user fetches small objects by
    std::mutex mutex_;
    std::unique_ptr<weir::http::client> client_;
};

} // namespace tool
