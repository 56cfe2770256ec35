// Both ends of what a web server passes on.
module luodi/bench/serving/probe

go 1.25.0

require github.com/coder/websocket v1.8.15
