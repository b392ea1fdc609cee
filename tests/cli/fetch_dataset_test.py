#!/usr/bin/env python3
"""scripts/fetch_dataset.sh against a server of this process: fetch_dataset_test.py SCRIPT."""
import hashlib
import http.server
import os
import re
import subprocess
import sys
import tempfile
import threading
import unittest

SCRIPT = sys.argv.pop(1)
ARCHIVE = bytes(range(256)) * 400


class Handler(http.server.BaseHTTPRequestHandler):
    """Serves `files`; knows ranges unless told not to; can hang up in the middle once."""
    files, ranges, requests, cut_once = {}, True, [], False

    def do_GET(self):
        name = self.path.lstrip("/")
        begin = 0
        wanted = re.match(r"bytes=(\d+)-$", self.headers.get("Range", ""))
        Handler.requests.append((name, self.headers.get("Range")))
        if name not in self.files:
            return self.send_error(404)
        content = self.files[name]
        if wanted and self.ranges:
            begin = int(wanted.group(1))
            if begin >= len(content):
                return self.send_error(416)
        self.send_response(206 if begin else 200)
        if begin:
            self.send_header("Content-Range", f"bytes {begin}-{len(content) - 1}/{len(content)}")
        self.send_header("Content-Length", str(len(content) - begin))
        self.end_headers()
        if Handler.cut_once:
            Handler.cut_once = False
            self.wfile.write(content[begin:len(content) // 2])
            self.close_connection = True
            return None
        self.wfile.write(content[begin:])
        return None

    def log_message(self, *_):
        pass


class FetchTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        cls.url = f"http://127.0.0.1:{cls.server.server_address[1]}"
        threading.Thread(target=cls.server.serve_forever, daemon=True).start()

    @classmethod
    def tearDownClass(cls):
        cls.server.shutdown()

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.out = os.path.join(self.folder.name, "out")
        md5 = hashlib.md5(ARCHIVE).hexdigest()
        Handler.files = {"ml-100k.zip": ARCHIVE, "ml-100k.zip.md5": f"MD5 (ml-100k.zip) = {md5}\n".encode()}
        Handler.ranges, Handler.requests, Handler.cut_once = True, [], False

    def tearDown(self):
        self.folder.cleanup()

    def fetch(self, *arguments, expect=0, environment=None):
        got = subprocess.run(["bash", SCRIPT, *arguments], stdin=subprocess.DEVNULL, text=True, capture_output=True,
                             env={**os.environ, "no_proxy": "127.0.0.1", **(environment or {})}, check=False)
        self.assertEqual(got.returncode, expect, got.stdout + got.stderr)
        return got

    def fetch_archive(self, expect=0):
        return self.fetch("ml-100k", "--accept-licence", "--out", self.out, "--url", self.url, expect=expect)

    def content(self, name="ml-100k.zip"):
        with open(os.path.join(self.out, name), "rb") as file:
            return file.read()

    def test_fetches_verifies_and_does_not_fetch_again(self):
        got = self.fetch_archive()
        self.assertIn("No redistribution without permission", got.stdout)
        self.assertIn("md5 checksum is right", got.stdout)
        self.assertEqual(self.content(), ARCHIVE)
        self.assertEqual(os.listdir(self.out), ["ml-100k.zip"])
        before = len(Handler.requests)
        self.assertIn("is there already", self.fetch_archive().stdout)
        self.assertEqual(len(Handler.requests), before)

    def test_goes_on_where_a_download_was_cut_off(self):
        Handler.cut_once = True
        got = self.fetch_archive(expect=1)
        self.assertIn("run this again to go on", got.stderr)
        self.assertEqual(self.content("ml-100k.zip.part"), ARCHIVE[:len(ARCHIVE) // 2])
        self.fetch_archive()
        self.assertIn(("ml-100k.zip", f"bytes={len(ARCHIVE) // 2}-"), Handler.requests)
        self.assertEqual(self.content(), ARCHIVE)

    def test_begins_again_where_the_server_cannot_go_on(self):
        for part in (ARCHIVE[:100], ARCHIVE):
            for ranges in (False, True):
                with self.subTest(size=len(part), ranges=ranges), tempfile.TemporaryDirectory() as self.out:
                    Handler.ranges = ranges
                    with open(os.path.join(self.out, "ml-100k.zip.part"), "wb") as file:
                        file.write(part)
                    self.fetch_archive()
                    self.assertEqual(self.content(), ARCHIVE)

    def test_removes_a_download_with_a_wrong_checksum(self):
        Handler.files["ml-100k.zip"] = ARCHIVE + b"x"
        got = self.fetch_archive(expect=1)
        self.assertRegex(got.stderr, "ml-100k.zip: md5: expected [0-9a-f]{32}, got [0-9a-f]{32}")
        self.assertEqual(os.listdir(self.out), [])

    def test_refuses_a_sidecar_that_is_none(self):
        Handler.files["ml-100k.zip.md5"] = b"<html>\n"
        self.assertIn("expected 'MD5 (ml-100k.zip) = ", self.fetch_archive(expect=1).stderr)
        self.assertNotIn("ml-100k.zip", os.listdir(self.out))

    def test_refuses_a_pinned_digest_but_only_warns_of_one_by_others(self):
        Handler.files = {"hetrec2011-lastfm-2k.zip": b"x", "ratings_CDs_and_Vinyl.csv": b"u,i,5.0,1\n",
                         "meta_CDs_and_Vinyl.json.gz": b"y"}
        got = self.fetch("lastfm", "--accept-licence", "--out", self.out, "--url", self.url, expect=1)
        self.assertIn("hetrec2011-lastfm-2k.zip: sha256: expected 6738f481", got.stderr)
        got = self.fetch("cds", "--accept-licence", "--out", self.out, environment={"OPENP5_FETCH_URL": self.url + "/"})
        self.assertIn("warning: ratings_CDs_and_Vinyl.csv: sha256: expected 74b50315", got.stdout)
        self.assertIn("meta_CDs_and_Vinyl.json.gz: no checksum is published", got.stdout)
        self.assertEqual(sorted(os.listdir(self.out)), ["meta_CDs_and_Vinyl.json.gz", "ratings_CDs_and_Vinyl.csv"])

    def test_names_a_file_the_server_has_not(self):
        Handler.files = {}
        self.assertIn("/ml-100k.zip: download failed", self.fetch_archive(expect=1).stderr)

    def test_fetches_nothing_without_consent(self):
        got = self.fetch("ml-100k", "--out", self.out, "--url", self.url, expect=1)
        self.assertIn("--accept-licence", got.stderr)
        self.assertIn("Harper", got.stdout)
        self.assertEqual(Handler.requests, [])
        self.assertFalse(os.path.exists(self.out))

    def test_says_what_to_do_where_a_login_is_needed(self):
        for name, home in (("yelp", "business.yelp.com"), ("taobao", "tianchi.aliyun.com/dataset/649")):
            got = self.fetch(name, "--out", self.out, "--url", self.url, expect=3)
            self.assertIn(home, got.stdout)
            self.assertIn("openp5 dataset prepare", got.stdout)

    def test_knows_all_ten_and_nothing_else(self):
        for name in "ml-100k ml-1m lastfm beauty clothing cds movies electronics".split():
            got = self.fetch(name, "--out", self.out, "--url", self.url, expect=1)
            self.assertIn("Home: https://", got.stdout)
        self.assertIn("expected one of ml-100k", self.fetch("ml-20m", expect=2).stderr)
        for arguments in ([], ["ml-100k", "ml-1m"], ["ml-100k", "--out"], ["--nothing"]):
            self.assertIn("usage: ", self.fetch(*arguments, expect=2).stderr)


if __name__ == "__main__":
    unittest.main(argv=sys.argv)
