#pragma once
// Digests of a body that somebody stated, computed on the way and compared at its end.

#include <weir/http/checksum.hpp>
#include <weir/http/digest_fields.hpp>
#include <weir/http/message.hpp>
#include <weir/http/source.hpp>
#include <weir/slice.hpp>

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

class digest_checker {
public:
    /// \param head       of the answer, or of the first one
    /// \param is_whole   what is read is all of the object, by that answer or by several
    digest_checker(const response_head& head, bool is_whole, const std::optional<stated_digest>& expected);

    /// For who has all of the object, whatever answers it came in.
    explicit digest_checker(std::vector<stated_digest> wanted);

    void update(std::span<const std::byte> piece);

    /// Compares; `checked` and `ignored` say what was done.
    /// \param trailer        of the answer
    /// \param is_one_answer  whether a single answer gave it all, which digests of contents are about
    /// \throws weir::error  `errc::mismatch`, with `subject`: one is wrong
    void finish(const fields& trailer, bool is_one_answer, std::string_view subject);

    /// Who is told by `finish` of each that was not checked, as `source_options::notice`.
    void tell(std::function<void(std::string_view)> notice) { notice_ = std::move(notice); }

    [[nodiscard]] const std::vector<std::string>& checked() const noexcept { return checked_; }
    [[nodiscard]] const std::vector<std::string>& ignored() const noexcept { return ignored_; }

private:
    void begin();
    void expect(const stated_digests& found, digest_scope scope);

    std::vector<stated_digest> wanted_;
    std::map<checksum_algorithm, checksum> running_;
    std::vector<std::string> checked_;
    std::vector<std::string> ignored_;
    std::function<void(std::string_view)> notice_;
    bool is_whole_;
};

/// What a source of these options checks of what it gives.
/// \param is_whole  it gives all of the object
[[nodiscard]] digest_checker checker_for(const response_head& head, bool is_whole, const source_options& options);

/// The best digest of the whole object, if there is one.
[[nodiscard]] std::vector<stated_digest> stated_in(const response_head& head);

} // namespace weir::http
