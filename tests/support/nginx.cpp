#include "nginx.hpp"

#include "certificates.hpp"
#include "files.hpp"

#include <doctest/doctest.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <stdexcept>
#include <vector>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

namespace test {
namespace {

/// \returns  empty if it is nowhere. Where programs of administrators are need not be in PATH.
std::string find_program(const std::string& name)
{
    const char* const path = std::getenv("PATH");
    std::string places = (path ? std::string(path) : std::string()) + ":/usr/sbin:/usr/local/sbin:";
    for (std::size_t begin = 0, end; (end = places.find(':', begin)) != std::string::npos; begin = end + 1) {
        std::string candidate = places.substr(begin, end - begin) + '/' + name;
        if (::access(candidate.c_str(), X_OK) == 0)
            return candidate;
    }
    return {};
}

sockaddr_in loopback(std::uint16_t port)
{
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

/// A socket that listens on a free port. nginx inherits it, so that nobody else can take the port before it does.
class listening_socket {
public:
    listening_socket() : descriptor_(::socket(AF_INET, SOCK_STREAM, 0))
    {
        sockaddr_in address = loopback(0);
        socklen_t size = sizeof address;
        auto* const any = reinterpret_cast<sockaddr*>(&address);
        if (::bind(descriptor_, any, size) != 0 || ::listen(descriptor_, 511) != 0
            || ::getsockname(descriptor_, any, &size) != 0)
            throw std::runtime_error("no loopback port to listen on");
        port_ = ntohs(address.sin_port);
    }
    listening_socket(const listening_socket&) = delete;
    listening_socket& operator=(const listening_socket&) = delete;
    ~listening_socket() { ::close(descriptor_); }

    [[nodiscard]] int descriptor() const noexcept { return descriptor_; }
    [[nodiscard]] std::uint16_t port() const noexcept { return port_; }

private:
    int descriptor_;
    std::uint16_t port_ = 0;
};

std::vector<char*> pointers_to(std::vector<std::string>& texts)
{
    std::vector<char*> pointers;
    for (std::string& text : texts)
        pointers.push_back(text.data());
    pointers.push_back(nullptr);
    return pointers;
}

/// \returns  the process; it gets SIGTERM when this one dies
pid_t spawn(std::vector<std::string> arguments, std::vector<std::string> environment)
{
    // Other threads may hold any lock at the fork: the child only makes system calls.
    const std::vector<char*> argv = pointers_to(arguments);
    const std::vector<char*> envp = pointers_to(environment);
    const pid_t child = ::fork();
    if (child == 0) {
        ::prctl(PR_SET_PDEATHSIG, SIGTERM);
        ::execve(argv[0], argv.data(), envp.data());
        ::_exit(127);
    }
    if (child == -1)
        throw std::runtime_error("no process for nginx");
    return child;
}

} // namespace

std::unique_ptr<nginx> nginx::start(const nginx_options& options)
{
    const std::string program = find_program("nginx");
    if (program.empty()) {
        MESSAGE("skipped: nginx is not installed");
        return nullptr;
    }
    return std::unique_ptr<nginx>(new nginx(program, options));
}

nginx::nginx(const std::string& program, const nginx_options& options)
{
    const identity authority = make_authority(state_);
    certificate_wish wish;
    wish.names = "DNS:localhost,IP:127.0.0.1";
    const identity server = make_identity(state_, wish, &authority);
    authority_file_ = authority.certificate_file;
    certificate_file_ = server.certificate_file;
    key_file_ = server.key_file;

    launch(program, options);
    if (!answers()) {
        end();
        throw std::runtime_error("nginx does not start: " + log());
    }
}

nginx::~nginx() { end(); }

void nginx::launch(const std::string& program, const nginx_options& options)
{
    const listening_socket http;
    const listening_socket https;
    http_port_ = http.port();
    https_port_ = https.port();
    const std::string path = state_.write("nginx.conf", configuration(options));
    // As a new nginx takes over from an old one.
    const std::string inherited =
        "NGINX=" + std::to_string(http.descriptor()) + ';' + std::to_string(https.descriptor()) + ';';
    process_ = spawn({program, "-p", state_.path(), "-c", path, "-e", state_ / "error.log"}, {inherited});
}

void nginx::end() const noexcept
{
    ::kill(process_, SIGTERM);
    while (::waitpid(process_, nullptr, 0) == -1 && errno == EINTR) {
    }
}

std::string nginx::http_url(std::string_view target) const
{
    return "http://127.0.0.1:" + std::to_string(http_port_) + std::string(target);
}

std::string nginx::https_url(std::string_view target) const
{
    return "https://localhost:" + std::to_string(https_port_) + std::string(target);
}

std::string nginx::log() const
{
    const std::string path = state_ / "error.log";
    return ::access(path.c_str(), F_OK) == 0 ? content_of(path) : std::string(); // it may have ended before it wrote one
}

std::string nginx::configuration(const nginx_options& options) const
{
    const std::string state = state_.path();
    // Not `master_process off`: nginx 1.22 then crashes over sockets that it inherits.
    std::string text = "daemon off;\nworker_processes 1;\npid " + state + "/pid;\n";
    if (::geteuid() == 0)
        text += "user root;\n"; // else its worker may not read what we write
    text += "events { worker_connections 2048; }\n"
            "http {\n"
            "access_log off;\ndefault_type application/octet-stream;\nsendfile on;\ntcp_nodelay on;\n"
            "keepalive_requests 1000000;\nclient_max_body_size 0;\nssl_session_cache shared:tls:1m;\n";
    for (const char* kind : {"client_body", "proxy", "fastcgi", "uwsgi", "scgi"})
        text += std::string(kind) + "_temp_path " + state + '/' + kind + ";\n";
    text += options.in_http + "\nserver {\n";
    text += "listen 127.0.0.1:" + std::to_string(http_port_) + ";\n";
    text += "listen 127.0.0.1:" + std::to_string(https_port_) + " ssl;\n";
    text += "ssl_certificate " + certificate_file_ + ";\nssl_certificate_key " + key_file_ + ";\n";
    text += "root " + root() + ";\n" + options.in_server;
    return text + "\n}\n}\n";
}

/// The socket has listened before nginx began to: only an answer says that it did.
bool nginx::answers() const
{
    const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const timeval patience{.tv_sec = 20, .tv_usec = 0};
    ::setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    const sockaddr_in address = loopback(http_port_);
    static constexpr std::string_view request = "HEAD / HTTP/1.0\r\n\r\n";
    std::array<char, 16> begin{};
    const bool answered = ::connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0
        && ::send(socket, request.data(), request.size(), MSG_NOSIGNAL) > 0
        && ::recv(socket, begin.data(), begin.size(), 0) > 0;
    ::close(socket);
    return answered;
}

} // namespace test
