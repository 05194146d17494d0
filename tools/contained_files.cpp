#include "contained_files.hpp"

#include <weir/size.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace tool {

std::size_t bytes_of(const contained_file& file) noexcept
{
    return sizeof(file) + file.name.capacity() + file.parts.capacity() * sizeof(contained_file::part);
}

std::string container::path_of(const contained_file& file) const { return codec ? path : path + "/" + file.name; }

content_comparison::content_comparison(const contained_file& with) : with_(with), hasher_(with.hash)
{
    if (with.whole)
        whole_.emplace(with.whole->hash);
}

void content_comparison::update(std::span<const std::byte> piece)
{
    while (!piece.empty() && !has_failed()) {
        if (next_ == with_.parts.size()) {
            failure_ = fmt::format("is longer than {}", weir::format_size_exactly(with_.size));
            return;
        }
        const contained_file::part& part = with_.parts[next_];
        const auto some = piece.first(std::min<std::uint64_t>(piece.size(), part.length - compared_));
        hasher_.update(some);
        if (whole_)
            whole_->update(some);
        compared_ += some.size();
        piece = piece.subspan(some.size());
        if (compared_ != part.length)
            return;
        if (hasher_.finish() != part.digest)
            failure_ = fmt::format("differs in the {} at offset {}", weir::format_size(part.length), offset_);
        offset_ += std::exchange(compared_, 0);
        ++next_;
    }
}

std::string content_comparison::finish()
{
    if (!has_failed() && (next_ != with_.parts.size() || offset_ != with_.size))
        failure_ = fmt::format("ends at offset {}", offset_ + compared_);
    if (!has_failed() && whole_ && whole_->finish() != with_.whole->value)
        failure_ = "differs as a whole";
    return failure_;
}

void contained_files::add(const listed_origin& of, contained_file file)
{
    if (of.codec) {
        container& added = compressed_.emplace_back();
        added.path = of.path;
        added.codec = of.codec;
        added.bytes = bytes_of(file);
        added.files.push_back(std::move(file));
        return;
    }
    file.name = of.path.substr(of.archive.size() + 1);
    const std::size_t bytes = bytes_of(file);
    gathered& into = archives_[of.archive];
    if (into.what.path.empty()) {
        into.what.path = of.archive;
        into.what.bytes = sizeof(gathered) + 2 * of.archive.size(); // as the key, too
        bytes_ += into.what.bytes;
    }
    into.what.files.push_back(std::move(file));
    into.what.bytes += bytes;
    into.last = ++added_;
    bytes_ += bytes;
}

std::optional<container> contained_files::take_ready()
{
    if (!compressed_.empty()) {
        container next = std::move(compressed_.back());
        compressed_.pop_back();
        return next;
    }
    if (bytes_ <= most_bytes_)
        return std::nullopt;
    auto oldest = archives_.end();
    for (auto each = archives_.begin(); each != archives_.end(); ++each)
        if (each->first != "-" && (oldest == archives_.end() || each->second.last < oldest->second.last))
            oldest = each;
    return oldest != archives_.end() ? std::optional(take(oldest)) : std::nullopt;
}

std::optional<container> contained_files::take_any()
{
    return archives_.empty() ? take_ready() : take(archives_.begin());
}

container contained_files::take(std::map<std::string, gathered, std::less<>>::iterator from)
{
    container taken = std::move(from->second.what);
    archives_.erase(from);
    bytes_ -= taken.bytes;
    return taken;
}

} // namespace tool
