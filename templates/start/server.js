// The first pages of an application. It listens where luodi tells it to, HOST and PORT, answers at /healthz once it is
// ready, and ends what it is at when it is asked to stop. For packages add a package-lock.json, and npm to the packages
// of the stack file.
const fs = require("node:fs");
const http = require("node:http");
const path = require("node:path");

const pages = {
  "/": ["text/html; charset=utf-8", fs.readFileSync(path.join(__dirname, "index.html"))],
  "/style.css": ["text/css; charset=utf-8", fs.readFileSync(path.join(__dirname, "style.css"))],
  "/healthz": ["text/plain", "ok"],
};

const server = http.createServer((request, response) => {
  const [type, body] = pages[new URL(request.url, "http://localhost").pathname] || [];
  response.writeHead(body ? 200 : 404, { "Content-Type": type || "text/plain" });
  response.end(body || "not found");
});

server.listen(Number(process.env.PORT), process.env.HOST);

process.on("SIGTERM", () => {
  server.close(() => process.exit(0));
  server.closeIdleConnections();
});
