#pragma once
// A directory while it is listed; it can be left and taken up again at the same place.

#include <weir/file_handle.hpp>

#include <memory>

#include <dirent.h>

namespace weir::detail {

class directory_stream {
public:
    directory_stream() noexcept = default;

    /// Takes the handle over; an empty stream and `failure` on error.
    static directory_stream from(file_handle handle, std::error_code& failure) noexcept
    {
        directory_stream stream;
        stream.dir_.reset(::fdopendir(handle.descriptor()));
        failure = stream.dir_ ? std::error_code() : std::error_code(errno, std::system_category());
        if (stream.dir_)
            (void)handle.release();
        return stream;
    }

    /// The next entry but `.` and `..`; null at the end, and with `failure` set if reading failed.
    const dirent* next(std::error_code& failure) noexcept
    {
        while (true) {
            errno = 0;
            const dirent* found = ::readdir(dir_.get());
            if (!found) {
                failure = errno ? std::error_code(errno, std::system_category()) : std::error_code();
                return nullptr;
            }
            const char* name = found->d_name;
            if (name[0] != '.' || (name[1] != '\0' && (name[1] != '.' || name[2] != '\0')))
                return found;
        }
    }

    [[nodiscard]] long position() const noexcept { return ::telldir(dir_.get()); }
    void seek(long position) noexcept { ::seekdir(dir_.get(), position); }
    [[nodiscard]] explicit operator bool() const noexcept { return dir_ != nullptr; }
    void close() noexcept { dir_.reset(); }

private:
    struct closer {
        void operator()(DIR* dir) const noexcept { ::closedir(dir); }
    };
    std::unique_ptr<DIR, closer> dir_;
};

} // namespace weir::detail
