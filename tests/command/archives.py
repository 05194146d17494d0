"""Archives that the tests of the weir command share: the same files in every kind of archive."""

import io
import tarfile
import zipfile

from harness import CommandTest, codecs, noise

BUILT_IN = codecs()
FILES = {"a": b"first", "dir/b": noise(100_000, 2), "dir/empty": b"", "large": noise(3_000_000, 3)}
OFF = {"http_proxy": ""}


def tar(mode="w", files=FILES, extra=()):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode) as archive:
        directory = tarfile.TarInfo("dir")
        directory.type, directory.mode = tarfile.DIRTYPE, 0o755
        archive.addfile(directory)
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size, member.mtime = len(content), 1_600_000_000
            archive.addfile(member, io.BytesIO(content))
        for member in extra:
            archive.addfile(member)
    return out.getvalue()


def zipped(files=FILES):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name, (2020, 9, 13, 12, 26, 40)), content, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def link(name, target):
    member = tarfile.TarInfo(name)
    member.type, member.linkname = tarfile.SYMTYPE, target
    return member


ARCHIVES = {"a.tar": tar()}
if "gzip" in BUILT_IN:
    ARCHIVES |= {"a.tgz": tar("w:gz"), "a.zip": zipped()}
if "xz" in BUILT_IN:
    ARCHIVES |= {"a.tar.xz": tar("w:xz")}


class ArchiveTest(CommandTest):
    def setUp(self):
        super().setUp()
        self.archives = list(ARCHIVES)
        for name, content in ARCHIVES.items():
            self.write(name, content)

    def weir(self, *arguments, **options):
        return super().weir(*arguments, environment=OFF, **options)

    def output(self, *arguments, code=0, reason="", **options):
        result = self.weir(*arguments, **options)
        said = result.stderr.decode()
        self.assertRegex(said, rf"\A{'weir: .*' + reason + '.*' + chr(10) if reason else ''}\Z")
        self.assertEqual(result.returncode, code, said)
        return result.stdout
