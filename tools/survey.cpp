#include "survey.hpp"

#include <weir/file_handle.hpp>
#include <weir/ingest.hpp>

namespace tool {
namespace {

std::uint64_t size_of(const weir::tree_entry& entry)
{
    static const weir::file_handle working_directory;
    std::error_code ignored; // the reading reports it
    const weir::file_handle& directory = entry.directory ? *entry.directory : working_directory;
    return weir::info_below(directory, entry.name(), true, ignored).size;
}

} // namespace

survey::survey(std::vector<std::string> paths, weir::tree_options options)
    : thread_([this, paths = std::move(paths), options = std::move(options)](const std::stop_token& stop) mutable {
          run(stop, std::move(paths), std::move(options));
      })
{}

void survey::run(const std::stop_token& stop, std::vector<std::string> paths, weir::tree_options options)
{
    weir::tree_walker walker(std::move(options));
    for (std::string& path : paths) {
        if (path == "-" || weir::is_url(path))
            return;
        walker.add(std::move(path));
    }
    std::vector<weir::tree_entry> entries;
    for (bool more = true; more && !stop.stop_requested();) {
        entries.clear();
        more = walker.next_batch(entries, 256);
        for (const weir::tree_entry& entry : entries) {
            if (entry.kind == weir::entry_kind::special)
                return;
            if (entry.kind == weir::entry_kind::file)
                bytes_ += size_of(entry);
        }
    }
    counted_ = !stop.stop_requested();
}

std::optional<std::uint64_t> survey::total_bytes() const { return counted_ ? std::optional(bytes_) : std::nullopt; }

} // namespace tool
