package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"

	"github.com/pulumi/pulumi/sdk/v3/go/common/util/rpcutil"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"github.com/pulumi/pulumi/sdk/v3/python/toolchain"
	"google.golang.org/protobuf/types/known/emptypb"
)

// version is the release of Pulumi whose protocol this host speaks; the linker
// sets it.
var version = "unknown"

type host struct {
	pulumirpc.UnimplementedLanguageRuntimeServer

	executor string // pulumi-language-python-exec, which imports and runs the program
	engine   string // the engine's gRPC address
}

// resolve finds the interpreter and package manager that Pulumi.yaml's runtime
// options name.
func resolve(info *pulumirpc.ProgramInfo) (toolchain.Toolchain, error) {
	opts := toolchain.PythonOptions{Root: info.RootDirectory, ProgramDir: info.ProgramDirectory}
	for key, value := range info.Options.AsMap() {
		text, ok := value.(string)
		if !ok {
			return nil, fmt.Errorf("Pulumi.yaml: runtime option %s: want text, got %v", key, value)
		}
		switch key {
		case "virtualenv":
			opts.Virtualenv = text
		case "toolchain":
			switch text {
			case "pip":
				opts.Toolchain = toolchain.Pip
			case "poetry":
				opts.Toolchain = toolchain.Poetry
			case "uv":
				opts.Toolchain = toolchain.Uv
			default:
				return nil, fmt.Errorf("Pulumi.yaml: runtime option toolchain: %q is none of pip, poetry, uv", text)
			}
		default:
			return nil, fmt.Errorf("Pulumi.yaml: runtime option %s: this Python host has only virtualenv and toolchain", key)
		}
	}
	return toolchain.ResolveToolchain(opts)
}

// ask runs a script by the project's interpreter and reads the JSON it prints.
func ask(ctx context.Context, tc toolchain.Toolchain, script string, answer any) error {
	cmd, err := tc.Command(ctx, "-c", script)
	if err != nil {
		return err
	}
	output, err := cmd.Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			return fmt.Errorf("%w: %s", err, exit.Stderr)
		}
		return err
	}
	return json.Unmarshal(output, answer)
}

func (h *host) Handshake(
	context.Context, *pulumirpc.LanguageHandshakeRequest,
) (*pulumirpc.LanguageHandshakeResponse, error) {
	return &pulumirpc.LanguageHandshakeResponse{}, nil
}

func (h *host) GetPluginInfo(context.Context, *emptypb.Empty) (*pulumirpc.PluginInfo, error) {
	return &pulumirpc.PluginInfo{Version: version}, nil
}

// aboutPython is run by the project's interpreter: the engine asks before every
// update, and `pip --version` alone would take longer than all of this.
const aboutPython = `
import json, platform, sys
from importlib import metadata
tools = {}
for name in ("pip", "pulumi"):
    try:
        tools[name] = metadata.version(name)
    except metadata.PackageNotFoundError:
        pass
print(json.dumps({"executable": sys.executable, "version": platform.python_version(), "metadata": tools}))
`

func (h *host) About(ctx context.Context, req *pulumirpc.AboutRequest) (*pulumirpc.AboutResponse, error) {
	tc, err := resolve(req.Info)
	if err != nil {
		return nil, err
	}
	if err := tc.ValidateVenv(ctx); err != nil {
		return nil, err
	}
	var about struct {
		Executable, Version string
		Metadata            map[string]string
	}
	if err := ask(ctx, tc, aboutPython, &about); err != nil {
		return nil, fmt.Errorf("ask Python about itself: %w", err)
	}
	return &pulumirpc.AboutResponse{
		Executable: about.Executable, Version: about.Version, Metadata: about.Metadata,
	}, nil
}

func (h *host) InstallDependencies(
	req *pulumirpc.InstallDependenciesRequest, server pulumirpc.LanguageRuntime_InstallDependenciesServer,
) (err error) {
	tc, err := resolve(req.Info)
	if err != nil {
		return err
	}
	closer, stdout, stderr, err := rpcutil.MakeInstallDependenciesStreams(server, req.IsTerminal)
	if err != nil {
		return err
	}
	// A pseudo terminal holds output back until it is closed, so this error counts.
	defer func() {
		if closeErr := closer.Close(); err == nil {
			err = closeErr
		}
	}()
	return tc.InstallDependencies(
		server.Context(), req.Info.ProgramDirectory, req.UseLanguageVersionTools, true, stdout, stderr)
}

// Template has nothing to do: what a template holds is already a pip project.
func (h *host) Template(context.Context, *pulumirpc.TemplateRequest) (*pulumirpc.TemplateResponse, error) {
	return &pulumirpc.TemplateResponse{}, nil
}

func (h *host) RuntimeOptionsPrompts(
	context.Context, *pulumirpc.RuntimeOptionsRequest,
) (*pulumirpc.RuntimeOptionsResponse, error) {
	return &pulumirpc.RuntimeOptionsResponse{}, nil
}
