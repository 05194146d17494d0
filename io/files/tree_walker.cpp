// A stack of open directories, outermost first. Names are looked up relative to the innermost one, so no path is
// ever too long. Above the limit the outermost open level gives up its descriptor and keeps its place in the listing.

#include <weir/tree_walker.hpp>

#include "files/directory_stream.hpp"

#include <algorithm>
#include <cerrno>
#include <deque>
#include <string_view>

namespace weir {
namespace {

// Of the paths of one batch, or one path more: those of a deep tree are long.
constexpr std::size_t most_path_bytes = std::size_t{256} << 10;
// A call looks at so many names, about a millisecond's worth where they are cached: who walks is to be cancelled, and
// shares its thread.
constexpr std::size_t most_steps = 1024;

std::error_code system_code(int number) noexcept { return {number, std::system_category()}; }

bool out_of_descriptors(const std::error_code& failure) noexcept
{
    return failure == system_code(EMFILE) || failure == system_code(ENFILE);
}

file_type type_of(const dirent& entry) noexcept
{
    switch (entry.d_type) {
    case DT_REG: return file_type::regular;
    case DT_DIR: return file_type::directory;
    case DT_LNK: return file_type::link;
    case DT_FIFO: return file_type::fifo;
    case DT_SOCK: return file_type::socket;
    case DT_CHR: return file_type::character_device;
    case DT_BLK: return file_type::block_device;
    default: return file_type::unknown;
    }
}

} // namespace

file_handle tree_entry::open(open_flags flags, std::error_code& failure) const noexcept
{
    flags = flags | open_flags::non_blocking | (follow_link ? open_flags::none : open_flags::no_follow);
    return directory ? directory->open_below(name(), flags, failure) : file_handle::open(path.c_str(), flags, failure);
}

class tree_walker::impl {
public:
    explicit impl(tree_options options) : options_(std::move(options))
    {
        options_.max_open_directories = std::max<std::size_t>(options_.max_open_directories, 2);
        options_.max_batch_directories = std::max<std::size_t>(options_.max_batch_directories, 1);
    }

    void add(std::string path) { roots_.push_back(std::move(path)); }
    bool next_batch(std::vector<tree_entry>& out, std::size_t max);
    const tree_counts& counts() const noexcept { return counts_; }

private:
    struct level {
        std::shared_ptr<const file_handle> handle; // null while given up
        detail::directory_stream stream;
        std::size_t path_length;
        std::uint64_t device;
        std::uint64_t inode;
        long resume = 0;           // where to go on after being given up
        std::uint64_t batch = 0;   // the last batch whose entries hold `handle`
    };

    void start_root();
    void step();
    void visit(const dirent& entry);
    void descend(std::size_t name_offset);
    void leave();
    bool may_enter(const file_info& directory);
    void push_level(file_handle handle, const file_info& info);
    void give_up_outermost();
    void give_up_all_but_innermost();
    file_handle open_innermost(const file_handle* child, std::error_code& failure) const;
    void take_up_innermost(const file_handle* child);
    void give(entry_kind kind, std::size_t name_offset, std::error_code failure = {});
    void give_error(std::error_code failure) { give(entry_kind::error, 0, failure); }
    std::string_view below_argument() const;

