#!/usr/bin/env python3
"""weir ingest: what it prints about files, trees and streams."""

import hashlib
import os
import resource
import socket
import subprocess
import threading
import unittest

from harness import PATIENCE, WEIR, CommandTest, lines_of, main, noise, of_type, path_bytes, root_of_chunks


def sha512_256(data=b""):
    return hashlib.new("sha512_256", data)


class Lines(CommandTest):
    def test_the_members_of_every_line_stand_in_the_documented_order(self):
        self.write("a", noise(100_000))
        lines = self.ingest("--chunk-avg", "4K", "a", "missing", code=1)
        self.assertEqual(list(of_type(lines, "chunk")[0]), ["type", "path", "offset", "length", "sha256"])
        self.assertEqual(list(of_type(lines, "file")[0]), ["type", "path", "size", "chunks", "root"])
        self.assertEqual(list(of_type(lines, "error")[0]), ["type", "path", "error", "code"])
        summary = lines[-1]
        self.assertEqual(list(summary), [
            "type", "files", "errors", "skipped", "bytes", "chunks", "unique_chunks", "unique_bytes", "unique_exact",
            "interrupted", "seconds", "peak_memory", "backend", "kernels"])
        self.assertIs(summary["interrupted"], False)
        self.assertIs(summary["unique_exact"], True)
        self.assertIsInstance(summary["seconds"], float)
        self.assertGreater(summary["peak_memory"], 1 << 20)
        self.assertIn(summary["backend"], ["uring", "threads", "mmap"])
        self.assertRegex(summary["kernels"], r"^cut=\S+ digest=\S+$")

    def test_digests_and_root_are_those_of_the_content(self):
        content = noise(3_000_000)
        self.write("a", content)
        chunks = self.check_content(self.ingest("--chunk-avg", "16K", "a"), "a", content)
        self.assertGreater(len(chunks), 50)

    def test_an_empty_file_has_no_chunk_and_the_root_of_the_empty_tree(self):
        self.write("empty", b"")
        lines = self.ingest("empty")
        self.assertEqual(of_type(lines, "chunk"), [])
        file = of_type(lines, "file")[0]
        self.assertEqual((file["size"], file["chunks"]), (0, 0))
        self.assertEqual(file["root"], hashlib.sha256(b"").hexdigest())

    def test_the_name_of_another_hash_is_the_key(self):
        content = noise(300_000)
        self.write("a", content)
        lines = self.ingest("--hash", "sha512-256", "--chunk-avg", "8K", "a")
        self.check_content(lines, "a", content, "sha512-256", sha512_256)

    def test_xxh3_is_said_to_be_not_cryptographic(self):
        self.write("a", noise(100))
        result = self.weir("ingest", "--json", "--hash", "xxh3-128", "a")
        self.assertEqual(result.returncode, 0)
        self.assertIn(b"not cryptographic", result.stderr.lower())
        self.assertIn(b'"xxh3-128":"', result.stdout)

    def test_a_file_digest_is_that_of_the_whole_file_and_only_there_on_request(self):
        content = noise(2_500_000)
        self.write("a", content)
        for arguments in (["--file-digest", "sha256", "a"], ["--file-digest", "a"], ["a", "--file-digest"]):
            file = of_type(self.ingest(*arguments), "file")[0]
            self.assertEqual(file["sha256"], hashlib.sha256(content).hexdigest())
        other = of_type(self.ingest("--file-digest", "sha512-256", "a"), "file")[0]
        self.assertEqual(other["sha512-256"], sha512_256(content).hexdigest())
        self.assertNotIn("sha256", of_type(self.ingest("a"), "file")[0])

    def test_equal_content_is_unique_once(self):
        content = noise(200_000)
        for name in ("a", "b", "c"):
            self.write(name, content)
        summary = self.ingest("a", "b", "c")[-1]
        self.assertEqual(summary["bytes"], 600_000)
        self.assertEqual(summary["unique_bytes"], 200_000)
        self.assertEqual(summary["unique_chunks"] * 3, summary["chunks"])

    def test_results_do_not_depend_on_back_end_jobs_blocks_or_kernel(self):
        self.write("t/a", noise(5_000_000))
        self.write("t/b", noise(10_000, 2))
        def outcome(*arguments, **options):
            lines = self.ingest(*arguments, "t", **options)
            return sorted(str(line) for line in lines[:-1])
        expected = outcome()
        self.assertEqual(outcome("--backend", "threads"), expected)
        self.assertEqual(outcome("--backend", "mmap"), expected)
        self.assertEqual(outcome("--jobs", "1"), expected)
        self.assertEqual(outcome("--jobs", "5", "--block-size", "64K"), expected)
        self.assertEqual(outcome(environment={"WEIR_CPU": "portable"}), expected)

    def test_sizes_follow_the_file_unless_an_average_is_given(self):
        self.write("small", noise(900_000))
        self.write("medium", noise(20_000_000, 2))
        lines = self.ingest("small", "medium")
        mean = {f["path"]: f["size"] / f["chunks"] for f in of_type(lines, "file")}
        self.assertLess(mean["small"], 512 * 1024)
        self.assertGreater(mean["medium"], 640 * 1024)
        lines = self.ingest("--chunk-avg", "32K", "medium")
        self.assertLess(max(c["length"] for c in of_type(lines, "chunk")), 4 * 32 * 1024 + 1)
        self.assertGreaterEqual(min(c["length"] for c in of_type(lines, "chunk")[:-1]), 8 * 1024)

    def test_fixed_chunks_have_one_size(self):
        self.write("a", noise(1_000_000))
        chunks = of_type(self.ingest("--chunker", "fixed", "--chunk-avg", "64kb", "a"), "chunk")
        self.assertEqual({c["length"] for c in chunks[:-1]}, {65536})

    def test_seed_and_secret_change_the_cuts(self):
        content = noise(2_000_000)
        self.write("a", content)
        self.write("secret", b"a secret")
        def cuts(*arguments):
            return [c["offset"] for c in of_type(self.ingest("--chunk-avg", "8K", *arguments, "a"), "chunk")]
        fastcdc = ["--chunker", "fastcdc2020"]
        self.assertNotEqual(cuts(*fastcdc), cuts(*fastcdc, "--seed", "7"))
        self.assertEqual(cuts(*fastcdc), cuts(*fastcdc, "--seed", "0"))
        self.assertEqual(cuts("--secret-file", "secret"), cuts("--secret-file", "secret"))
        self.assertNotEqual(cuts(), cuts("--secret-file", "secret"))


