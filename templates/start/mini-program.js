// The beginning of a mini-program's back end. It listens where luodi tells it to, HOST and PORT, answers at /healthz
// once it is ready, and ends what it is at when it is asked to stop. Login, sockets, uploads and downloads are in
// luodi's examples/mini-program.
const http = require("node:http");

const answers = {
  "/": { hello: "你好" },
  "/healthz": { ok: true },
};

const server = http.createServer((request, response) => {
  const answer = answers[new URL(request.url, "http://localhost").pathname];
  response.writeHead(answer ? 200 : 404, { "Content-Type": "application/json" });
  response.end(JSON.stringify(answer || { error: "not found" }));
});

server.listen(Number(process.env.PORT), process.env.HOST);

process.on("SIGTERM", () => {
  server.close(() => process.exit(0));
  server.closeIdleConnections();
});
