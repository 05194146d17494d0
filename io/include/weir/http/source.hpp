#pragma once
// What a URL gives, as a source of pooled blocks.
//
//   weir::http::client web(context.get_executor(), {});
//   auto image = co_await weir::http::open(web, weir::http::url::parse("https://example.com/big.iso"));
//   co_await weir::run_flow(engine, std::move(image), sink);

#include <weir/export.hpp>
#include <weir/http/client.hpp>
#include <weir/http/digest_fields.hpp>
#include <weir/http/range_answer.hpp>
#include <weir/source.hpp>

#include <boost/asio/awaitable.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace weir::http {

/// Where an earlier fetch of the same object stopped.
struct resume_point {
    std::uint64_t offset = 0; ///< so many bytes are there already
    known_version version;    ///< which they are of; its validator is strong. See `http_source::version`
};

/// Limits of time and retries are the client's.
struct source_options {
    fields header = {};          ///< of each request
    std::uint64_t max_rate = 0;  ///< bytes a second; 0: as fast as it goes
    /// Connections that fetch parts of the object side by side, each into up to a megabyte of blocks ahead of the
    /// consumer. There is one where the server gives no ranges, or no validator that holds the parts together, and with
    /// `max_rate`. A server may serve fewer at a time: each one that it refuses to the end of its attempts (429, 503, or no
    /// connection), while others bring something, is one less from there on. Its part goes on when another is over; only if
    /// there is no other the source fails.
    std::size_t parallel = 1;
    std::uint64_t part_bytes = std::uint64_t{8} << 20; ///< what one of several connections fetches at a time
    /// Checked at the end, besides what the server states.
    std::optional<stated_digest> expected = {};
    /// Gives the bytes behind these, of that version and no other; nothing is asked for where that is all. Goes with
    /// `check_whole` off, and without a `Range` in `header`.
    std::optional<resume_point> resume = {};
    /// Off: digests of the whole, `expected` too, are left to the caller, who alone has all of its bytes. See
    /// `http_source::stated`.
    bool check_whole = true;
    /// Told at the end, in a line each, of digests that the server offered and that were not checked, and why, and of a body
    /// that is doubtful, see `source_report`. Called where the source is read, or on the client's executor by `fetch_all`,
    /// maybe from several threads at a time; must not throw.
    std::function<void(std::string_view text)> notice = {};
    /// Off: of a doubtful body the caller judges, who knows more of its content: that it has an end of its own.
    bool tell_of_doubt = true;
};

/// What came of a stream from a URL; complete when its `read` has given the end.
struct source_report {
    url from;                    ///< after redirects
    unsigned status = 0;         ///< of the first answer
    bool verifiable = false;     ///< its end is known by the framing, not by the end of the connection alone
    std::vector<std::string> checked; ///< digests that were right: `Repr-Digest: sha-256`
    std::vector<std::string> ignored; ///< digests that were stated and could not be checked, with the reason
    /// That the server made of the object to send it, in their order, as its Content-Encoding fields say; `identity` is
    /// left out. Bytes are given as they came: see `decode_content`. Empty for a part of an object, which cannot be decoded.
    std::vector<std::string> content_codings;
    std::uint64_t attempts = 0;  ///< requests that were sent
    std::uint64_t failures = 0;  ///< of them, those that failed and were tried again
    std::uint64_t discarded_bytes = 0; ///< that were fetched for nothing

    /// Whether it may have been cut off, and nobody would know.
    [[nodiscard]] bool is_doubtful() const noexcept { return !verifiable && checked.empty(); }
    static constexpr std::string_view doubt = "nothing but the end of the connection says that this is all of it";
};

/// A URL's body. Bytes of two versions of an object are never put together.
///
/// A body that breaks is taken up where it broke, by a range of the same version: if the server gave a validator that
/// is strong (see `validator::is_strong`), after waits and within the limits of the client's `retry_options`. If it has none, or
/// gives no ranges, the failure is final once bytes were given away.
///
/// All digests that the server states (`Repr-Digest`, `Content-Digest`, `Content-MD5`, `x-amz-checksum-*`), and the one that
/// the caller expects, are checked on the way, on the reader's executor, and at the end. The `Content-Digest` of a 200 is
/// of the whole, also where the rest came by ranges after a break; that of a part is checked over this part, on the
/// client's executor, also where it stands in the trailer of a chunked one. An answer that breaks off behind all of its data is
/// no failure: its `Content-Digest` is then told of as not checked. Where parts are fetched by several connections, the first
/// of them states no digest of the whole, and none is expected, a HEAD asks for it, of the same version, over a connection that
/// nothing else uses afterwards: it may take five seconds, and what it does not tell is not checked.
///
/// Where `source_options::header` has a `Range` of one range of bytes, a 206 has to be that range. What answers several, or those of
/// another unit, is given as it is.
class WEIR_API http_source : public source {
public:
    /// \throws weir::error, with the URL (redacted) and the offset
    ///   `errc::mismatch`: a digest is wrong. Without an offset: one of the whole, at its end. With one: that of an answer which
    ///   states it of its own content, and gave what is behind there; what was given before is not in doubt.
    ///   `errc::version_changed`: what was left to fetch is of another version
    ///   `errc::ended_early`, `errc::deadline_exceeded`, `errc::http_status`, `errc::closed` ...: as `client::send` and
    ///   `response::read_some`, and trying again did not help
    /// \par Cancellation
    /// terminal, partial, total: nothing is lost, what is under way goes on for the next call.
    [[nodiscard]] boost::asio::awaitable<bytes> read(reservation& memory, std::size_t max_bytes) override = 0;

    /// Of what it gives, where the server has told: of the object, or of what is behind `source_options::resume`.
    [[nodiscard]] std::optional<std::uint64_t> size() const noexcept override = 0;
    /// Of the object. What it gives is all of this version: a later `open` goes on with it, see `resume_point`.
    [[nodiscard]] virtual known_version version() const = 0;
    /// The digests of the whole object that the first answer states: of the representation, and the `Content-Digest` of a 200,
    /// whose content is all of it. Each value once, at most two of an algorithm. Empty if it states none that can be checked.
    [[nodiscard]] virtual std::vector<stated_digest> stated() const = 0;
    [[nodiscard]] virtual source_report report() const = 0;
};

/// Asks for `target`, waits for the head of the answer, and gives its body.
/// \throws weir::error  as `client::send`, after trying again as the client's `retry_options` say
///   `errc::http_status`: the answer has a status of 400 or above, or one that is no answer to a GET. A `status_error`.
///   `errc::version_changed`: there is no such version as `source_options::resume` has
///   `errc::bad_configuration`: `resume` with a validator that is not strong, or with what it does not go with
/// \param from  may end before the source; see there what then fails
/// \par Executor
/// Resumes on the caller's; connections are read on the client's.
/// \par Cancellation
/// terminal, partial, total.
[[nodiscard]] WEIR_API boost::asio::awaitable<std::unique_ptr<http_source>> open(client& from, url target,
                                                                                 source_options options);
[[nodiscard]] WEIR_API boost::asio::awaitable<std::unique_ptr<http_source>> open(client& from, url target);

} // namespace weir::http