class Names(CommandTest):
    def test_a_path_is_the_argument_as_typed_a_slash_and_the_relative_path(self):
        self.write("t/u/a", b"x")
        for argument, expected in (("t", "t/u/a"), ("./t", "./t/u/a"), ("t/", "t/u/a"), ("t/u/a", "t/u/a"),
                                   (str(self.directory / "t"), str(self.directory / "t/u/a"))):
            with self.subTest(argument):
                self.assertEqual(of_type(self.ingest(argument), "file")[0]["path"], expected)

    def test_a_name_that_is_not_utf8_has_replacements_and_its_bytes(self):
        names = [b"caf\xe9", b"\xff\xfe", b"\xc3\xa9", b"\xed\xa0\x80", b"\xf0\x9f\x98", b"\xe2\x82", b"a\xc0\xafb"]
        for name in names:
            self.write(b"t/" + name, name)
        files = of_type(self.ingest("t"), "file")
        self.assertEqual({path_bytes(f) for f in files}, {b"t/" + name for name in names})
        for file in files:
            exact = path_bytes(file)
            self.assertEqual(file["path"], exact.decode("utf-8", errors="replace"))
            self.assertEqual("path_base64" in file, file["path"].encode() != exact)

    def test_names_with_control_characters_and_quotes_are_escaped(self):
        name = "".join(chr(c) for c in range(1, 128) if chr(c) != "/") + "\u2028\U0001f600"
        self.write(name, b"x")
        self.assertEqual(of_type(self.ingest("./" + name), "file")[0]["path"], "./" + name)

    def test_names_that_look_like_syntax_are_names(self):
        for name in ("-", "[a,b]", "++", "--", "check", "-x"):
            self.write(name, name.encode())
        lines = self.ingest("[a,b]", "++", "check", "--", "./-", "--", "-x")
        self.assertEqual(sorted(f["path"] for f in of_type(lines, "file")),
                         sorted(["[a,b]", "++", "check", "./-", "--", "-x"]))
        self.check_content(lines, "./-", b"-")


