#include <weir/random_access_file.hpp>
#include <weir/stream_file.hpp>

#include "files/read_service.hpp"

#include <weir/detail/async_event.hpp>
#include <weir/error.hpp>

#include <boost/asio/error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <atomic>
#include <cerrno>
#include <limits>
#include <utility>

namespace weir {
namespace detail {

struct file_state final : cleanable {
    file_state(file_handle opened, std::string path, read_service& by, const file_open_options& options) noexcept
        : file(std::move(opened)), name(std::move(path)), service(&by), direct(options.direct),
          watcher(options.observer)
    {
    }

    /// \returns  false when the file is closed; else `end_read` follows
    [[nodiscard]] bool begin_read() noexcept
    {
        std::uint64_t seen = reads.load();
        while ((seen & closed) == 0)
            if (reads.compare_exchange_weak(seen, seen + 1))
                return true;
        return false;
    }
    void end_read() noexcept
    {
        if (reads.fetch_sub(1) == closed + 1)
            close();
    }

    bool release_now() noexcept override { return force_release(); }
    boost::asio::awaitable<void> release() override
    {
        force_release();
        co_await gone.async_wait(boost::asio::use_awaitable);
    }
    bool force_release() noexcept override
    {
        const std::uint64_t before = reads.fetch_or(closed);
        if (before == 0)
            close();
        return (before & ~closed) == 0;
    }

    file_handle file;
    std::string name;
    read_service* service; // of the io_context, which outlives its files
    bool direct;
    weir::observer* watcher;
    std::atomic<std::uint64_t> position = 0;

    registration entry;

private:
    static constexpr std::uint64_t closed = std::uint64_t{1} << 63;

    // Once: by whoever ends the last read of a closed file, or closes one without reads.
    void close() noexcept
    {
        file.close();
        entry.reset();
        gone.set();
    }

    std::atomic<std::uint64_t> reads = 0; ///< under way, and whether it is closed
    async_event gone;
};

namespace {

// Boost's category of the system is another object than the standard's: their codes would compare unequal.
boost::system::error_code to_boost(std::error_code code) noexcept
{
    if (code.category() == std::system_category())
        return {code.value(), boost::system::system_category()};
    return code;
}

class handler_read final : public read_operation {
public:
    handler_read(std::shared_ptr<file_state> file, read_completion handler, bool moves_position)
        : file_(std::move(file)), handler_(std::move(handler)), moves_position_(moves_position),
          told_(file_->watcher, event_kind::read, "read", file_->name)
    {
    }
    ~handler_read() override
    {
        if (begun_)
            file_->end_read();
    }

    /// \returns  false when the file is closed; the handler knows by then
    [[nodiscard]] bool begin()
    {
        begun_ = file_->begin_read();
        if (!begun_) {
            told_.fail(errc::closed);
            std::move(handler_).post(code(errc::closed), 0);
        }
        return begun_;
    }

    void complete(std::error_code failure, std::size_t count) noexcept override
    {
        if (failure)
            told_.fail(failure, count, 1);
        else
            told_.succeed(count, 1);
        boost::system::error_code outcome = to_boost(failure);
        if (!outcome && count == 0)
            outcome = boost::asio::error::eof;
        if (moves_position_)
            file_->position.fetch_add(count);
        if (std::exchange(begun_, false))
            file_->end_read();
        file_.reset(); // the handler may look whether the file is closed
        std::move(handler_).post(outcome, count);
    }

private:
    std::shared_ptr<file_state> file_;
    read_completion handler_;
    bool moves_position_;
    bool begun_ = false;
    timed_event told_;
};

void start_read(const std::shared_ptr<file_state>& file, std::uint64_t offset, boost::asio::mutable_buffer memory,
                read_completion handler, bool moves_position)
{
    if (memory.size() == 0)
        return std::move(handler).post({}, 0);
    read_service& service = *file->service;
    const std::uint64_t id = service.next_id();
    auto slot = handler.slot();
    auto operation = std::make_unique<handler_read>(file, std::move(handler), moves_position);
    if (!operation->begin())
        return;
    if (offset > std::uint64_t{std::numeric_limits<std::int64_t>::max()}) // as pread says; to a ring -1 is where the file stands
        return operation->complete(std::error_code(EINVAL, std::system_category()), 0);
    // Before the start: afterwards the handler may be gone.
    if (slot.is_connected())
        slot.assign([&service, id](boost::asio::cancellation_type) { service.cancel(id); });
    operation->id = id;
    operation->descriptor = file->file.descriptor();
    operation->offset = offset;
    operation->data = static_cast<std::byte*>(memory.data());
    operation->size = memory.size();
    operation->may_be_cached = !file->direct;
    service.start(std::move(operation));
}

std::shared_ptr<file_state> open_state(const boost::asio::any_io_executor& executor, file_handle file,
                                       std::string name, const file_open_options& options)
{
    const file_type type = file.info(name).type;
    if (type == file_type::fifo || type == file_type::socket)
        throw error(errc::not_seekable, "open", name);
    if (type == file_type::directory)
        throw_system_error(EISDIR, "open", name);
    const auto state = std::make_shared<file_state>(std::move(file), std::move(name),
                                                    find_backend(executor, options.backend), options);
    if (options.resources)
        state->entry
            = options.resources->add({.kind = resource_kind::file, .name = state->name, .target = state});
    return state;
}

} // namespace

void start_read_at(const std::shared_ptr<file_state>& file, std::uint64_t offset, boost::asio::mutable_buffer memory,
                   read_completion handler)
{
    start_read(file, offset, memory, std::move(handler), false);
}

void start_read_next(const std::shared_ptr<file_state>& file, boost::asio::mutable_buffer memory,
                     read_completion handler)
{
    start_read(file, file->position.load(), memory, std::move(handler), true);
}

} // namespace detail

namespace {

// A FIFO must not block the caller until somebody writes: it is opened at once, and refused.
open_flags flags_for(const file_open_options& options)
{
    return options.direct ? open_flags::direct | open_flags::non_blocking : open_flags::non_blocking;
}

} // namespace

random_access_file::random_access_file(executor_type executor, const std::filesystem::path& path,
                                       const file_open_options& options)
    : random_access_file(std::move(executor), file_handle::open(path, flags_for(options)), path.native(), options)
{
}

random_access_file::random_access_file(executor_type executor, file_handle file, std::string name,
                                       const file_open_options& options)
    : executor_(std::move(executor)), state_(detail::open_state(executor_, std::move(file), std::move(name), options))
{
}

random_access_file::random_access_file(random_access_file&&) noexcept = default;
random_access_file& random_access_file::operator=(random_access_file&&) noexcept = default;
random_access_file::~random_access_file() = default;

const std::string& random_access_file::name() const noexcept { return state_->name; }
const file_handle& random_access_file::handle() const noexcept { return state_->file; }
backend random_access_file::backend() const noexcept { return state_->service->kind(); }
std::uint64_t random_access_file::size() const { return state_->file.info(state_->name).size; }

stream_file::stream_file(executor_type executor, const std::filesystem::path& path, const file_open_options& options)
    : file_(std::move(executor), path, options)
{
}

stream_file::stream_file(executor_type executor, file_handle file, std::string name, const file_open_options& options)
    : file_(std::move(executor), std::move(file), std::move(name), options)
{
}

std::uint64_t stream_file::position() const noexcept { return file_.state_->position.load(); }
void stream_file::seek(std::uint64_t position) noexcept { file_.state_->position.store(position); }

} // namespace weir
