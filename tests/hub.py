"""A small server of what `datasets` and `transformers` read of the Hugging Face Hub's HTTP interface."""

import hashlib
import json
import threading
from collections import Counter
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit


class Hub:
    """Repositories by id: {"kind": "datasets" | "models", "commit": 40 hex digits, "files": {name: bytes}}.

    `requests` counts what was asked for, as "METHOD path"; `truncated` names files whose bodies break off
    half-way.
    """

    def __init__(self):
        self.repositories: dict[str, dict] = {}
        self.requests: Counter = Counter()
        self.truncated: set[str] = set()

    def add(self, repo_id: str, commit: str, files: dict[str, bytes], kind: str = "datasets") -> None:
        self.repositories[repo_id] = {"kind": kind, "commit": commit, "files": files}

    def downloads(self, name: str) -> int:
        """How often the content of a file was asked for."""
        return sum(
            n for path, n in self.requests.items() if path.startswith("GET") and path.endswith("/" + name)
        )


@contextmanager
def serve(hub: Hub):
    """Serves `hub` on a free loopback port; gives the endpoint's address, for HF_ENDPOINT."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler(hub))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def handler(hub: Hub):
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *arguments):
            pass

        def do_HEAD(self):
            self.answer()

        def do_GET(self):
            self.answer()

        def do_POST(self):
            self.answer(self.rfile.read(int(self.headers.get("Content-Length", 0))))

        def answer(self, body: bytes = b""):
            path = unquote(urlsplit(self.path).path).strip("/")
            hub.requests[f"{self.command} {path}"] += 1
            parts = path.split("/")
            if parts[0] == "api":
                kind, repo_id, rest = parts[1], "/".join(parts[2:4]), parts[4:]
            else:
                kind = "datasets" if parts[0] == "datasets" else "models"
                parts = parts[1:] if kind == "datasets" else parts
                repo_id, rest = "/".join(parts[:2]), parts[2:]
            repository = hub.repositories.get(repo_id)
            if repository is None or repository["kind"] != kind:
                return self.refuse(404, "RepoNotFound")
            revision = rest[1] if len(rest) > 1 else "main"
            if revision not in ("main", repository["commit"]):
                return self.refuse(404, "RevisionNotFound")
            if parts[0] == "api":
                return self.api(repo_id, repository, rest, body)
            return self.file(repository, "/".join(rest[2:]))

        def api(self, repo_id: str, repository: dict, rest: list[str], body: bytes):
            files = [entry(name, content) for name, content in repository["files"].items()]
            if not rest or rest[0] == "revision":
                siblings = [{"rfilename": name} for name in repository["files"]]
                return self.give({"id": repo_id, "sha": repository["commit"], "siblings": siblings,
                                  "tags": [], "private": False,
                                  "disabled": False, "gated": False, "downloads": 0, "likes": 0})  # fmt: skip
            if rest[0] == "paths-info":
                wanted = (
                    json.loads(body)["paths"]
                    if body.startswith(b"{")
                    else parse_qs(body.decode()).get("paths", [])
                )
                return self.give([file for file in files if file["path"] in wanted])
            if rest[0] == "tree":
                found = listing(files, "/".join(rest[2:]), "recursive=true" in self.path.lower())
                return self.give(found) if found else self.refuse(404, "EntryNotFound")
            return self.refuse(404, "EntryNotFound")

        def file(self, repository: dict, name: str):
            if name not in repository["files"]:
                return self.refuse(404, "EntryNotFound", repository["commit"])
            content = repository["files"][name]
            start = 0
            if given := self.headers.get("Range"):
                start = int(given.removeprefix("bytes=").split("-")[0])
            self.send_response(206 if start else 200)
            self.send_header("Content-Length", str(len(content) - start))
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
            self.send_header("ETag", f'"{entry(name, content)["oid"]}"')
            self.send_header("X-Repo-Commit", repository["commit"])
            self.send_header("Accept-Ranges", "bytes")
            self.end_headers()
            if self.command == "HEAD":
                return
            if name in hub.truncated:
                self.wfile.write(content[start : start + (len(content) - start) // 2])
                self.close_connection = True
            else:
                self.wfile.write(content[start:])

        def give(self, answer):
            content = json.dumps(answer).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def refuse(self, status: int, code: str, commit: str | None = None):
            self.send_response(status)
            self.send_header("X-Error-Code", code)
            if commit:
                self.send_header("X-Repo-Commit", commit)
            self.send_header("Content-Length", "0")
            self.end_headers()

    return Handler


def listing(files: list[dict], under: str, recursive: bool) -> list[dict]:
    """What lies under a folder ("" is the root): files, and unless recursive the folders below it."""
    prefix = under + "/" if under else ""
    inside = [file for file in files if file["path"].startswith(prefix)]
    if recursive:
        return inside
    direct = [file for file in inside if "/" not in file["path"][len(prefix) :]]
    folders = {prefix + file["path"][len(prefix) :].split("/")[0] for file in inside if file not in direct}
    return direct + [
        {"type": "directory", "path": name, "size": 0, "oid": "0" * 40} for name in sorted(folders)
    ]


def entry(name: str, content: bytes) -> dict:
    """A file as the Hub's listings show it; the object id is git's blob hash."""
    oid = hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
    return {"type": "file", "path": name, "size": len(content), "oid": oid}
