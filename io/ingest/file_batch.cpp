#include "file_batch.hpp"

#include <weir/chunk_stream.hpp>

#include <algorithm>
#include <utility>

namespace weir::detail {
namespace {

constexpr std::size_t most_chunks = 8192;

} // namespace

file_batch::file_batch(const ingest_options& options) : options_(options), hasher_(options.hash)
{
    if (options.file_digest)
        whole_.emplace(*options.file_digest);
}

std::size_t file_batch::average_for(std::uint64_t size) const noexcept
{
    return options_.sizes ? options_.sizes->average_for(size) : options_.chunker.average;
}

bool file_batch::has_room_for(std::uint64_t bytes) const noexcept
{
    return pieces_.size() + bytes / std::max<std::size_t>(average_for(bytes), 1) < most_chunks;
}

chunker& file_batch::chunker_of(std::uint64_t size)
{
    const std::size_t average = average_for(size);
    for (auto& [key, value] : chunkers_)
        if (key == average)
            return value;
    return chunkers_.emplace_back(average, chunker(weir::chunker_for(options_.chunker, options_.sizes, size))).second;
}

void file_batch::add(content_name name, const bytes& content, const std::optional<file_stamp>& stamp)
{
    chunker& cutter = chunker_of(content.size());
    ends_.clear();
    for (const slice& part : content)
        cutter.push(part.span(), ends_);
    cutter.finish(ends_);

    file& added = files_.emplace_back();
    added.name = std::move(name);
    added.size = content.size();
    added.stamp = stamp;
    added.chunks = ends_.size();
    std::uint64_t start = 0;
    for (const std::uint64_t end : ends_) {
        piece& next = pieces_.emplace_back();
        next.offset = start;
        next.content = content.subrange(static_cast<std::size_t>(start), static_cast<std::size_t>(end - start));
        start = end;
    }
    if (whole_) {
        for (const slice& part : content)
            whole_->update(part.span());
        added.whole = whole_->finish();
    }
    size_ += content.size();
}

void file_batch::start_digests()
{
    messages_.clear();
    for (piece& each : pieces_)
        messages_.push_back({each.content.slices(), each.content.size(), &each.digest});
    hasher_.start(messages_);
}

void file_batch::move_to(report& out, known_files& known)
{
    std::size_t next = 0;
    merkle_tree tree(options_.hash);
    for (file& each : files_) {
        tree.clear();
        for (std::size_t i = 0; i < each.chunks; ++i) {
            const piece& chunk = pieces_[next++];
            tree.add(chunk.digest, chunk.content.size());
            out.chunks.push_back({chunk.offset, chunk.content.size(), chunk.digest});
        }
        report::item& item = out.items.emplace_back();
        item.name = std::move(each.name);
        item.chunk_count = each.chunks;
        item.end = report::outcome::complete;
        item.file.size = each.size;
        item.file.chunks = each.chunks;
        item.file.root = tree.root();
        item.file.whole = each.whole;
        if (each.stamp) {
            const auto chunks = std::span(out.chunks).last(each.chunks);
            known.put(*each.stamp, each.stamp, {{chunks.begin(), chunks.end()}, item.file, true});
        }
    }
    clear();
}

void file_batch::clear() noexcept
{
    files_.clear();
    pieces_.clear();
    size_ = 0;
}

} // namespace weir::detail
