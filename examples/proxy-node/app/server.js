// A koa application with a WebSocket. It listens where luodi tells it to, HOST and PORT, and ends what it is at when
// it is asked to stop.
const http = require("node:http");
const Koa = require("koa");
const { WebSocketServer } = require("ws");

const app = new Koa({ proxy: true }); // nginx says who the visitor is: X-Forwarded-For, X-Forwarded-Proto

app.use(async (context) => {
  if (context.path === "/healthz") {
    context.body = "ok";
  } else if (context.path === "/api/me") {
    context.body = { address: context.ip, secure: context.secure, host: context.host, greeting: process.env.GREETING };
  } else if (context.path === "/") {
    context.type = "html";
    context.body = "<!doctype html><html lang=zh-CN><title>koa</title><body><h1>你好</h1></body></html>";
  }
});

const server = http.createServer(app.callback());
const sockets = new WebSocketServer({ server, path: "/ws" });
sockets.on("connection", (socket) => socket.on("message", (data, binary) => socket.send(data, { binary })));

server.listen(Number(process.env.PORT), process.env.HOST);

process.on("SIGTERM", () => {
  for (const socket of sockets.clients) socket.close(1001);
  server.close(() => process.exit(0));
  server.closeIdleConnections();
});
