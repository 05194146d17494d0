#pragma once
// What the answer to a request for a range is worth, so that bytes of two versions are never put together.

#include <weir/export.hpp>
#include <weir/http/etag.hpp>
#include <weir/http/fields.hpp>
#include <weir/http/range.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace weir::http {

/// What was made of the object to send it, in its order: the elements of `Content-Encoding` in lower case. Those that are
/// empty, and `identity`, are left out.
[[nodiscard]] WEIR_API std::vector<std::string> codings_of(const fields& answer);

/// What is known of the version that earlier bytes came from.
struct known_version {
    http::validator validator;
    std::optional<std::uint64_t> length; ///< of the whole
    std::vector<std::string> codings = {}; ///< see `codings_of`

    friend bool operator==(const known_version&, const known_version&) = default;
};

struct range_answer {
    enum class kind : std::uint8_t {
        part,       ///< 206: the body is the span in `range`
        whole,      ///< 200: the body is everything, from the first byte; the server gives no ranges
        changed,    ///< the version is another one (a 412, or by validator or length); a body is not of the known one
        beyond_end, ///< 416: there is nothing there; `range` may say how long the whole is
        other,      ///< an answer that has nothing to do with the range
    };

    kind what = kind::other;
    std::optional<content_range> range; ///< of a part, or of a 416 that gives one

    friend bool operator==(const range_answer&, const range_answer&) = default;
};

/// Judges the head of an answer to a request for one range.
///
/// A version is another one if an entity tag, or else a date of modification, is there on both sides and differs, or
/// if the complete length does. A weak tag is never equal here, not even to itself. What the answer does not say of
/// these is no change: the request demanded it by `validator::demand_in`. Other codings are another version in any case, also
/// none where there were some: who was not asked by `If-Range` sends all fields that a 200 would have.
/// \param known  nothing at the first request
/// \throws weir::error  `errc::protocol_violation`: a 206 whose `Content-Range` is missing, not valid, given twice, not
///   of what was asked, or not as long as its `Content-Length`; or that is `multipart/byteranges`
/// \see RFC 9110, sections 14.4, 15.3.7 and 15.5.17
[[nodiscard]] WEIR_API range_answer judge_range_answer(const byte_range& asked,
                                                       const std::optional<known_version>& known, unsigned status,
                                                       const fields& answer);

} // namespace weir::http