class Streams(CommandTest):
    def test_a_dash_is_standard_input(self):
        content = noise(3_000_000)
        lines = self.ingest("--chunk-avg", "64K", "-", stdin=content)
        self.check_content(lines, "-", content)

    def test_standard_input_may_be_empty_or_a_file(self):
        self.assertEqual(of_type(self.ingest("-"), "file")[0]["chunks"], 0)
        content = noise(400_000)
        path = self.write("a", content)
        with open(path, "rb") as file:
            result = subprocess.run([WEIR, "ingest", "--json", "-"], stdin=file, capture_output=True, timeout=PATIENCE)
        self.assertEqual(result.returncode, 0)
        self.check_content(lines_of(result.stdout), "-", content)

    def test_a_stream_is_cut_as_a_file_is(self):
        content = noise(2_000_000)
        self.write("a", content)
        def cuts(lines):
            return [(c["offset"], c["sha256"]) for c in of_type(lines, "chunk")]
        self.assertEqual(cuts(self.ingest("--chunk-avg", "16K", "a")),
                         cuts(self.ingest("--chunk-avg", "16K", "-", stdin=content)))

    def test_a_fifo_that_is_named_is_read(self):
        os.mkfifo(self.directory / "fifo")
        content = noise(300_000)
        process = subprocess.Popen([WEIR, "ingest", "--json", "fifo"], cwd=self.directory, stdout=subprocess.PIPE)
        with open(self.directory / "fifo", "wb") as writer:
            writer.write(content)
        output, _ = process.communicate(timeout=PATIENCE)
        self.assertEqual(process.returncode, 0)
        self.check_content(lines_of(output), "fifo", content)

    def test_files_of_proc_have_content_though_their_size_is_0(self):
        lines = self.ingest("/proc/self/cmdline")
        self.assertGreater(of_type(lines, "file")[0]["size"], 10)

    def test_a_sparse_file_reads_as_zeros(self):
        path = self.write("sparse", b"head")
        os.truncate(path, 9_000_000)
        self.check_content(self.ingest("--chunk-avg", "256K", "sparse"), "sparse", b"head" + bytes(9_000_000 - 4))


