// Command pulumi-language-python is the Python language host that engine/
// builds where Pulumi's release can't be downloaded: the release's own host is
// a Go module that the module proxy doesn't serve. It speaks the engine's
// LanguageRuntime protocol for what luodi needs: running programs, dynamic
// providers and policy packs, installing dependencies, and telling the engine
// which plugins a program wants. Generating code (SDKs, conversion from other
// languages) is left to the release and answered with "unimplemented".
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/common/util/rpcutil"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc"
)

func main() {
	flag.Parse()
	if err := serve(flag.Arg(0)); err != nil {
		fmt.Fprintln(os.Stderr, "pulumi-language-python:", err)
		os.Exit(1)
	}
}

// serve answers the engine until the engine goes away or the user interrupts.
func serve(engineAddress string) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	cancel := make(chan bool)
	go func() {
		<-ctx.Done()
		close(cancel)
	}()
	if engineAddress != "" {
		if err := rpcutil.Healthcheck(ctx, engineAddress, 5*time.Minute, stop); err != nil {
			return fmt.Errorf("watch the engine at %s: %w", engineAddress, err)
		}
	}
	h := &host{
		executor: filepath.Join(filepath.Dir(self), "pulumi-language-python-exec"),
		engine:   engineAddress,
	}
	handle, err := rpcutil.ServeWithOptions(rpcutil.ServeOptions{
		Cancel: cancel,
		Init: func(srv *grpc.Server) error {
			pulumirpc.RegisterLanguageRuntimeServer(srv, h)
			return nil
		},
	})
	if err != nil {
		return err
	}
	// The engine reads the port from the first line of standard output.
	fmt.Println(handle.Port)
	return <-handle.Done
}
