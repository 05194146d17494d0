#include "verifier.hpp"

#include <weir/ingest.hpp>
#include <weir/size.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace tool {
namespace {

using namespace weir::literals;

constexpr const char* lies_elsewhere = "the list is wrong: its lines disagree about what the file lies in";
constexpr const char* list_is_input = "standard input is the list, and can be read once";
constexpr const char* url_is_not_fetched = "is a URL: what it gives is not fetched";
constexpr std::size_t longest_chunk = 16_MiB; // no chunker cuts longer ones
constexpr std::size_t most_readings = 1024;   // of one file side by side: as many as --jobs can be

std::string compare_root(checked_file& seen, const listed_file& line)
{
    bool equal = false;
    if (seen.tree)
        equal = seen.tree->root() == line.root;
    else // the list does not say which hash an empty file was given
        for (const auto hash :
             {weir::hash_algorithm::sha256, weir::hash_algorithm::sha512_256, weir::hash_algorithm::xxh3_128})
            equal = equal || weir::merkle_tree(hash).root() == line.root;
    return equal ? "" : "the list is wrong: its root is not that of its chunks";
}

/// \param end  what the file itself said at its end
std::string compare_file(checked_file& seen, const listed_file& line, const std::string& end)
{
    if (!seen.failure.empty())
        return seen.failure;
    if (seen.chunks != line.chunks)
        return fmt::format("the list has {} of {} chunks", seen.chunks, line.chunks);
    if (seen.end != line.size)
        return fmt::format("the list is wrong: its chunks have {} of {} bytes", seen.end, line.size);
    if (std::string failure = compare_root(seen, line); !failure.empty())
        return failure;
    return end;
}

} // namespace

check_batch& verifier::open_batch()
{
    if (!open_ && !idle_.empty()) {
        open_ = std::move(idle_.back());
        idle_.pop_back();
    }
    if (!open_)
        open_ = std::make_shared<check_batch>();
    return *open_;
}

/// What a chunk belongs to; a new one where it begins a file, or nothing of the file was seen.
std::shared_ptr<checked_file> verifier::reading_of(const listed_chunk& line)
{
    auto& readings = files_[line.path].all;
    const auto ends_there = [&](const std::shared_ptr<checked_file>& each) { return each->end == line.offset; };
    const auto is_its_own = [&](const std::shared_ptr<checked_file>& each) {
        return ends_there(each) && each->lies_where(line);
    };
    if (!readings.empty() && (line.offset != 0 || readings.size() == most_readings)) {
        auto found = std::ranges::find_if(readings, is_its_own);
        if (found == readings.end())
            found = std::ranges::find_if(readings, ends_there);
        if (found == readings.end()) // chunks are missing: most likely of one that is behind
            found = std::ranges::min_element(readings, {}, [](const auto& each) { return each->end; });
        return *found;
    }
    const auto begun = readings.emplace_back(std::make_shared<checked_file>());
    begun->archive = line.archive;
    begun->codec = line.codec;
    return begun;
}

/// What a file ends, and is over with it: that which is as long as it, or the oldest.
std::shared_ptr<checked_file> verifier::take_reading(const listed_file& line)
{
    const auto here = files_.find(line.path);
    if (here == files_.end())
        return std::make_shared<checked_file>();
    auto& [readings, failed] = here->second;
    const auto is_whole = [&](const std::shared_ptr<checked_file>& each) {
        return each->end == line.size && each->chunks == line.chunks && each->lies_where(line);
    };
    auto found = std::ranges::find_if(readings, is_whole);
    if (found == readings.end())
        found = readings.begin();
    std::shared_ptr<checked_file> taken = std::move(*found);
    readings.erase(found);
    if (readings.size() <= failed)
        files_.erase(here);
    return taken;
}

void verifier::forget(const std::string& path)
{
    const auto here = files_.find(path);
    if (here != files_.end() && ++here->second.failed >= here->second.all.size())
        files_.erase(here);
}

bool verifier::add(const listed_chunk& line)
{
    const std::shared_ptr<checked_file> seen = reading_of(line);
    if (!seen->tree)
        seen->tree.emplace(line.digest.hash);
    seen->tree->add(line.digest.value, line.length);
    ++seen->chunks;
    const bool follows = line.offset == std::exchange(seen->end, line.offset + line.length);
    std::string failure = why_unread(line);
    if (failure.empty() && !seen->lies_where(line))
        failure = lies_elsewhere;
    if (failure.empty() && (!follows || line.length == 0 || line.length > longest_chunk))
        failure = fmt::format("the list is wrong at offset {}", line.offset);
    if (line.is_contained()) {
        gather(*seen, line, failure);
        return false;
    }
    if (failure.empty() && !open_batch().takes(line))
        closed_ = std::move(open_);
    open_batch().add({line, seen, std::move(failure)}, stream_position_);
    return closed_ || open_->full();
}

bool verifier::add(const listed_file& line)
{
    std::shared_ptr<checked_file> seen = take_reading(line);
    std::string failure = why_unread(line);
    if (failure.empty() && seen->chunks != 0 && !seen->lies_where(line))
        failure = lies_elsewhere;
    if (line.is_contained() && failure.empty())
        failure = compare_file(*seen, line, {});
    if (line.is_contained() && failure.empty()) {
        seen->content.size = line.size;
        seen->content.whole = line.whole;
        contained_.add(line, std::move(seen->content));
        return false;
    }
    open_batch().add({line, std::move(seen), std::move(failure)});
    return open_->full();
}

/// Why nothing is compared with what is listed.
std::string verifier::why_unread(const listed_origin& line) const
{
    const std::string& file = line.archive.empty() ? line.path : line.archive;
    if (file == "-" && !has_input_)
        return list_is_input;
    return weir::is_url(file) ? url_is_not_fetched : "";
}

/// Notes a chunk of what lies in another file.
void verifier::gather(checked_file& into, const listed_chunk& line, const std::string& failure)
{
    contained_file& content = into.content;
    if (content.parts.empty())
        content.hash = line.digest.hash;
    if (into.failure.empty())
        into.failure = content.hash == line.digest.hash ? failure : "the list has several hashes of one file";
    if (into.failure.empty())
        content.parts.push_back({line.digest.value, line.length});
}

std::shared_ptr<check_batch> verifier::next_batch()
{
    return closed_ ? std::exchange(closed_, nullptr) : std::exchange(open_, nullptr);
}

std::vector<verdict> verifier::finish(std::shared_ptr<check_batch> done)
{
    std::vector<verdict> verdicts;
    for (checked_line& each : done->lines()) {
        if (const auto* end = std::get_if<listed_file>(&each.line))
            verdicts.push_back({end->path, compare_file(*each.file, *end, each.failure)});
        else if (each.file->failure.empty())
            each.file->failure = std::move(each.failure);
    }
    done->clear();
    idle_.push_back(std::move(done));
    return verdicts;
}

std::vector<verdict> verifier::rest()
{
    std::vector<verdict> verdicts;
    for (const auto& [path, open] : files_)
        for (std::size_t i = open.failed; i < open.all.size(); ++i) {
            const std::string& failure = open.all[i]->failure;
            verdicts.push_back({path, failure.empty() ? "the list ends before the file does" : failure});
        }
    files_.clear();
    return verdicts;
}

} // namespace tool