class Trees(CommandTest):
    def test_every_file_of_a_tree_is_read(self):
        contents = {}
        for i in range(3000):
            name = f"t/d{i % 17}/e{i % 5}/f{i}"
            contents[name] = noise(i * 7 % 20_000, i)
            self.write(name, contents[name])
        contents["t/large"] = noise(4_000_000, "large")
        self.write("t/large", contents["t/large"])
        lines = self.ingest("t")
        self.assertEqual({f["path"] for f in of_type(lines, "file")}, set(contents))
        by_path = {}
        for chunk in of_type(lines, "chunk"):
            by_path.setdefault(chunk["path"], []).append(chunk)
        for file in of_type(lines, "file"):
            chunks = by_path.get(file["path"], [])
            content = contents[file["path"]]
            self.assertEqual(file["size"], len(content))
            self.assertEqual([c["sha256"] for c in chunks],
                             [hashlib.sha256(content[c["offset"]:c["offset"] + c["length"]]).hexdigest()
                              for c in chunks])
            self.assertEqual(file["root"], root_of_chunks(chunks))

    def test_an_empty_directory_is_nothing(self):
        os.mkdir(self.directory / "t")
        summary = self.ingest("t")[-1]
        self.assertEqual((summary["files"], summary["errors"], summary["skipped"]), (0, 0, 0))

    def test_links_that_are_arguments_are_followed_and_those_in_trees_are_not(self):
        self.write("real/a", b"x")
        os.mkdir(self.directory / "t")
        os.symlink("../real", self.directory / "t/directory")
        os.symlink("../real/a", self.directory / "t/file")
        os.symlink("t", self.directory / "link")
        self.assertEqual(of_type(self.ingest("link"), "file"), [])
        self.assertEqual([f["path"] for f in of_type(self.ingest("t/file"), "file")], ["t/file"])
        self.assertEqual({f["path"] for f in of_type(self.ingest("--follow-links", "t"), "file")},
                         {"t/directory/a", "t/file"})

    def test_a_loop_of_links_is_an_error_and_the_rest_goes_on(self):
        self.write("t/u/a", b"x")
        os.symlink("..", self.directory / "t/u/up")
        lines = self.ingest("--follow-links", "t", code=1)
        self.assertIn("t/u/a", {f["path"] for f in of_type(lines, "file")})
        self.assertEqual([(e["path"], e["code"]) for e in of_type(lines, "error")], [("t/u/up", "ELOOP")])

    def test_a_dangling_link_that_is_followed_is_an_error(self):
        self.write("t/a", b"x")
        os.symlink("nowhere", self.directory / "t/dangling")
        lines = self.ingest("--follow-links", "t", code=1)
        self.assertEqual([(e["path"], e["code"]) for e in of_type(lines, "error")], [("t/dangling", "ENOENT")])
        self.assertEqual(lines[-1]["files"], 1)

    def bound_socket(self, name):
        """A Unix socket with a name below the directory, whose own path may be too long for an address."""
        server = socket.socket(socket.AF_UNIX)
        previous = os.getcwd()
        os.chdir(self.directory)
        try:
            server.bind(name)
        finally:
            os.chdir(previous)
        return server

    def test_fifos_and_sockets_in_a_tree_are_skipped(self):
        self.write("t/a", b"x")
        os.mkfifo(self.directory / "t/fifo")
        with self.bound_socket("t/socket"):
            summary = self.ingest("t")[-1]
        self.assertEqual((summary["files"], summary["skipped"], summary["errors"]), (1, 2, 0))

    def test_a_socket_that_is_named_is_connected_to(self):
        content = noise(300_000)
        with self.bound_socket("socket") as server:
            server.listen()
            def serve():
                connection, _ = server.accept()
                with connection:
                    connection.sendall(content)
            thread = threading.Thread(target=serve, daemon=True)
            thread.start()
            lines = self.ingest("--chunk-avg", "16K", "socket")
            thread.join()
        self.check_content(lines, "socket", content)
        lines = self.ingest("socket", code=1)
        self.assertEqual([(e["error"], e["code"]) for e in of_type(lines, "error")],
                         [("connect to socket: connection refused", "ECONNREFUSED")])

    def test_exclude_matches_names_and_paths_below_the_argument(self):
        for name in ("t/a.tmp", "t/a.txt", "t/b/c.tmp", "t/b/d/e.txt", "t/b/d/f.txt", "t/x/y/z"):
            self.write(name, b"x")
        def found(*patterns):
            arguments = [a for p in patterns for a in ("--exclude", p)]
            return {f["path"][2:] for f in of_type(self.ingest(*arguments, "t"), "file")}
        self.assertEqual(found("*.tmp"), {"a.txt", "b/d/e.txt", "b/d/f.txt", "x/y/z"})
        self.assertEqual(found("*.tmp", "b/d/f.txt"), {"a.txt", "b/d/e.txt", "x/y/z"})
        self.assertEqual(found("x/**"), {"a.tmp", "a.txt", "b/c.tmp", "b/d/e.txt", "b/d/f.txt"})
        self.assertEqual(found("b/*.tmp"), {"a.tmp", "a.txt", "b/d/e.txt", "b/d/f.txt", "x/y/z"})
        self.assertEqual(found("d"), {"a.tmp", "a.txt", "b/c.tmp", "x/y/z"})
        self.assertEqual(found("?.tx[t]"), {"a.tmp", "b/c.tmp", "x/y/z"})
        self.assertEqual(found("[[:lower:]].t[[:alpha:]]*"), {"x/y/z"})
        for wrong in ("[a", "[[:letter:]]"):
            self.assertEqual(self.weir("ingest", "--exclude", wrong, "t").returncode, 2)

    @unittest.skipIf(os.geteuid() == 0, "root reads everything")
    def test_an_unreadable_file_is_an_error_and_the_rest_goes_on(self):
        self.write("t/a", b"x")
        os.chmod(self.write("t/secret", b"x"), 0)
        lines = self.ingest("t", code=1)
        self.assertEqual([(e["path"], e["code"]) for e in of_type(lines, "error")], [("t/secret", "EACCES")])
        self.assertEqual(lines[-1]["files"], 1)

    def test_one_file_system_leaves_out_what_is_mounted_below(self):
        self.write("t/a", b"x")
        os.mkdir(self.directory / "t/other")
        # A mount of our own, in a name space that ends with the command.
        script = 'mount -t tmpfs none t/other && echo y > t/other/b && exec "$@"'
        def found(*options):
            arguments = ["unshare", "-rm", "sh", "-c", script, "sh", WEIR, "ingest", "--json", *options, "t"]
            return subprocess.run(arguments, cwd=self.directory, capture_output=True, timeout=PATIENCE)
        everything = found()
        if everything.returncode != 0:
            self.skipTest("nothing can be mounted here: " + everything.stderr.decode(errors="replace").strip())
        self.assertEqual({f["path"] for f in of_type(lines_of(everything.stdout), "file")}, {"t/a", "t/other/b"})
        here = found("--one-file-system")
        self.assertEqual(here.returncode, 0, here.stderr)
        self.assertEqual({f["path"] for f in of_type(lines_of(here.stdout), "file")}, {"t/a"})

    def test_deep_trees_are_walked(self):
        path = b"t" + b"/dddddddddddddddd" * 200
        os.makedirs(os.path.join(os.fsencode(self.directory), path))
        self.write(path + b"/a", b"x")
        self.assertEqual([path_bytes(f) for f in of_type(self.ingest("t"), "file")], [path + b"/a"])