    tree_options options_;
    tree_counts counts_;
    std::deque<std::string> roots_;
    std::string root_;           // the argument that is being walked
    std::string path_;           // of the entry that is looked at
    std::vector<level> levels_;
    std::size_t first_open_ = 0; // levels before it are given up
    std::vector<tree_entry>* out_ = nullptr;
    std::uint64_t batch_ = 0;
    std::size_t batch_directories_ = 0;
    std::size_t batch_path_bytes_ = 0;
};

bool tree_walker::impl::next_batch(std::vector<tree_entry>& out, std::size_t max)
{
    const std::size_t before = out.size();
    out_ = &out;
    ++batch_;
    batch_directories_ = 0;
    batch_path_bytes_ = 0;
    for (std::size_t steps = 0; steps < most_steps && out.size() - before < max
         && batch_directories_ < options_.max_batch_directories && batch_path_bytes_ < most_path_bytes;
         ++steps) {
        if (!levels_.empty())
            step();
        else if (!roots_.empty())
            start_root();
        else
            return out.size() > before;
    }
    return true;
}

void tree_walker::impl::start_root()
{
    root_ = std::move(roots_.front());
    roots_.pop_front();
    path_ = root_;
    if (root_.find('\0') != std::string::npos) // the system would look at what stands before it
        return give_error(std::make_error_code(std::errc::invalid_argument));
    std::error_code failure;
    const file_info info = info_below({}, root_.c_str(), true, failure);
    if (failure)
        return give_error(failure);
    if (info.type == file_type::regular)
        return give(entry_kind::file, 0);
    if (info.type != file_type::directory)
        return give(entry_kind::special, 0);
    file_handle handle = file_handle::open(root_.c_str(), open_flags::directory, failure);
    if (failure)
        return give_error(failure);
    push_level(std::move(handle), info);
}

void tree_walker::impl::step()
{
    level& innermost = levels_.back();
    std::error_code failure;
    if (const dirent* entry = innermost.stream.next(failure))
        return visit(*entry);
    if (failure) {
        path_.resize(innermost.path_length);
        give_error(failure);
    }
    leave();
}

void tree_walker::impl::visit(const dirent& entry)
{
    path_.resize(levels_.back().path_length);
    if (path_.back() != '/')
        path_ += '/';
    const std::size_t name_offset = path_.size();
    path_ += entry.d_name;

    const auto excludes = [path = below_argument()](const glob& pattern) { return pattern.matches_name_or_path(path); };
    if (std::any_of(options_.exclude.begin(), options_.exclude.end(), excludes)) {
        ++counts_.excluded;
        return;
    }
    file_type type = type_of(entry);
    if (type == file_type::unknown || (type == file_type::link && options_.follow_links)) {
        std::error_code failure;
        type = info_below(*levels_.back().handle, entry.d_name, options_.follow_links, failure).type;
        if (failure)
            return give_error(failure);
    }
    if (type == file_type::directory)
        descend(name_offset);
    else if (type == file_type::link)
        ++counts_.links;
    else
        give(type == file_type::regular ? entry_kind::file : entry_kind::skipped, name_offset);
}

void tree_walker::impl::descend(std::size_t name_offset)
{
    const open_flags flags =
        options_.follow_links ? open_flags::directory : open_flags::directory | open_flags::no_follow;
    const char* name = path_.c_str() + name_offset;
    std::error_code failure;
    file_handle handle = levels_.back().handle->open_below(name, flags, failure);
    if (out_of_descriptors(failure)) {
        give_up_all_but_innermost();
        handle = levels_.back().handle->open_below(name, flags, failure);
    }
    file_info info;
    if (!failure)
        info = handle.info(failure);
    if (failure)
        return give_error(failure);
    if (may_enter(info))
        push_level(std::move(handle), info);
}

bool tree_walker::impl::may_enter(const file_info& directory)
{
    if (options_.one_file_system && directory.device != levels_.front().device)
        return false;
    // Behind a link even a plain directory may be one that the walk is in already.
    const auto is_same = [&](const level& outer) {
        return outer.inode == directory.inode && outer.device == directory.device;
    };
    if (options_.follow_links && std::any_of(levels_.begin(), levels_.end(), is_same)) {
        give_error(system_code(ELOOP));
        return false;
    }
    return true;
}

void tree_walker::impl::push_level(file_handle handle, const file_info& info)
{
    std::error_code failure;
    auto shared = std::make_shared<const file_handle>(std::move(handle));
    file_handle listed = shared->duplicate(failure);
    if (out_of_descriptors(failure)) {
        give_up_all_but_innermost();
        listed = shared->duplicate(failure);
    }
    detail::directory_stream stream;
    if (!failure)
        stream = detail::directory_stream::from(std::move(listed), failure);
    if (failure)
        return give_error(failure);
    ++counts_.directories;
    levels_.push_back({std::move(shared), std::move(stream), path_.size(), info.device, info.inode});
    if (levels_.size() - first_open_ > options_.max_open_directories)
        give_up_outermost();
}

void tree_walker::impl::leave()
{
    const level left = std::move(levels_.back());
    levels_.pop_back();
    while (!levels_.empty() && !levels_.back().stream) {
        first_open_ = levels_.size() - 1;
        take_up_innermost(left.handle.get());
        if (levels_.back().stream)
            break;
        levels_.pop_back();
    }
    first_open_ = std::min(first_open_, levels_.size());
}

void tree_walker::impl::give_up_outermost()
{
    level& outermost = levels_[first_open_++];
    outermost.resume = outermost.stream.position();
    outermost.stream.close();
    outermost.handle.reset();
    outermost.batch = 0;
}

void tree_walker::impl::give_up_all_but_innermost()
{
    while (first_open_ + 1 < levels_.size())
        give_up_outermost();
}

// By `..` of the directory that was left, unless a link led there; else down from the argument, part by part.
file_handle tree_walker::impl::open_innermost(const file_handle* child, std::error_code& failure) const
{
    const level& wanted = levels_.back();
    const auto is_wanted = [&](const file_handle& found) {
        const file_info info = found.info(failure);
        return !failure && info.inode == wanted.inode && info.device == wanted.device;
    };
    if (child) {
        file_handle parent = child->open_below("..", open_flags::directory, failure);
        if (!failure && is_wanted(parent))
            return parent;
    }
    file_handle at = file_handle::open(root_.c_str(), open_flags::directory, failure);
    for (std::size_t i = 1; i < levels_.size() && !failure; ++i) {
        const std::size_t begin = levels_[i - 1].path_length + (path_[levels_[i - 1].path_length] == '/' ? 1 : 0);
        at = at.open_below(path_.substr(begin, levels_[i].path_length - begin).c_str(), open_flags::directory, failure);
    }
    if (!failure && !is_wanted(at) && !failure)
        failure = system_code(ESTALE);
    return at;
}

void tree_walker::impl::take_up_innermost(const file_handle* child)
{
    level& innermost = levels_.back();
    std::error_code failure;
    file_handle handle = open_innermost(child, failure);
    file_handle listed;
    if (!failure)
        listed = handle.duplicate(failure);
    if (!failure)
        innermost.stream = detail::directory_stream::from(std::move(listed), failure);
    if (failure) {
        path_.resize(innermost.path_length);
        return give_error(failure);
    }
    innermost.stream.seek(innermost.resume);
    innermost.handle = std::make_shared<const file_handle>(std::move(handle));
}

void tree_walker::impl::give(entry_kind kind, std::size_t name_offset, std::error_code failure)
{
    tree_entry entry;
    entry.kind = kind;
    entry.path = path_;
    entry.error = failure;
    if (kind == entry_kind::file && !levels_.empty()) {
        level& innermost = levels_.back();
        entry.name_offset = static_cast<std::uint32_t>(name_offset);
        entry.directory = innermost.handle;
        entry.follow_link = options_.follow_links;
        if (std::exchange(innermost.batch, batch_) != batch_)
            ++batch_directories_;
    }
    counts_.files += kind == entry_kind::file || kind == entry_kind::special;
    counts_.skipped += kind == entry_kind::skipped;
    counts_.errors += kind == entry_kind::error;
    batch_path_bytes_ += entry.path.size();
    out_->push_back(std::move(entry));
}

std::string_view tree_walker::impl::below_argument() const
{
    const std::size_t begin = root_.size() + (root_.back() == '/' ? 0 : 1);
    return std::string_view(path_).substr(begin);
}

tree_walker::tree_walker(tree_options options) : impl_(std::make_unique<impl>(std::move(options))) {}
tree_walker::tree_walker(tree_walker&&) noexcept = default;
tree_walker& tree_walker::operator=(tree_walker&&) noexcept = default;
tree_walker::~tree_walker() = default;

void tree_walker::add(std::string path) { impl_->add(std::move(path)); }
bool tree_walker::next_batch(std::vector<tree_entry>& out, std::size_t max) { return impl_->next_batch(out, max); }
const tree_counts& tree_walker::counts() const noexcept { return impl_->counts(); }

} // namespace weir
