#pragma once
// A file that is there when it is whole, and not before.

#include <weir/file_handle.hpp>

#include <string>

#include <sys/stat.h>

namespace tool {

/// Written under a name of its own beside its target, then given the target's name.
///
/// What is not kept is removed: by the destructor, and by SIGINT, SIGTERM or SIGHUP, which then end the process.
/// \par Thread-safety
/// One object at a time.
class new_file {
public:
    /// Whether a file that has the name already may be replaced.
    enum class existing { keep, replace };

    /// \param mode  its permissions until `take_over`, before the umask
    /// \throws output_error
    new_file(std::string path, mode_t mode);
    new_file(const new_file&) = delete;
    new_file& operator=(const new_file&) = delete;
    ~new_file();

    [[nodiscard]] int descriptor() const noexcept { return file_.descriptor(); }

    /// Gives it the times of another file, its permissions and, where the system allows it, its owner and group. Nobody
    /// may do with it what he may not do with the other.
    void take_over(const struct stat& other);

    /// Gives it its name.
    /// \param durably  whether it, and then its name, must be on the disk first
    /// \throws output_error
    void keep(existing what_is_there, bool durably);

private:
    [[noreturn]] void fail(const char* operation) const;
    void rename_to_new() const;
    void sync_folder() const;

    std::string path_;
    std::string temporary_;
    weir::file_handle file_;
    bool kept_ = false;
};

/// Has these signals remove the file that is being written, and end the process as `exit_code_of_signal` says. What is
/// ignored stays so.
void end_cleanly_on_signals();

} // namespace tool