class Descriptors(CommandTest):
    """Few descriptors: fewer files are open at a time; where even that does not do, each file is an error."""

    def setUp(self):
        super().setUp()
        for i in range(40):
            self.write(f"t/d{i}/small", noise(5_000, i))
            self.write(f"t/d{i}/e/medium", noise(40_000, i))
            self.write(f"t/d{i}/e/f/large", noise(400_000, i))

    def with_descriptors(self, number, *arguments, code):
        limit = lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (number, number))
        return self.ingest("--memory", "200M", *arguments, "t", code=code, preexec_fn=limit)

    def test_few_descriptors_are_shared_out_and_everything_is_read(self):
        for backend in ("auto", "threads", "mmap"):
            for number, jobs in ((64, "2"), (256, "16")):
                with self.subTest(backend=backend, descriptors=number, jobs=jobs):
                    summary = self.with_descriptors(number, "--backend", backend, "--jobs", jobs, code=0)[-1]
                    self.assertEqual((summary["files"], summary["errors"]), (120, 0))

    @unittest.skipIf("UBSAN_OPTIONS" in os.environ, "UBSan looks at objects through a pipe, which needs descriptors too")
    def test_out_of_descriptors_is_an_error_for_what_could_not_be_opened(self):
        for backend in ("auto", "threads", "mmap"):
            with self.subTest(backend=backend):
                lines = self.with_descriptors(12, "--backend", backend, "--jobs", "2", code=1)
                self.assertGreater(lines[-1]["errors"], 0)
                self.assertEqual({e["code"] for e in of_type(lines, "error")}, {"EMFILE"})


