#include "coding_run.hpp"

#include "coded_names.hpp"
#include "command.hpp"
#include "json.hpp"
#include "output.hpp"

#include <weir/error.hpp>
#include <weir/worker_pool.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <fcntl.h>
#include <new>
#include <stdexcept>
#include <unistd.h>

namespace tool {
namespace {

using work = coding_options::work;

constexpr off_t small = 512 << 10; // threads would cost more than they give

bool is_same_file(const struct stat& a, const struct stat& b) noexcept
{
    return a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

bool is_unchanged(const struct stat& before, const struct stat& after) noexcept
{
    return is_same_file(before, after) && before.st_size == after.st_size
        && before.st_mtim.tv_sec == after.st_mtim.tv_sec && before.st_mtim.tv_nsec == after.st_mtim.tv_nsec;
}

struct stat status_of(const weir::file_handle& file, const std::string& name)
{
    struct stat status {};
    if (::fstat(file.descriptor(), &status) != 0)
        weir::throw_system_error(errno, "open", name);
    return status;
}

/// Its content without a copy, where the file system has that.
std::optional<weir::mapped_file> map_of(const weir::file_handle& file, const std::string& name)
{
    try {
        weir::install_mapping_guard();
        weir::file_handle same(::fcntl(file.descriptor(), F_DUPFD_CLOEXEC, 0));
        const weir::map_options options{.advice = weir::map_advice::sequential, .direct_access = true};
        return weir::mapped_file(std::move(same), name, options);
    }
    catch (const std::exception&) {
        return std::nullopt; // it is read, which says better what is wrong
    }
}

/// What there is to say of a failure; where a limit was passed, also how to lift it.
std::string explained(const std::exception& failure)
{
    const auto* const known = dynamic_cast<const weir::error*>(&failure);
    if (!known || known->code() != weir::errc::limit_exceeded)
        return failure.what();
    return fmt::format("{}; --output-limit, --ratio-limit and --memory-limit set what is allowed", failure.what());
}

} // namespace

int coding_run::run()
{
    exit_code outcome = all_read;
    for (const std::string& name : options_.names) {
        try {
            work_on(name);
        }
        catch (const output_error& failure) {
            if (goes_to_standard_output(name))
                throw;
            say(failure.what());
            outcome = output_failed;
        }
        catch (const std::bad_alloc&) {
            say(weir::error(std::make_error_code(std::errc::not_enough_memory), verb(), name).what());
            outcome = std::max(outcome, input_failed);
        }
        catch (const std::exception& failure) {
            say(explained(failure));
            outcome = std::max(outcome, input_failed);
        }
    }
    if (listed_ > 1)
        print_row(total_, "", "");
    return outcome;
}

void coding_run::work_on(const std::string& name)
{
    if (options_.what == work::test || options_.what == work::list)
        examine(name);
    else
        convert(name);
}

void coding_run::examine(const std::string& name)
{
    const coded sizes = code(open(name), block_writer::nowhere, name);
    if (options_.what == work::list)
        list(sizes, name);
}

bool coding_run::goes_to_standard_output(const std::string& name) const
{
    return options_.what == work::list || options_.to_standard_output || (name == "-" && !options_.output);
}

std::optional<std::string> coding_run::target_of(const std::string& name) const
{
    if (goes_to_standard_output(name))
        return std::nullopt;
    if (options_.output)
        return options_.output;
    if (options_.what == work::compress) {
        if (!options_.force && codec_of_name(name) == options_.codec)
            refuse(name, "the name says that it is compressed already; --force does it once more");
        return name + std::string(weir::suffix_of(*options_.codec));
    }
    std::optional<std::string> plain = plain_name(name);
    if (!plain)
        refuse(name, "its name ends in no known suffix to take off; name the output by -o, or use -c");
    return plain;
}

void coding_run::convert(const std::string& name)
{
    const std::optional<std::string> target = target_of(name);
    if (target) {
        const input from = options_.output ? open(name) : open_plain_file(name);
        if (is_to_go(from) && from.status.st_nlink > 1 && !options_.force)
            refuse(name, "it has other names; --force removes this one all the same");
        check_target(from, *target);
        write_file(from, *target);
        return;
    }
    const input from = open(name);
    struct stat out {};
    if (::fstat(STDOUT_FILENO, &out) == 0 && S_ISREG(out.st_mode) && is_same_file(from.status, out))
        refuse(name, "it is the output too");
    code(from, STDOUT_FILENO, "standard output");
}

coding_run::input coding_run::open(const std::string& name) const
{
    weir::file_handle file =
        name == "-" ? weir::file_handle(::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0)) : weir::file_handle::open(name);
    const struct stat status = status_of(file, name);
    if (S_ISDIR(status.st_mode))
        refuse(name, "it is a directory");
    return {name, std::move(file), status};
}

/// What gets a file beside it is a plain file, as that will be.
coding_run::input coding_run::open_plain_file(const std::string& name) const
{
    const auto links = options_.force ? weir::open_flags::none : weir::open_flags::no_follow;
    std::error_code failure;
    weir::file_handle file = weir::file_handle::open(name.c_str(), links | weir::open_flags::non_blocking, failure);
    if (failure == std::errc::too_many_symbolic_link_levels && !options_.force)
        refuse(name, "it is a symbolic link; --force follows it, -c too");
    if (failure)
        throw weir::error(failure, "open", name);
    const struct stat status = status_of(file, name);
    if (!S_ISREG(status.st_mode))
        refuse(name, S_ISDIR(status.st_mode) ? "it is a directory" : "it is no regular file; -c reads it");
    return {name, std::move(file), status};
}

void coding_run::check_target(const input& from, const std::string& path) const
{
    struct stat named {};
    if (::lstat(path.c_str(), &named) != 0)
        return; // creating it says more
    struct stat status {};
    const bool is_there = ::stat(path.c_str(), &status) == 0; // else a link to nothing
    if (is_there && S_ISREG(status.st_mode) && is_same_file(status, from.status))
        refuse(from.name, fmt::format("the output {} is the same file", path));
    if (is_there && S_ISDIR(status.st_mode))
        refuse(from.name, fmt::format("the output {} is a directory", path));
    const bool is_device = is_there && !S_ISREG(status.st_mode);
    if (is_device && !options_.output)
        refuse(from.name, fmt::format("the output {} exists, and is no regular file", path));
    if ((!is_device || S_ISBLK(status.st_mode)) && !options_.force)
        refuse(from.name, fmt::format("the output {} exists; --force replaces it", path));
}

coded coding_run::code(const input& from, int descriptor, const std::string& name)
{
    block_reader in(from.file.descriptor(), from.name);
    block_writer out(descriptor, name);
    const bool is_regular = S_ISREG(from.status.st_mode);
    if (is_regular)
        (void)::posix_fadvise(from.file.descriptor(), 0, 0, POSIX_FADV_SEQUENTIAL);
    try {
        const coded sizes = options_.what == work::compress ? encode(from, in, out) : decode(from, in, out);
        out.finish();
        check_unchanged(from, sizes.bytes_in);
        if (options_.verbose)
            tell(sizes, from.name);
        return sizes;
    }
    catch (const weir::error&) {
        if (descriptor == STDOUT_FILENO) // what was good may be all that is left of it
            out.finish();
        throw;
    }
}

coded coding_run::encode(const input& from, block_reader& in, block_writer& out)
{
    const bool is_regular = S_ISREG(from.status.st_mode);
    if (!options_.pieces || (is_regular && from.status.st_size < small))
        return coder_.encode(in, *options_.codec, options_.encoder, out);
    return coder_.encode(in, *options_.codec, options_.encoder, *options_.pieces, out);
}

coded coding_run::decode(const input& from, block_reader& in, block_writer& out)
{
    weir::decoder_settings settings = options_.decoder;
    if (from.name != "-" && !options_.has_output_limit)
        settings.max_output_bytes = weir::unlimited;
    const bool pass_unknown = options_.force && options_.to_standard_output && options_.what == work::decompress;
    const bool is_regular = S_ISREG(from.status.st_mode);
    const std::size_t threads = options_.threads.value_or(0) == 0 ? weir::default_worker_count() : *options_.threads;
    if (threads > 1 && is_regular && from.status.st_size >= small && from.name != "-")
        if (const std::optional<weir::mapped_file> map = map_of(from.file, from.name)) {
            constexpr std::size_t most_memory = std::size_t{1} << 30;
            constexpr std::size_t most_of_a_piece = std::size_t{64} << 20;
            constexpr std::size_t most_of_ours = std::size_t{32} << 20; // what `weir compress` makes but of its best levels
            const std::size_t piece = std::clamp(most_memory / (2 * threads), most_of_ours, most_of_a_piece);
            return coder_.decode(*map, options_.codec, pass_unknown, settings,
                                 {.threads = threads, .max_piece_bytes = piece, .subject = from.name}, out);
        }
    return coder_.decode(in, options_.codec, pass_unknown, settings, !is_regular, out);
}

void coding_run::write_file(const input& from, const std::string& path)
{
    struct stat status {};
    if (::stat(path.c_str(), &status) == 0 && !S_ISREG(status.st_mode)) { // a device or a pipe keeps nothing
        const weir::file_handle device(::open(path.c_str(), O_WRONLY | O_NOCTTY | O_CLOEXEC));
        if (!device)
            throw output_error(std::error_code(errno, std::system_category()), "open", path);
        code(from, device.descriptor(), path);
        return;
    }
    const bool is_copy = S_ISREG(from.status.st_mode);
    // Nobody else sees the content before it has the permissions of the input.
    new_file out(path, is_copy ? mode_t{0600} : mode_t{0666});
    code(from, out.descriptor(), path);
    if (is_copy)
        out.take_over(from.status);
    out.keep(options_.force ? new_file::existing::replace : new_file::existing::keep, is_to_go(from));
    if (is_to_go(from))
        remove_input(from);
}

/// What shrank while it was read was read in part, and what is to be removed has to be what was read. Files that others
/// append to are usual: the output is what was there, and that is said.
void coding_run::check_unchanged(const input& from, std::uint64_t bytes_read) const
{
    if (!S_ISREG(from.status.st_mode))
        return;
    const struct stat now = status_of(from.file, from.name);
    if (is_unchanged(from.status, now))
        return;
    const bool is_whole = from.name == "-" || bytes_read >= static_cast<std::uint64_t>(from.status.st_size);
    if (now.st_size < from.status.st_size || !is_whole)
        refuse(from.name, "it shrank meanwhile");
    if (is_to_go(from))
        refuse(from.name, "it changed meanwhile");
    if (!options_.quiet)
        say(fmt::format("notice: {} changed while it was read", from.name));
}

bool coding_run::is_to_go(const input& from) const
{
    return options_.remove && S_ISREG(from.status.st_mode) && from.name != "-";
}

void coding_run::remove_input(const input& from) const
{
    struct stat named {};
    if (::stat(from.name.c_str(), &named) != 0 || !is_same_file(named, from.status))
        refuse(from.name, "another file has the name now; it is not removed");
    if (!is_unchanged(from.status, named)) // while the output was made durable
        refuse(from.name, "it changed meanwhile; it is not removed");
    if (::unlink(from.name.c_str()) != 0)
        weir::throw_system_error(errno, "remove", from.name);
}

void coding_run::refuse(const std::string& name, std::string_view why) const
{
    throw std::runtime_error(fmt::format("{} {}: {}", verb(), name, why));
}

std::string_view coding_run::verb() const noexcept
{
    constexpr std::array<std::string_view, 4> verbs = {"compress", "decompress", "test", "list"};
    return verbs[static_cast<std::size_t>(options_.what)];
}

void coding_run::tell(const coded& sizes, std::string_view name) const
{
    const bool encodes = options_.what == work::compress;
    const std::uint64_t plain = encodes ? sizes.bytes_in : sizes.bytes_out;
    const std::uint64_t packed = std::max<std::uint64_t>(encodes ? sizes.bytes_out : sizes.bytes_in, 1);
    say(fmt::format("{}: {} bytes to {}, ratio {:.2f}", name, sizes.bytes_in, sizes.bytes_out,
                    static_cast<double>(plain) / static_cast<double>(packed)));
}

void coding_run::list(const coded& sizes, std::string_view name)
{
    if (listed_ == 0)
        write_all(
            STDOUT_FILENO,
            fmt::format("{:>15} {:>15} {:>9}  {:<8} {}\n", "compressed", "uncompressed", "ratio", "codec", "name"));
    print_row(sizes, weir::to_string(sizes.which), name);
    ++listed_;
    total_.bytes_in += sizes.bytes_in;
    total_.bytes_out += sizes.bytes_out;
}

void coding_run::print_row(const coded& sizes, std::string_view codec, std::string_view name) const
{
    const auto least = std::max<std::uint64_t>(sizes.bytes_in, 1);
    const double ratio = static_cast<double>(sizes.bytes_out) / static_cast<double>(least);
    std::string row = fmt::format("{:>15} {:>15} {:>9.2f}  {:<8} ", sizes.bytes_in, sizes.bytes_out, ratio, codec);
    append_printable(row, name);
    write_all(STDOUT_FILENO, row + '\n');
}

} // namespace tool
