// The back end of a mini-program: login, requests, a socket, uploads and downloads.
//
// wx.login() gives the mini-program a code; only a server may turn it into an openid and a session_key, and the
// session_key never leaves it. What the mini-program gets is a token that says nothing.
const crypto = require("node:crypto");
const fs = require("node:fs");
const http = require("node:http");
const path = require("node:path");
const { pipeline } = require("node:stream/promises");
const { WebSocketServer } = require("ws");

const { HOST, PORT, WECHAT_APPID, WECHAT_SECRET } = process.env;
const WECHAT = process.env.WECHAT_API || "https://api.weixin.qq.com";
const FILES = path.join(__dirname, "files"); // shared: it outlives releases
const SESSIONS = path.join(process.env.STATE_DIRECTORY || ".", "sessions"); // so do logins
const LIFE = 7 * 24 * 3600 * 1000;
const LARGEST = 200 * 1024 * 1024;

fs.mkdirSync(SESSIONS, { recursive: true, mode: 0o700 });

class Refusal extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

const sessionFile = (token) => path.join(SESSIONS, crypto.createHash("sha256").update(token).digest("hex"));

async function login(code) {
  if (typeof code !== "string" || !/^[\w-]{1,256}$/.test(code)) throw new Refusal(400, "code");
  const query = new URLSearchParams({
    appid: WECHAT_APPID, secret: WECHAT_SECRET, js_code: code, grant_type: "authorization_code",
  });
  const answer = await fetch(`${WECHAT}/sns/jscode2session?${query}`, { signal: AbortSignal.timeout(5000) });
  const { openid, session_key: sessionKey, errcode } = await answer.json();
  if (!openid) throw new Refusal(errcode === 40029 ? 401 : 502, `WeChat refuses the code: ${errcode}`);
  const token = crypto.randomBytes(32).toString("base64url");
  const session = { openid, sessionKey, until: Date.now() + LIFE };
  await fs.promises.writeFile(sessionFile(token), JSON.stringify(session), { mode: 0o600 });
  return { token };
}

async function session(request) {
  const [, token] = /^Bearer ([\w-]{43})$/.exec(request.headers.authorization || "") || [];
  if (!token) throw new Refusal(401, "log in");
  const text = await fs.promises.readFile(sessionFile(token), "utf8").catch(() => "{}");
  const found = JSON.parse(text);
  if (!(found.until > Date.now())) throw new Refusal(401, "log in again");
  return found;
}

async function body(request, most = 64 * 1024) {
  const parts = [];
  let size = 0;
  for await (const part of request) {
    size += part.length;
    if (size > most) throw new Refusal(413, "too large");
    parts.push(part);
  }
  try {
    return JSON.parse(Buffer.concat(parts).toString("utf8"));
  } catch {
    throw new Refusal(400, "JSON");
  }
}

// One file, as wx.uploadFile sends it (multipart/form-data), written while it comes in.
async function upload(request) {
  const [, boundary] = /^multipart\/form-data;.*boundary="?([^";]{1,70})"?/.exec(request.headers["content-type"] || "") || [];
  if (!boundary) throw new Refusal(400, "multipart/form-data");
  const id = crypto.randomBytes(16).toString("hex");
  const target = path.join(FILES, id);
  const end = Buffer.from(`\r\n--${boundary}`);
  const hash = crypto.createHash("sha256");
  let size = 0;
  async function* content(source) {
    let rest = Buffer.alloc(0);
    let inside = false;
    for await (const part of source) {
      rest = Buffer.concat([rest, part]);
      if (!inside) {
        const head = rest.indexOf("\r\n\r\n");
        if (head < 0 && rest.length > 16384) throw new Refusal(400, "headers");
        if (head < 0) continue;
        if (!/filename=/.test(rest.subarray(0, head).toString("utf8"))) throw new Refusal(400, "a file first");
        rest = rest.subarray(head + 4);
        inside = true;
      }
      const stop = rest.indexOf(end);
      const whole = stop >= 0 ? stop : Math.max(0, rest.length - end.length);
      const chunk = rest.subarray(0, whole);
      size += chunk.length;
      if (size > LARGEST) throw new Refusal(413, "too large");
      hash.update(chunk);
      yield chunk;
      if (stop >= 0) return;
      rest = rest.subarray(whole);
    }
    throw new Refusal(400, "it broke off");
  }
  try {
    await pipeline(content(request), fs.createWriteStream(`${target}.part`, { mode: 0o640 }));
    await fs.promises.rename(`${target}.part`, target);
  } catch (error) {
    await fs.promises.rm(`${target}.part`, { force: true });
    throw error;
  }
  return { id, size, sha256: hash.digest("hex") };
}

async function download(id, response) {
  if (!/^[0-9a-f]{32}$/.test(id)) throw new Refusal(404, "no such file");
  const file = path.join(FILES, id);
  const { size } = await fs.promises.stat(file).catch(() => { throw new Refusal(404, "no such file"); });
  response.writeHead(200, { "Content-Type": "application/octet-stream", "Content-Length": size });
  await pipeline(fs.createReadStream(file), response);
}

async function answer(request, response) {
  const { pathname } = new URL(request.url, "http://localhost");
  const say = (value) => {
    response.writeHead(200, { "Content-Type": "application/json" });
    response.end(JSON.stringify(value));
  };
  if (pathname === "/healthz") return say({ ok: true });
  if (pathname === "/login" && request.method === "POST") return say(await login((await body(request)).code));
  const { openid } = await session(request);
  if (pathname === "/me") return say({ member: crypto.createHash("sha256").update(openid).digest("hex").slice(0, 16) });
  if (pathname === "/upload/" && request.method === "POST") return say(await upload(request));
  if (pathname.startsWith("/download/")) return download(pathname.slice("/download/".length), response);
  throw new Refusal(404, "no such thing");
}

const server = http.createServer((request, response) => {
  answer(request, response).catch((error) => {
    if (!error.status) console.error(error);
    if (response.headersSent) return response.destroy();
    response.writeHead(error.status || 500, { "Content-Type": "application/json" });
    response.end(JSON.stringify({ error: error.status ? error.message : "something went wrong" }));
  });
});

const sockets = new WebSocketServer({ noServer: true, maxPayload: 64 * 1024 });
server.on("upgrade", (request, socket, head) => {
  const refuse = (status) => socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
  if (new URL(request.url, "http://localhost").pathname !== "/ws/") return refuse("404 Not Found");
  session(request).then(
    () => sockets.handleUpgrade(request, socket, head, (opened) => {
      opened.on("message", (data, binary) => opened.send(data, { binary }));
    }),
    () => refuse("401 Unauthorized"),
  );
});

server.requestTimeout = 0; // a large upload over a slow line takes its time; nginx watches over it
server.listen(Number(PORT), HOST);

process.on("SIGTERM", () => {
  for (const socket of sockets.clients) socket.close(1001); // the mini-program connects again, to the new release
  server.close(() => process.exit(0));
  server.closeIdleConnections();
});
