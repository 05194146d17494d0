#include "digest_checker.hpp"

#include <weir/error.hpp>

#include <algorithm>
#include <iterator>
#include <utility>

namespace weir::http {
namespace {

constexpr std::string_view not_known_before = ": it came behind the body, and its algorithm was not announced";

/// Only chunks can have one behind them.
bool can_have_trailer(const response_head& head) { return head.header.contains("Transfer-Encoding"); }

} // namespace

digest_checker::digest_checker(const response_head& head, bool is_whole, const std::optional<stated_digest>& expected)
    : is_whole_(is_whole), has_content_(is_whole && head.status != partial_content)
{
    const stated_digests found = digests_of(head.header, head.status != partial_content);
    ignored_ = found.ignored;
    if (is_whole_)
        expect(found, digest_scope::representation);
    if (has_content_)
        expect(found, digest_scope::content);
    if (expected)
        wanted_.push_back(*expected);
    begin();
    if (has_content_ && can_have_trailer(head)) // else it is somebody else's, or there is none
        for (const checksum_algorithm each : announced_digests(head.header))
            running_.try_emplace(each, each);
}

digest_checker::digest_checker(std::vector<stated_digest> wanted) : wanted_(std::move(wanted)), is_whole_(true)
{
    begin();
}

digest_checker digest_checker::of_answer(const response_head& head, std::uint64_t place)
{
    digest_checker out;
    out.of_answer_ = place;
    out.has_content_ = true;
    out.expect(digests_of(head.header, false), digest_scope::content);
    out.begin();
    for (const std::string_view name : head.header.elements("Trailer"))
        if (can_have_trailer(head) && same_name(name, "Content-Digest"))
            for (const checksum_algorithm each : announced_digests(head.header))
                out.running_.try_emplace(each, each);
    return out;
}

void digest_checker::begin()
{
    for (const stated_digest& each : wanted_)
        running_.try_emplace(each.algorithm, each.algorithm);
}

void digest_checker::expect(const stated_digests& found, digest_scope scope)
{
    std::ranges::copy_if(found.checkable, std::back_inserter(wanted_), [&](const auto& each) { return each.scope == scope; });
}

void digest_checker::update(std::span<const std::byte> piece)
{
    for (auto& [algorithm, sum] : running_)
        sum.update(piece);
}

void digest_checker::finish(const fields& trailer, answer_share share, std::string_view subject)
{
    const stated_digests late = digests_of(trailer, is_whole_ && share != answer_share::part);
    if (!of_answer_)
        ignore(late.ignored);
    for (const stated_digest& each : late.checkable)
        expect_late(each, share);
    std::map<checksum_algorithm, std::vector<std::byte>> sums;
    for (auto& [algorithm, sum] : running_)
        sums.emplace(algorithm, sum.finish());
    for (const stated_digest& each : wanted_) {
        if (sums.at(each.algorithm) != each.value)
            throw error(errc::mismatch, "check", subject, of_answer_, each.field);
        else
            checked_.push_back(each.field);
    }
    if (notice_)
        for (const std::string& each : ignored_)
            notice_(std::string(subject).append(": not checked: ").append(each));
}

/// Takes what came behind the body.
void digest_checker::expect_late(const stated_digest& found, answer_share share)
{
    const bool is_of_content = found.scope == digest_scope::content;
    if (is_of_content ? !(has_content_ && share == answer_share::all) : of_answer_.has_value())
        return; // it is somebody else's: who reads the one answer, or who has the object
    if (!is_of_content && !is_whole_)
        ignored_.push_back(found.field + ": it is of more than was read");
    else if (running_.contains(found.algorithm))
        wanted_.push_back(found);
    else
        ignored_.push_back(found.field + std::string(not_known_before));
}

digest_checker checker_for(const response_head& head, bool is_whole, const source_options& options)
{
    if (!options.check_whole)
        return digest_checker(head, false, std::nullopt);
    digest_checker out(head, is_whole, options.expected);
    out.tell(options.notice);
    return out;
}

std::vector<stated_digest> stated_in(const response_head& head)
{
    const stated_digests found = digests_of(head.header, head.status != partial_content);
    std::vector<stated_digest> out;
    for (const stated_digest& each : found.checkable) {
        const auto is_like_it = [&](const stated_digest& other) { return other.algorithm == each.algorithm; };
        const auto is_same = [&](const stated_digest& other) { return is_like_it(other) && other.value == each.value; };
        // Two that differ are enough to tell that one is wrong: a journal has room for so many.
        const bool is_known = std::ranges::any_of(out, is_same) || std::ranges::count_if(out, is_like_it) == 2;
        if (is_known || (each.scope == digest_scope::content && head.status == partial_content))
            continue;
        out.push_back(each);
        out.back().scope = digest_scope::representation; // of a content there is no more
    }
    return out;
}

} // namespace weir::http