class Inputs(CommandTest):
    def test_a_missing_path_is_an_error_and_the_rest_is_read(self):
        self.write("a", b"x")
        lines = self.ingest("missing", "a", code=1)
        error = of_type(lines, "error")[0]
        self.assertEqual((error["path"], error["code"]), ("missing", "ENOENT"))
        self.assertTrue(error["error"])
        self.assertEqual([f["path"] for f in of_type(lines, "file")], ["a"])

    def test_an_empty_argument_is_an_error_that_shows_it(self):
        self.write("a", b"x")
        error = of_type(self.ingest("", "a", code=1), "error")[0]
        self.assertEqual((error["path"], error["code"]), ("", "ENOENT"))
        self.assertIn("''", error["error"])

    def test_a_url_of_another_scheme_than_http_and_https_is_an_error(self):
        self.write("a", b"x")
        lines = self.ingest("ftp://user:hunter2@example.org/x", "a", code=1)
        self.assertEqual([(e["path"], e["code"]) for e in of_type(lines, "error")],
                         [("***@example.org/x", "unsupported_scheme")])
        self.assertEqual(lines[-1]["files"], 1)
        self.assertNotIn("hunter2", str(lines))

    def test_files_from_reads_lines_or_names_before_nul(self):
        for name in ("a", "b c", "d\ne"):
            self.write(name, name.encode())
        self.write("list", b"a\n\nb c\n")
        self.write("list0", b"a\0d\ne\0b c")
        self.assertEqual({f["path"] for f in of_type(self.ingest("--files-from", "list"), "file")}, {"a", "b c"})
        every = {"a", "b c", "d\ne"}
        self.assertEqual({f["path"] for f in of_type(self.ingest("--files-from", "list0", "-0"), "file")}, every)
        self.assertEqual({f["path"] for f in of_type(self.ingest("--files-from=-", "-0", stdin=b"a\0d\ne\0b c\0"), "file")},
                         every)
        self.assertEqual({f["path"] for f in of_type(self.ingest("--files-from", "list", "d\ne"), "file")}, every)
        # Without -0 it is one line, and no file can have that name: what stands before the NUL is another.
        lines = self.ingest("--files-from", "list0", code=1)
        self.assertEqual([(e["path"], e["code"]) for e in of_type(lines, "error")],
                         [("a\0d", "EINVAL"), ("e\0b c", "EINVAL")])
        self.assertEqual(self.weir("ingest", "-0", "a").returncode, 2)

    def test_a_list_that_is_missing_is_an_error_and_the_arguments_are_read(self):
        self.write("a", b"x")
        lines = self.ingest("--files-from", "missing", "a", code=1)
        self.assertEqual([(e["path"], e["code"]) for e in of_type(lines, "error")], [("missing", "ENOENT")])
        self.assertEqual(lines[-1]["files"], 1)

    def test_standard_input_is_read_once_whoever_names_it_again(self):
        self.write("a", b"x")
        self.write("list", b"-\na\n-\n")
        for arguments, stdin, files in ((["--files-from", "-"], b"-\na\n", {"a"}),
                                        (["--files-from", "list"], b"input", {"-", "a"}),
                                        (["--files-from", "list", "-"], b"input", {"-", "a"})):
            with self.subTest(arguments):
                lines = self.ingest(*arguments, stdin=stdin, code=1)
                for error in of_type(lines, "error"):
                    self.assertEqual((error["path"], error["code"]), ("-", "EBUSY"))
                    self.assertIn("standard input can be read once", error["error"])
                self.assertEqual({f["path"] for f in of_type(lines, "file")}, files)
                if "-" in files:
                    self.check_content(lines, "-", b"input")

    def test_an_empty_list_is_no_error(self):
        self.assertEqual(self.ingest("--files-from", "-")[-1]["files"], 0)


if __name__ == "__main__":
    main()
