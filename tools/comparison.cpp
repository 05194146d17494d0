#include "comparison.hpp"

#include <algorithm>

namespace tool {
namespace {

void count(tally& into, const inventory::part& part)
{
    ++into.chunks;
    into.bytes += part.length;
}

} // namespace

void inventory::add_chunk(const weir::digest& digest, std::uint64_t length)
{
    parts_.push_back({digest, length});
    sorted_ = false;
    bytes_ += length;
}

void inventory::add_file(std::string name, const file& entry) { files_.insert_or_assign(std::move(name), entry); }

void inventory::add_failed(std::string name) { failed_.insert(std::move(name)); }

bool inventory::may_have(std::string_view name) const
{
    for (std::size_t end = name.size(); !failed_.empty(); end = name.rfind('/', end - 1)) {
        if (end == std::string_view::npos)
            return false;
        if (failed_.contains(name.substr(0, end)))
            return true;
        if (end == 0)
            return false;
    }
    return false;
}

const std::vector<inventory::part>& inventory::unique_parts()
{
    if (!sorted_) {
        const auto equal = [](const part& a, const part& b) { return a.digest == b.digest; };
        std::ranges::sort(parts_, {}, &part::digest);
        parts_.erase(std::unique(parts_.begin(), parts_.end(), equal), parts_.end());
        sorted_ = true;
    }
    return parts_;
}

chunk_comparison compare_chunks(inventory& a, inventory& b)
{
    chunk_comparison result;
    const auto& left = a.unique_parts();
    const auto& right = b.unique_parts();
    auto l = left.begin();
    auto r = right.begin();
    while (l != left.end() || r != right.end()) {
        if (r == right.end() || (l != left.end() && l->digest < r->digest))
            count(result.only_a, *l++);
        else if (l == left.end() || r->digest < l->digest)
            count(result.only_b, *r++);
        else {
            count(result.shared, *l++);
            ++r;
        }
    }
    return result;
}

std::string_view to_string(change value) noexcept
{
    switch (value) {
    case change::added: return "added";
    case change::removed: return "removed";
    case change::changed: return "changed";
    case change::identical: return "identical";
    }
    return "unknown";
}

std::vector<file_change> compare_files(const inventory& a, const inventory& b)
{
    std::vector<file_change> changes;
    for (const auto& [name, file] : a.files()) {
        const auto other = b.files().find(name);
        if (other != b.files().end())
            changes.push_back({other->second == file ? change::identical : change::changed, name});
        else if (!b.may_have(name))
            changes.push_back({change::removed, name});
    }
    for (const auto& [name, file] : b.files())
        if (!a.files().contains(name) && !a.may_have(name))
            changes.push_back({change::added, name});
    std::ranges::sort(changes, {}, &file_change::name);
    return changes;
}

} // namespace tool
