#pragma once
// Digests of a body that somebody stated, computed on the way and compared at its end.

#include <weir/http/checksum.hpp>
#include <weir/http/digest_fields.hpp>
#include <weir/http/message.hpp>
#include <weir/http/source.hpp>
#include <weir/slice.hpp>

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace weir::http {

/// The status of a part of an object.
inline constexpr unsigned partial_content = 206;

/// What the last answer was of all that was read.
enum class answer_share : std::uint8_t {
    all,   ///< nothing came by another
    whole, ///< it had all of it, and so did not bring everything that was read
    part,
};

class digest_checker {
public:
    /// The content of the one answer that gave it all, unless it is a part, is the object: its `Content-Digest` too is a
    /// digest of the whole, however the rest came after a break. That of a part is of that answer alone: see `of_answer`.
    /// \param head       of the answer, or of the first one
    /// \param is_whole   what is read is all of the object, by that answer or by several
    digest_checker(const response_head& head, bool is_whole, const std::optional<stated_digest>& expected);

    /// For who has all of the object, whatever answers it came in.
    explicit digest_checker(std::vector<stated_digest> wanted);

    /// Of what one message states of its own content, whatever that is of the object. \see RFC 9530, section 2
    /// \param place  in the object, of what is used of it: the failure has it
    [[nodiscard]] static digest_checker of_answer(const response_head& head, std::uint64_t place);

    void update(std::span<const std::byte> piece);

    /// Compares; `checked` and `ignored` say what was done.
    /// \param trailer  of the last answer
    /// \param share    of that one: only if it was all, digests of contents in `trailer` are of what was read
    /// \throws weir::error  `errc::mismatch`, with `subject`: one is wrong
    void finish(const fields& trailer, answer_share share, std::string_view subject);

    /// Who is told by `finish` of each that was not checked, as `source_options::notice`.
    void tell(std::function<void(std::string_view)> notice) { notice_ = std::move(notice); }

    /// Notes what was not checked elsewhere.
    void ignore(const std::vector<std::string>& others) { ignored_.insert(ignored_.end(), others.begin(), others.end()); }

    /// Digests that are to be checked so far.
    [[nodiscard]] const std::vector<stated_digest>& wanted() const noexcept { return wanted_; }
    [[nodiscard]] const std::vector<std::string>& checked() const noexcept { return checked_; }
    [[nodiscard]] const std::vector<std::string>& ignored() const noexcept { return ignored_; }

private:
    digest_checker() = default;
    void begin();
    void expect_late(const stated_digest& found, answer_share share);
    void expect(const stated_digests& found, digest_scope scope);

    std::vector<stated_digest> wanted_;
    std::map<checksum_algorithm, checksum> running_;
    std::vector<std::string> checked_;
    std::vector<std::string> ignored_;
    std::function<void(std::string_view)> notice_;
    bool is_whole_ = false;    ///< digests of the object are of what is read
    bool has_content_ = false; ///< digests of the content of an answer are, if it was the only one
    std::optional<std::uint64_t> of_answer_; ///< at this place; others are no business of this one
};

/// What a source of these options checks of what it gives.
/// \param is_whole  it gives all of the object
[[nodiscard]] digest_checker checker_for(const response_head& head, bool is_whole, const source_options& options);

/// The digests of the whole object: of its representation, and of the content where that is all of it. Each value once, at most
/// two of an algorithm.
[[nodiscard]] std::vector<stated_digest> stated_in(const response_head& head);

} // namespace weir::http
