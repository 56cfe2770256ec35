// probe is both ends of what a web server passes on: an upstream that answers and echoes, and a client that
// counts WebSocket echoes, or TLS handshakes of which none resumes a session.
package main

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"sort"
	"strings"
	"sync"
	"time"

	"github.com/coder/websocket"
)

func main() {
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "probe upstream|echoes|handshakes [flags]")
		os.Exit(2)
	}
	flags := flag.NewFlagSet(os.Args[1], flag.ExitOnError)
	switch os.Args[1] {
	case "upstream":
		listen := flags.String("listen", "127.0.0.1:0", "address")
		_ = flags.Parse(os.Args[2:])
		fail(upstream(*listen))
	case "echoes":
		url := flags.String("url", "", "wss:// address")
		name := flags.String("name", "", "the site's name, for TLS and the Host header")
		connections := flags.Int("connections", 32, "at once")
		seconds := flags.Float64("seconds", 5, "how long")
		_ = flags.Parse(os.Args[2:])
		fail(echoes(*url, *name, *connections, time.Duration(*seconds*float64(time.Second))))
	case "handshakes":
		address := flags.String("address", "", "host and port")
		name := flags.String("name", "", "the site's name")
		connections := flags.Int("connections", 32, "at once")
		seconds := flags.Float64("seconds", 5, "how long")
		_ = flags.Parse(os.Args[2:])
		fail(handshakes(*address, *name, *connections, time.Duration(*seconds*float64(time.Second))))
	default:
		fail(fmt.Errorf("no such command: %s", os.Args[1]))
	}
}

func fail(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func upstream(listen string) error {
	whole := []byte("<!DOCTYPE html><title>page</title><body>" +
		strings.Repeat("<p>The quick brown fox jumps over the lazy dog.</p>\n", 20<<10/52) + "</body></html>")
	http.HandleFunc("/app/page", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write(whole)
	})
	page := []byte("<!DOCTYPE html><title>upstream</title>" + strings.Repeat("<p>The quick brown fox.</p>\n", 40))
	http.HandleFunc("/app/ws", func(w http.ResponseWriter, r *http.Request) {
		connection, err := websocket.Accept(w, r, &websocket.AcceptOptions{InsecureSkipVerify: true})
		if err != nil {
			return
		}
		defer connection.CloseNow()
		for {
			kind, data, err := connection.Read(r.Context())
			if err != nil || connection.Write(r.Context(), kind, data) != nil {
				return
			}
		}
	})
	http.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/octet-stream")
		_, _ = w.Write(page)
	})
	return http.ListenAndServe(listen, nil)
}

type measured struct {
	Rate   float64 `json:"rate"`
	P99    float64 `json:"p99_ms"`
	Errors int     `json:"errors"`
}

// trusting is the TLS of a client that asks for nothing but TLS 1.3, and believes any certificate.
func trusting(name string) *tls.Config {
	return &tls.Config{InsecureSkipVerify: true, ServerName: name, MinVersion: tls.VersionTLS13}
}

func echoes(url, name string, connections int, length time.Duration) error {
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: trusting(name)}}
	message := []byte(strings.Repeat("x", 128))
	ctx := context.Background()
	return measure(url, connections, length, func() (func() error, func()) {
		connection, _, err := websocket.Dial(ctx, url, &websocket.DialOptions{HTTPClient: client, Host: name})
		if err != nil {
			return func() error { return err }, func() {}
		}
		return func() error {
			err := connection.Write(ctx, websocket.MessageBinary, message)
			if err == nil {
				_, _, err = connection.Read(ctx)
			}
			return err
		}, func() { connection.CloseNow() }
	})
}

func handshakes(address, name string, connections int, length time.Duration) error {
	return measure(address, connections, length, func() (func() error, func()) {
		return func() error {
			connection, err := net.Dial("tcp", address)
			if err != nil {
				return err
			}
			defer connection.Close()
			return tls.Client(connection, trusting(name)).Handshake()
		}, func() {}
	})
}

// measure has as many at once as there are connections do the same again and again, and prints how it went.
func measure(where string, connections int, length time.Duration, begin func() (func() error, func())) error {
	var (
		mutex   sync.Mutex
		took    []time.Duration
		errors  int
		waiting sync.WaitGroup
	)
	start := time.Now()
	for range connections {
		waiting.Go(func() {
			var own []time.Duration
			failed := 0
			once, end := begin()
			defer end()
			for time.Since(start) < length {
				began := time.Now()
				if once() != nil {
					failed = 1
					break
				}
				own = append(own, time.Since(began))
			}
			mutex.Lock()
			took, errors = append(took, own...), errors+failed
			mutex.Unlock()
		})
	}
	waiting.Wait()
	if len(took) == 0 {
		return fmt.Errorf("nothing came back from %s", where)
	}
	sort.Slice(took, func(a, b int) bool { return took[a] < took[b] })
	return json.NewEncoder(os.Stdout).Encode(measured{
		Rate:   float64(len(took)) / time.Since(start).Seconds(),
		P99:    float64(took[len(took)*99/100].Microseconds()) / 1000,
		Errors: errors,
	})
}
